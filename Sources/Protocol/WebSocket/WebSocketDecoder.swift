// Bytes → messages and control frames (RFC 6455 §5, §6.2), sans-I/O, one decoder a connection.
// The caller gives each read buffer and a position and calls `next` until it answers `.needsMore`; it never keeps
// leftovers. A message that lies whole in the buffer is unmasked in place and never copied; only what a read cut
// in two, and fragments, are kept here. Between messages the decoder owns no heap memory.
// This file holds the path that nearly every message takes; the rest is in WebSocketDecoder+Frames.swift.

package struct WebSocketDecoder: Sendable {
  package enum Phase: UInt8, Sendable {
    /// Between two messages, nothing kept.
    case idle
    /// Between two frames of one message, or inside a header.
    case header
    case payload
    /// A close frame or a violation was reported; all later bytes are thrown away.
    case ended
  }

  @usableFromInline package let role: WebSocketRole
  /// Whether permessage-deflate was negotiated, so that RSV1 may mark a compressed message.
  package let allowsCompression: Bool
  @usableFromInline package let limits: WebSocketLimits
  @usableFromInline package var phase = Phase.idle

  // The header that a read cut in two.
  var headerBytes = InlineArray<14, UInt8>(repeating: 0)
  var headerByteCount: UInt8 = 0

  // The frame whose payload is being read.
  var opcode = WebSocketOpcode.text
  var isFinalFrame = true
  var isFrameUntouched = true
  var maskingKey: UInt32 = 0
  var remaining = 0
  var control: [UInt8] = []

  // The data message being assembled; a control frame may come between its fragments.
  var isInMessage = false
  var kind = WebSocketMessageKind.text
  var isCompressed = false
  var validator = UTF8Validator()
  var fragments = 0
  var message: [UInt8] = []

  package init(role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits(), allowsCompression: Bool = false) {
    self.role = role
    self.limits = limits
    self.allowsCompression = allowsCompression
  }

  /// Decodes the next thing in `bytes` from `position` on and moves `position` behind it.
  @inlinable @inline(__always)
  package mutating func next(in bytes: inout MutableRawSpan, at position: inout Int) -> WebSocketEvent {
    bytes.withUnsafeMutableBytes { next(in: $0, at: &position) }
  }

  /// As above, for memory the caller owns: the reactor's read buffer.
  @inlinable @inline(__always)
  package mutating func next(in bytes: UnsafeMutableRawBufferPointer, at position: inout Int) -> WebSocketEvent {
    guard phase == .idle, let base = bytes.baseAddress, bytes.count &- position >= 2 else {
      if phase == .idle, position == bytes.count { return .needsMore }
      return nextFrame(in: bytes, at: &position)
    }
    let start = base + position
    let first = start.load(as: UInt8.self)
    let second = start.load(fromByteOffset: 1, as: UInt8.self)
    let maskBytes = role == .server ? 4 : 0
    // FIN with text or binary, no reserved bit, masked as the role demands, length below 64 KiB: else the long way.
    guard first == 0x81 || first == 0x82, second & 0x80 == (role == .server ? 0x80 : 0), second & 0x7F != 127 else {
      return nextFrame(in: bytes, at: &position)
    }
    var length = Int(second & 0x7F)
    var headerBytes = 2 &+ maskBytes
    if length == 126 {
      guard bytes.count &- position >= 4 else { return nextFrame(in: bytes, at: &position) }
      length = Int(UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      headerBytes &+= 2
      guard length > 125 else { return nextFrame(in: bytes, at: &position) }
    }
    guard bytes.count &- position >= headerBytes &+ length, length <= limits.messageBytes else {
      return nextFrame(in: bytes, at: &position)
    }
    let payload = start + headerBytes
    let isASCII: Bool
    if role == .server {
      let key = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: headerBytes &- 4, as: UInt32.self))
      isASCII = WebSocketMask.apply(key, to: payload, count: length)
    } else {
      isASCII = first == 0x82 || WebSocketMask.isASCII(payload, count: length)
    }
    if first == 0x81, !isASCII, !Self.isUTF8(payload, count: length) { return violation(1007, "a text is not UTF-8") }
    let range = Range(uncheckedBounds: (position &+ headerBytes, position &+ headerBytes &+ length))
    position = range.upperBound
    return .message(first == 0x81 ? .text : .binary, .inPlace(range), isCompressed: false)
  }

  @usableFromInline @inline(never)
  package static func isUTF8(_ memory: UnsafeRawPointer, count: Int) -> Bool {
    var validator = UTF8Validator()
    return validator.accepts(UnsafeRawBufferPointer(start: memory, count: count)) && validator.isComplete
  }

  /// Ends the decoder and gives back its memory.
  @usableFromInline @inline(never)
  package mutating func violation(_ code: UInt16, _ reason: String) -> WebSocketEvent {
    end()
    return .violation(code: code, reason: reason)
  }

  mutating func end() {
    phase = .ended
    message = []
    control = []
  }
}
