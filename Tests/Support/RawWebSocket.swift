// A WebSocket client by hand (RFC 6455), for tests: frames are made and read here, byte by byte, without the production
// codec; messages are read with Foundation's JSON.
package import Foundation
import Glibc

package final class RawWebSocket {
  package let socket: RawSocket
  /// The head of the answer to the handshake.
  package let head: String

  /// Opens a WebSocket; throws with the answer's status and body when the hub does not upgrade.
  package init(
    port: UInt16, path: String, token: String? = nil, headers: [String: String] = [:], tls: TLSWish? = nil,
    patience: TimeInterval = 20, receiveBuffer: Int32? = nil
  ) throws {
    socket = try RawSocket(port: port, tls: tls, patience: patience, receiveBuffer: receiveBuffer)
    let key = Data((0..<16).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
    var text = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    text += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(key)\r\n"
    if let token { text += "Authorization: Bearer \(token)\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    try socket.send(text + "\r\n")
    let answer = try socket.answer()
    head = answer.head
    guard answer.status == 101 else { throw SupportError("\(answer.status) \(answer.text)") }
  }

  /// The extensions that the hub accepted, as it wrote them; nil when it accepted none.
  package var extensions: String? {
    RawAnswer(status: 101, head: head, body: []).header("Sec-WebSocket-Extensions")
  }

  package struct Frame {
    package let isFinal: Bool
    package let opcode: UInt8
    package let payload: [UInt8]
    /// RSV1 to RSV3, as a number.
    package var reserved: UInt8 = 0

    /// The code of a close frame; 1005 when it has none.
    package var closeCode: Int { payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005 }
    package var text: String { String(decoding: payload, as: UTF8.self) }
  }

  /// A frame with everything as given, also against the rules.
  package static func frame(
    opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, reserved: UInt8 = 0, mask: [UInt8]? = [1, 2, 3, 4]
  ) -> [UInt8] {
    var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
    let maskBit: UInt8 = mask == nil ? 0 : 0x80
    switch payload.count {
    case ..<126: bytes.append(maskBit | UInt8(payload.count))
    case ..<65536: bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default: bytes += [maskBit | 127] + (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 255) }
    }
    guard let mask else { return bytes + payload }
    return bytes + mask + masked(payload, with: mask)
  }

  /// By words of eight bytes, since tests are built without optimisation and some payloads have 16 MiB.
  private static func masked(_ payload: [UInt8], with mask: [UInt8]) -> [UInt8] {
    let wordCount = payload.count / 8
    let word = (mask + mask).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    var bytes = payload
    bytes.withUnsafeMutableBytes { memory in
      let words = UnsafeMutableRawBufferPointer(rebasing: memory[..<(wordCount * 8)]).bindMemory(to: UInt64.self)
      guard var next = words.baseAddress else { return }
      let end = next + wordCount
      while next < end {
        next.pointee ^= word
        next += 1
      }
    }
    for position in (wordCount * 8)..<payload.count { bytes[position] ^= mask[position & 3] }
    return bytes
  }

  package func send(_ text: String) throws { try socket.send(Self.frame(opcode: 1, Array(text.utf8))) }

  package func send(_ message: [String: Any]) throws {
    try socket.send(Self.frame(opcode: 1, Array(try JSONSerialization.data(withJSONObject: message))))
  }

  package func receiveFrame() throws -> Frame {
    let start = try socket.take(2)
    var length = Int(start[1] & 0x7F)
    if length >= 126 {
      let shortest = length == 126 ? 126 : 65_536
      length = try socket.take(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
      guard length >= shortest else { throw SupportError("a length of \(length) is not in its shortest form") }
    }
    guard start[1] & 0x80 == 0 else { throw SupportError("the hub masked a frame") }
    return Frame(
      isFinal: start[0] & 0x80 != 0, opcode: start[0] & 15, payload: try socket.take(length),
      reserved: start[0] >> 4 & 7)
  }

  /// The next message; answers pings on the way. Throws with the close code when the hub closes.
  package func receive() throws -> [String: Any] {
    while true {
      let frame = try receiveFrame()
      switch frame.opcode {
      case 1:
        guard let message = try JSONSerialization.jsonObject(with: Data(frame.payload)) as? [String: Any] else {
          throw SupportError("a message is no object: \(frame.text)")
        }
        return message
      case 8:
        throw SupportError("closed \(frame.closeCode) \(String(decoding: frame.payload.dropFirst(2), as: UTF8.self))")
      case 9: try socket.send(Self.frame(opcode: 10, frame.payload))
      default: break
      }
    }
  }

  /// The next message of a type; others are passed over.
  package func receive(_ type: String) throws -> [String: Any] {
    let end = Date(timeIntervalSinceNow: socket.patience)
    // Heartbeats come for ever, so each wait of its own would not end.
    while Date() < end {
      let message = try receive()
      if message["type"] as? String == type { return message }
    }
    throw SupportError("no \(type) within \(socket.patience) s")
  }

  /// Frames until the hub's close frame; answers that.
  package func receiveClose() throws -> Frame {
    let end = Date(timeIntervalSinceNow: socket.patience)
    while Date() < end {
      let frame = try receiveFrame()
      if frame.opcode == 8 { return frame }
    }
    throw SupportError("no close within \(socket.patience) s")
  }
}
