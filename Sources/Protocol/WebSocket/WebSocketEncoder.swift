// Messages → frames (RFC 6455 §5.2, §6.1): one frame a message, length in the shortest form. A server does not mask.

package enum WebSocketEncoder {
  /// Appends one final frame; a client gives a fresh unpredictable `maskingKey` (RFC 6455 §5.3).
  @inline(__always)
  package static func append(
    _ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, to output: inout [UInt8], maskingKey: UInt32? = nil,
    rsv1: Bool = false
  ) {
    output.append(addingCapacity: maximumByteCount(of: payload.count)) { (room: inout OutputSpan<UInt8>) in
      room.withUnsafeMutableBufferPointer { buffer, count in
        guard let base = buffer.baseAddress else { return }
        count += write(opcode, payload, to: UnsafeMutableRawPointer(base) + count, maskingKey: maskingKey, rsv1: rsv1)
      }
    }
  }

  package static func append(
    _ opcode: WebSocketOpcode, _ payload: RawSpan, to output: inout [UInt8], maskingKey: UInt32? = nil,
    rsv1: Bool = false
  ) {
    payload.withUnsafeBytes { append(opcode, $0, to: &output, maskingKey: maskingKey, rsv1: rsv1) }
  }

  /// Writes one final frame to memory with room for `maximumByteCount(of:)` bytes; returns the bytes written.
  @inline(__always)
  package static func write(
    _ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer,
    maskingKey: UInt32? = nil, rsv1: Bool = false
  ) -> Int {
    let header = WebSocketFrameHeader(
      opcode: opcode, payloadLength: payload.count, rsv1: rsv1, maskingKey: maskingKey)
    let headerBytes = header.write(to: memory)
    if let source = payload.baseAddress {
      (memory + headerBytes).copyMemory(from: source, byteCount: payload.count)
    }
    if let maskingKey { _ = WebSocketMask.apply(maskingKey, to: memory + headerBytes, count: payload.count) }
    return headerBytes + payload.count
  }

  /// An upper bound of what a frame takes; `write` needs no more.
  @inline(__always)
  package static func maximumByteCount(of payloadBytes: Int) -> Int {
    payloadBytes + WebSocketFrameHeader.maximumByteCount
  }

  package static func appendText(_ text: String, to output: inout [UInt8], maskingKey: UInt32? = nil) {
    var text = text
    text.withUTF8 { append(.text, UnsafeRawBufferPointer($0), to: &output, maskingKey: maskingKey) }
  }

  /// A ping with at most the first 125 bytes of `payload` (RFC 6455 §5.5).
  package static func appendPing(_ payload: RawSpan, to output: inout [UInt8], maskingKey: UInt32? = nil) {
    append(.ping, payload.extracting(first: 125), to: &output, maskingKey: maskingKey)
  }

  /// The answer to a ping: the same payload (RFC 6455 §5.5.3).
  package static func appendPong(_ payload: RawSpan, to output: inout [UInt8], maskingKey: UInt32? = nil) {
    append(.pong, payload.extracting(first: 125), to: &output, maskingKey: maskingKey)
  }

  /// A close frame; without a code, or with one that may not travel, it is empty. The reason is cut at a character to
  /// the 123 bytes that fit (RFC 6455 §5.5.1).
  package static func appendClose(
    code: UInt16?, reason: String = "", to output: inout [UInt8], maskingKey: UInt32? = nil
  ) {
    var payload: [UInt8] = []
    if let code, WebSocketCloseCode.mayTravel(code) {
      payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
      for scalar in reason.unicodeScalars {
        let encoded = UTF8.encode(scalar)
        guard let encoded, payload.count + encoded.count <= 125 else { break }
        payload.append(contentsOf: encoded)
      }
    }
    append(.close, payload.span.bytes, to: &output, maskingKey: maskingKey)
  }
}
