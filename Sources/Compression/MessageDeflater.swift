// Raw DEFLATE, message by message, as permessage-deflate needs it (RFC 7692 §7.2). A message is flushed to a byte's end
// and loses the four bytes 00 00 FF FF, which the other side adds again. The window is kept from message to message
// (context takeover) or forgotten before each; one that forgets may serve any number of connections.
// Window bits are 9…15: zlib cannot use a raw window of 8 bits.

/// Compresses messages of one direction of one connection, or of many connections that keep no context.
package struct MessageDeflater: ~Copyable {
  private var stream: Stream
  private let keepsContext: Bool

  package init(
    windowBits: Int = 15, keepsContext: Bool, level: Int = 6, memoryLevel: Int = 8
  ) throws(CompressionError) {
    guard 9...15 ~= windowBits, 0...9 ~= level, 1...9 ~= memoryLevel else { throw .invalidSetting }
    stream = try Stream(.deflate, windowBits: -windowBits, level: level, memoryLevel: memoryLevel)
    self.keepsContext = keepsContext
  }

  /// Appends the compressed message, without its tail.
  package mutating func append(_ message: borrowing RawSpan, to output: inout [UInt8]) throws(CompressionError) {
    let start = output.count
    try appendPart(message, to: &output)
    if output.count - start >= 4 { output.removeLast(4) }
    // RFC 7692 §7.2.3.6: an empty message is one empty block, also when zlib has nothing to flush.
    if output.count == start { output.append(0) }
  }

  /// Appends a part of a message, flushed and with its tail: other parts and `DeflatedMessage.appendEnd` follow.
  package mutating func appendPart(_ part: borrowing RawSpan, to output: inout [UInt8]) throws(CompressionError) {
    if !keepsContext { stream.reset() }
    let (_, step) = try stream.run(part, finishing: false, into: &output, limit: .max)
    guard step == .drained else { throw .outOfMemory }
  }
}

/// A message put together from parts of which the costly ones were compressed before: each part ends at a byte's end and
/// refers to nothing in front of it, so any sequence of them is a message (RFC 7692 §7.2.1: any number of blocks).
package enum DeflatedMessage {
  /// Appends bytes as they are, in stored blocks (RFC 1951 §3.2.4).
  package static func appendStored(_ bytes: borrowing RawSpan, to output: inout [UInt8]) {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let block = rest.prefix(0xFFFF)
        let length = UInt16(truncatingIfNeeded: block.count)
        output.append(0)
        for field in [length, ~length] {
          output.append(UInt8(truncatingIfNeeded: field))
          output.append(UInt8(truncatingIfNeeded: field >> 8))
        }
        output.append(contentsOf: block)
        rest = rest.dropFirst(block.count)
      }
    }
  }

  /// Ends the message: an empty stored block whose length, 00 00 FF FF, is the tail that does not travel.
  package static func appendEnd(to output: inout [UInt8]) { output.append(0) }
}

/// Restores messages of one direction of one connection, or of many connections that keep no context.
package struct MessageInflater: ~Copyable {
  /// Bytes that a message may have whatever its ratio: what is bounded so needs no suspicion.
  package static let unsuspectedBytes = 1 << 20
  /// How many times what has been read of it a message may have grown past that. Text reaches 20, DEFLATE itself 1,032.
  package static let maximumRatio = 256

  private var stream: Stream
  private let keepsContext: Bool

  package init(windowBits: Int = 15, keepsContext: Bool) throws(CompressionError) {
    guard 9...15 ~= windowBits else { throw .invalidSetting }
    stream = try Stream(.inflate, windowBits: -windowBits)
    self.keepsContext = keepsContext
  }

  /// Appends the message. Inflating stops where it passes `limit` bytes, or grows faster than the ratio allows: a bomb is
  /// never held. After an error a stream that keeps its context is of no more use, and `output` holds a part.
  package mutating func append(
    _ message: borrowing RawSpan, to output: inout [UInt8], limit: Int
  ) throws(CompressionError) {
    if !keepsContext { stream.reset() }
    let start = output.count
    let pieceBytes = Self.unsuspectedBytes / Self.maximumRatio
    var read = 0
    var allowed = min(limit, Self.unsuspectedBytes)
    while read < message.byteCount {
      let end = min(message.byteCount, read + pieceBytes)
      allowed = min(limit, max(Self.unsuspectedBytes, end * Self.maximumRatio))
      try feed(message.extracting(read..<end), into: &output, limit: start + allowed)
      read = end
    }
    let tail: InlineArray<4, UInt8> = [0x00, 0x00, 0xFF, 0xFF]
    try feed(tail.span.bytes, into: &output, limit: start + allowed)
    // A message that was cut short would swallow the tail as data, and the next message with it.
    guard stream.isBetweenBlocks else { throw .corrupt }
  }

  /// The message by itself.
  package mutating func message(_ bytes: borrowing RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
    var output: [UInt8] = []
    try append(bytes, to: &output, limit: limit)
    return output
  }

  private mutating func feed(
    _ bytes: borrowing RawSpan, into output: inout [UInt8], limit: Int
  ) throws(CompressionError) {
    var position = 0
    while position < bytes.byteCount {
      let (used, step) = try stream.run(
        bytes.extracting(position..<bytes.byteCount), finishing: false, into: &output, limit: limit)
      position += used
      switch step {
      // RFC 7692 §7.2.3.4: a block with BFINAL does not end the message.
      case .ended: stream.continueAfterEnd()
      case .drained, .more: return
      case .corrupt: throw .corrupt
      case .outOfMemory: throw .outOfMemory
      }
    }
  }
}
