// The client that plays the cases: it reads frames byte by byte, puts messages together and is strict about all that the
// hub may not send (masks, reserved bits, fragmented control frames, a message inside another).
import Foundation
import TestSupport

final class RawPeer {
  /// The extensions that the hub accepted, as it wrote them.
  let extensions: String?
  /// Inflates a message whose first frame has RSV1; without it that bit is a fault.
  var inflate: (([UInt8]) throws -> [UInt8])?
  private let socket: RawSocket
  private var kind: UInt8 = 0
  private var isCompressed = false
  private var message: [UInt8] = []

  init(port: UInt16, extensions offers: String? = nil) throws {
    let opening = try RawWebSocket(
      port: port, path: "/", headers: offers.map { ["Sec-WebSocket-Extensions": $0] } ?? [:])
    socket = opening.socket
    let lines = opening.head.split(separator: "\r\n").map { $0.split(separator: ":", maxSplits: 1) }
    extensions = lines.first { $0.count == 2 && $0[0].lowercased() == "sec-websocket-extensions" }
      .map { $0[1].trimmingCharacters(in: .whitespaces) }
  }

  func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

  /// Plays the script; throws at the first thing that is not as it says.
  func play(_ steps: [WireCase.Step]) throws {
    for (number, step) in steps.enumerated() {
      switch step {
      case .write(let bytes): try send(bytes)
      case .chop(let bytes, let size): try chop(bytes, by: size)
      case .expect(let heard): try expect(heard, "step \(number + 1)")
      case .expectClose(let codes): try expectClose(codes, "step \(number + 1)")
      case .expectSilence: try expectSilence("step \(number + 1)")
      }
    }
  }

  private func chop(_ bytes: [UInt8], by size: Int) throws {
    for start in stride(from: 0, to: bytes.count, by: size) {
      // A hub that fails early need not read the rest.
      do { try send(Array(bytes[start..<min(start + size, bytes.count)])) } catch { return }
    }
  }

  func expect(_ wanted: WireCase.Heard, _ place: String) throws {
    let heard = try next()
    guard heard == wanted else { throw SupportError("\(place): expected \(wanted), heard \(heard)") }
  }

  func expectClose(_ codes: [Int], _ place: String) throws {
    let heard = try next()
    guard case .close(let code) = heard, codes.contains(code) else {
      throw SupportError("\(place): expected a close with \(codes), heard \(heard)")
    }
    try expect(.end, "after the close")
  }

  private func expectSilence(_ place: String) throws {
    guard socket.received.isEmpty else { throw SupportError("\(place): expected nothing, heard \(try next())") }
    do { _ = try socket.receiveMore(within: 0.05) } catch { return }
    throw SupportError("\(place): expected nothing, heard \(try next())")
  }

  /// The next message, control frame or the end of the stream.
  func next() throws -> WireCase.Heard {
    while true {
      if socket.received.isEmpty, try !socket.receiveMore() { return .end }
      let start = try socket.take(2)
      let isFinal = start[0] & 0x80 != 0
      let reserved = start[0] >> 4 & 7
      let opcode = start[0] & 15
      guard start[1] & 0x80 == 0 else { throw SupportError("the hub masked a frame") }
      let payload = try socket.take(try byteCount(start[1]))
      if opcode >= 8 {
        guard isFinal, reserved == 0, payload.count < 126 else { throw SupportError("a control frame is malformed") }
        return try control(opcode, payload)
      }
      if let heard = try data(opcode, payload, isFinal: isFinal, reserved: reserved) { return heard }
    }
  }

  private func byteCount(_ first: UInt8) throws -> Int {
    let short = Int(first)
    let count =
      switch short {
      case 126: try socket.take(2).reduce(0) { $0 << 8 | Int($1) }
      case 127: try socket.take(8).reduce(0) { $0 << 8 | Int($1) }
      default: short
      }
    guard count >= (short == 127 ? 65_536 : short == 126 ? 126 : 0) else {
      throw SupportError("a length of \(count) is not in its shortest form")
    }
    return count
  }

  private func control(_ opcode: UInt8, _ payload: [UInt8]) throws -> WireCase.Heard {
    switch opcode {
    case 8:
      guard payload.count != 1 else { throw SupportError("a close frame has half a code") }
      return .close(payload.isEmpty ? 1005 : Int(payload[0]) << 8 | Int(payload[1]))
    case 9: return .ping(payload)
    case 10: return .pong(payload)
    default: throw SupportError("the hub sent opcode \(opcode)")
    }
  }

  /// Takes a frame of a message; answers the message with its last one.
  private func data(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool, reserved: UInt8) throws -> WireCase.Heard? {
    if opcode == 0 {
      guard kind != 0, reserved == 0 else { throw SupportError("a continuation frame continues nothing") }
    } else {
      guard kind == 0, opcode <= 2 else { throw SupportError("opcode \(opcode) inside a message") }
      guard reserved == 0 || reserved == 4 && inflate != nil else { throw SupportError("reserved bits \(reserved)") }
      kind = opcode
      isCompressed = reserved == 4
    }
    message += payload
    guard isFinal else { return nil }
    defer {
      kind = 0
      message = []
    }
    let whole = if isCompressed, let inflate { try inflate(message) } else { message }
    return kind == 1 ? .text(whole) : .binary(whole)
  }
}
