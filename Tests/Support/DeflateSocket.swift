// A WebSocket client with permessage-deflate by hand (RFC 7692), for tests: zlib is called here and the handshake's answer
// is read here, without the production codec. It is strict: what the hub sends must be restorable with the window that was
// agreed on and, where no context was, by itself.
import CZlib
package import Foundation

/// A raw zlib stream that compresses or restores messages.
package final class RawZlib {
  package struct Fault: Error {}

  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let isDeflating: Bool
  private let keepsContext: Bool

  package init(deflating: Bool, windowBits: Int = 15, keepsContext: Bool, level: Int = 6) throws {
    isDeflating = deflating
    self.keepsContext = keepsContext
    stream.initialize(to: z_stream())
    let bits = Int32(-windowBits)
    guard (deflating ? hub_deflate_init(stream, Int32(level), bits, 8) : hub_inflate_init(stream, bits)) == Z_OK else {
      throw Fault()
    }
  }

  deinit {
    if isDeflating { deflateEnd(stream) } else { inflateEnd(stream) }
    stream.deallocate()
  }

  /// The whole message, compressed without its tail or restored.
  package func message(_ bytes: [UInt8]) throws -> [UInt8] {
    defer { if !keepsContext { _ = isDeflating ? deflateReset(stream) : inflateReset(stream) } }
    var input = isDeflating ? bytes : bytes + [0, 0, 255, 255]
    var output: [UInt8] = []
    // Small pieces: zlib would let a reference reach into all of the output it has just been given room for.
    var piece = [UInt8](repeating: 0, count: isDeflating ? 64 * 1024 : 256)
    let pieceBytes = piece.count
    try input.withUnsafeMutableBufferPointer { input in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = UInt32(input.count)
      while true {
        let status = piece.withUnsafeMutableBufferPointer { piece in
          stream.pointee.next_out = piece.baseAddress
          stream.pointee.avail_out = UInt32(pieceBytes)
          return isDeflating ? deflate(stream, Z_SYNC_FLUSH) : inflate(stream, Z_SYNC_FLUSH)
        }
        output += piece[..<(pieceBytes - Int(stream.pointee.avail_out))]
        guard status == Z_OK || status == Z_BUF_ERROR else { throw Fault() }
        if stream.pointee.avail_out > 0 { break }
      }
    }
    guard isDeflating else { return output }
    guard output.suffix(4) == [0, 0, 255, 255] else { return output.isEmpty ? [0] : output }
    return output.dropLast(4)
  }
}

package final class DeflateSocket {
  package struct Message {
    package let opcode: UInt8
    package let payload: [UInt8]
    package let isCompressed: Bool
    /// The payload's bytes on the wire.
    package let sentBytes: Int
  }

  package let webSocket: RawWebSocket
  /// The hub's Sec-WebSocket-Extensions; nil when it has none.
  package let answer: String?
  private let deflater: RawZlib
  private let inflater: RawZlib

  package var socket: RawSocket { webSocket.socket }

  /// `extensions` is the offer. `violatesContext`: it keeps a context whatever was agreed on.
  package init(
    port: UInt16, path: String, token: String? = nil, extensions: String, violatesContext: Bool = false,
    patience: TimeInterval = 20
  ) throws {
    webSocket = try RawWebSocket(
      port: port, path: path, token: token, headers: ["Sec-WebSocket-Extensions": extensions], patience: patience)
    answer = webSocket.extensions
    let parts = (answer ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
    func bits(_ name: String) -> Int {
      parts.first { $0.hasPrefix(name + "=") }.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 15
    }
    deflater = try RawZlib(
      deflating: true, windowBits: max(9, bits("client_max_window_bits")),
      keepsContext: violatesContext || !parts.contains("client_no_context_takeover"))
    inflater = try RawZlib(
      deflating: false, windowBits: bits("server_max_window_bits"),
      keepsContext: !parts.contains("server_no_context_takeover"))
  }

  package func compress(_ bytes: [UInt8]) throws -> [UInt8] { try deflater.message(bytes) }

  /// Sends a compressed message, in `fragments` frames with `between` after each but the last.
  package func send(_ bytes: [UInt8], opcode: UInt8 = 1, fragments: Int = 1, between: [UInt8] = []) throws {
    try send(compressed: try compress(bytes), opcode: opcode, fragments: fragments, between: between)
  }

  package func send(_ message: [String: Any]) throws {
    try send(Array(try JSONSerialization.data(withJSONObject: message)))
  }

  package func send(compressed: [UInt8], opcode: UInt8 = 1, fragments: Int = 1, between: [UInt8] = []) throws {
    let size = max(1, (compressed.count + fragments - 1) / fragments)
    var frames: [UInt8] = []
    for index in 0..<fragments {
      let piece = compressed.dropFirst(index * size).prefix(size)
      frames += RawWebSocket.frame(
        opcode: index == 0 ? opcode : 0, Array(piece), isFinal: index == fragments - 1, reserved: index == 0 ? 4 : 0)
      if index < fragments - 1 { frames += between }
    }
    try socket.send(frames)
  }

  /// The next message, restored; pings are answered and pongs passed over.
  package func next() throws -> Message {
    while true {
      let frame = try webSocket.receiveFrame()
      switch frame.opcode {
      case 1, 2:
        guard frame.isFinal, frame.reserved == 0 || frame.reserved == 4 && answer != nil else {
          throw SupportError("a frame with reserved bits \(frame.reserved)")
        }
        let isCompressed = frame.reserved == 4
        let payload = isCompressed ? try inflater.message(frame.payload) : frame.payload
        return Message(
          opcode: frame.opcode, payload: payload, isCompressed: isCompressed, sentBytes: frame.payload.count)
      case 8:
        throw SupportError("closed \(frame.closeCode) \(String(decoding: frame.payload.dropFirst(2), as: UTF8.self))")
      case 9: try socket.send(RawWebSocket.frame(opcode: 10, frame.payload))
      default: break
      }
    }
  }

  /// The next message of a type; others are passed over.
  package func next(_ type: String) throws -> (json: Document, message: Message) {
    let end = Date(timeIntervalSinceNow: socket.patience)
    while Date() < end {
      let message = try next()
      let json = Document(message.payload)
      if json["type"].string == type { return (json, message) }
    }
    throw SupportError("no \(type) within \(socket.patience) s")
  }
}
