// Raw DEFLATE, message by message, as permessage-deflate needs it (RFC 7692 §7.2). A message is flushed to a byte's end
// and loses the four bytes 00 00 FF FF, which the other side adds again. The window is kept from message to message
// (context takeover) or forgotten after each. Window bits are 9…15: zlib cannot use a raw window of 8 bits.

/// Compresses messages of one direction of one connection, or of one broadcast.
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
    let (_, step) = try stream.run(message, finishing: false, into: &output, limit: .max)
    guard step == .drained else { throw .outOfMemory }
    if output.count - start >= 4 { output.removeLast(4) }
    // RFC 7692 §7.2.3.6: an empty message is one empty block, also when zlib has nothing to flush.
    if output.count == start { output.append(0) }
    if !keepsContext { stream.reset() }
  }
}

/// Restores messages of one direction of one connection.
package struct MessageInflater: ~Copyable {
  private var stream: Stream
  private let keepsContext: Bool

  package init(windowBits: Int = 15, keepsContext: Bool) throws(CompressionError) {
    guard 9...15 ~= windowBits else { throw .invalidSetting }
    stream = try Stream(.inflate, windowBits: -windowBits)
    self.keepsContext = keepsContext
  }

  /// The message of at most `limit` bytes. After an error the stream is of no more use: close the connection.
  package mutating func message(_ bytes: borrowing RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
    var output: [UInt8] = []
    let tail: InlineArray<4, UInt8> = [0x00, 0x00, 0xFF, 0xFF]
    try feed(bytes, into: &output, limit: limit)
    try feed(tail.span.bytes, into: &output, limit: limit)
    // A message that was cut short would swallow the tail as data, and the next message with it.
    guard stream.isBetweenBlocks else { throw .corrupt }
    if !keepsContext { stream.reset() }
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
