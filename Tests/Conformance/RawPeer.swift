// The client that plays the cases: it puts messages together and is strict about all that the hub may not send (reserved
// bits, fragmented control frames, a message inside another; masks and long lengths RawWebSocket refuses).
import TestSupport

final class RawPeer {
  /// The extensions that the hub accepted, as it wrote them.
  var extensions: String? { webSocket.extensions }
  /// Inflates a message whose first frame has RSV1; without it that bit is a fault.
  var inflate: (([UInt8]) throws -> [UInt8])?
  private let webSocket: RawWebSocket
  private var socket: RawSocket { webSocket.socket }
  private var kind: UInt8 = 0
  private var isCompressed = false
  private var message: [UInt8] = []

  init(port: UInt16, extensions offers: String? = nil) throws {
    webSocket = try RawWebSocket(
      port: port, path: "/", headers: offers.map { ["Sec-WebSocket-Extensions": $0] } ?? [:])
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
      let frame = try webSocket.receiveFrame()
      if frame.opcode >= 8 {
        guard frame.isFinal, frame.reserved == 0, frame.payload.count < 126 else {
          throw SupportError("a control frame is malformed")
        }
        return try control(frame)
      }
      if let heard = try data(frame) { return heard }
    }
  }

  private func control(_ frame: RawWebSocket.Frame) throws -> WireCase.Heard {
    switch frame.opcode {
    case 8:
      guard frame.payload.count != 1 else { throw SupportError("a close frame has half a code") }
      return .close(frame.closeCode)
    case 9: return .ping(frame.payload)
    case 10: return .pong(frame.payload)
    default: throw SupportError("the hub sent opcode \(frame.opcode)")
    }
  }

  /// Takes a frame of a message; answers the message with its last one.
  private func data(_ frame: RawWebSocket.Frame) throws -> WireCase.Heard? {
    if frame.opcode == 0 {
      guard kind != 0, frame.reserved == 0 else { throw SupportError("a continuation frame continues nothing") }
    } else {
      guard kind == 0, frame.opcode <= 2 else { throw SupportError("opcode \(frame.opcode) inside a message") }
      isCompressed = frame.reserved == 4 && inflate != nil
      guard frame.reserved == 0 || isCompressed else { throw SupportError("reserved bits \(frame.reserved)") }
      kind = frame.opcode
    }
    message += frame.payload
    guard frame.isFinal else { return nil }
    defer {
      kind = 0
      message = []
    }
    let whole = if isCompressed, let inflate { try inflate(message) } else { message }
    return kind == 1 ? .text(whole) : .binary(whole)
  }
}
