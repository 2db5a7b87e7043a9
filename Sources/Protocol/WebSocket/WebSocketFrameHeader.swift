// One frame header (RFC 6455 §5.2) as a value: parsed from bytes, checked for what a header alone can break, encoded.
// It knows nothing of the frames before it; the order of frames is the decoder's business.

/// The meaning of a frame (RFC 6455 §5.2). The reserved values have no case: a header with one is a violation.
package enum WebSocketOpcode: UInt8, Sendable {
  case continuation = 0x0
  case text = 0x1
  case binary = 0x2
  case close = 0x8
  case ping = 0x9
  case pong = 0xA

  /// Control frames carry at most 125 bytes and are never fragmented (RFC 6455 §5.5).
  package var isControl: Bool { rawValue & 0x8 != 0 }
}

/// What precedes the payload of every frame.
package struct WebSocketFrameHeader: Equatable, Sendable {
  package var isFinal: Bool
  /// Set on the first frame of a compressed message (RFC 7692 §6); whether that is allowed is negotiated.
  package var rsv1: Bool
  package var opcode: WebSocketOpcode
  /// The key as it lies in memory: its lowest byte masks the payload's first byte.
  package var maskingKey: UInt32?
  package var payloadLength: Int

  /// The longest header: two bytes, a 64-bit length, a masking key.
  package static let maximumByteCount = 14

  package init(
    opcode: WebSocketOpcode, payloadLength: Int, isFinal: Bool = true, rsv1: Bool = false, maskingKey: UInt32? = nil
  ) {
    self.isFinal = isFinal
    self.rsv1 = rsv1
    self.opcode = opcode
    self.maskingKey = maskingKey
    self.payloadLength = payloadLength
  }
}

extension WebSocketFrameHeader {
  package enum ParseResult: Equatable, Sendable {
    case needsMore
    case header(WebSocketFrameHeader, byteCount: Int)
    /// The peer broke RFC 6455 §5.2 or §5.5: close with 1002.
    case violation(String)
  }

  /// The byte count of the whole header that begins with `second` as its second byte.
  package static func byteCount(secondByte second: UInt8) -> Int {
    let lengthBytes = second & 0x7F == 126 ? 2 : second & 0x7F == 127 ? 8 : 0
    return 2 + lengthBytes + (second & 0x80 == 0 ? 0 : 4)
  }

  /// Reads the header at the beginning of `bytes`.
  package static func parse(_ bytes: RawSpan) -> ParseResult {
    bytes.withUnsafeBytes { parse($0) }
  }

  static func parse(_ bytes: UnsafeRawBufferPointer) -> ParseResult {
    guard bytes.count >= 2 else { return .needsMore }
    let first = bytes[0]
    let second = bytes[1]
    let headerBytes = byteCount(secondByte: second)
    guard bytes.count >= headerBytes else { return .needsMore }
    guard first & 0x30 == 0 else { return .violation("a reserved bit is set") }
    guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { return .violation("the opcode is reserved") }
    let isFinal = first & 0x80 != 0
    var offset = 2
    var length = UInt64(second & 0x7F)
    if length == 126 {
      length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      offset = 4
      guard length > 125 else { return .violation("the payload length is not in its shortest form") }
    } else if length == 127 {
      length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
      offset = 10
      guard length > 0xFFFF else { return .violation("the payload length is not in its shortest form") }
      guard length <= UInt64(Int.max) else { return .violation("the payload length has its highest bit set") }
    }
    if opcode.isControl {
      guard isFinal else { return .violation("a control frame is fragmented") }
      guard length <= 125 else { return .violation("a control frame is longer than 125 bytes") }
    }
    let maskingKey: UInt32? =
      second & 0x80 == 0 ? nil : UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    let header = WebSocketFrameHeader(
      opcode: opcode, payloadLength: Int(length), isFinal: isFinal, rsv1: first & 0x40 != 0, maskingKey: maskingKey)
    return .header(header, byteCount: headerBytes)
  }

  /// Appends the header with its length in the shortest form.
  package func append(to output: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: Self.maximumByteCount, alignment: 1) { buffer in
      guard let base = buffer.baseAddress else { return }
      let count = write(to: base)
      output.append(contentsOf: UnsafeRawBufferPointer(start: base, count: count))
    }
  }

  /// Writes the header to memory with room for `maximumByteCount` bytes and returns how many it took.
  @inline(__always)
  package func write(to memory: UnsafeMutableRawPointer) -> Int {
    let first = opcode.rawValue | (isFinal ? 0x80 : 0) | (rsv1 ? 0x40 : 0)
    let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
    memory.storeBytes(of: first, as: UInt8.self)
    var count = 2
    if payloadLength < 126 {
      memory.storeBytes(of: maskBit | UInt8(truncatingIfNeeded: payloadLength), toByteOffset: 1, as: UInt8.self)
    } else if payloadLength <= 0xFFFF {
      memory.storeBytes(of: maskBit | 126, toByteOffset: 1, as: UInt8.self)
      let length = UInt16(truncatingIfNeeded: payloadLength).bigEndian
      memory.storeBytes(of: length, toByteOffset: 2, as: UInt16.self)
      count = 4
    } else {
      memory.storeBytes(of: maskBit | 127, toByteOffset: 1, as: UInt8.self)
      memory.storeBytes(of: UInt64(truncatingIfNeeded: payloadLength).bigEndian, toByteOffset: 2, as: UInt64.self)
      count = 10
    }
    if let maskingKey {
      memory.storeBytes(of: maskingKey.littleEndian, toByteOffset: count, as: UInt32.self)
      count += 4
    }
    return count
  }
}
