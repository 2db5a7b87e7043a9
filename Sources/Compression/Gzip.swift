// Whole bodies as gzip (RFC 1952), for HTTP's Content-Encoding. A body is compressed in one go; nothing is kept.

package enum Gzip {
  /// Compresses a whole body. Level 1 is fastest, 9 smallest.
  package static func compress(_ body: borrowing RawSpan, level: Int = 6) throws(CompressionError) -> [UInt8] {
    guard 0...9 ~= level else { throw .invalidSetting }
    var stream = try Stream(.deflate, windowBits: 15 + 16, level: level)
    var output: [UInt8] = []
    output.reserveCapacity(body.byteCount / 3 + 64)
    let (_, step) = try stream.run(body, finishing: true, into: &output, limit: .max)
    guard step == .ended else { throw .outOfMemory }
    return output
  }

  /// Restores a whole body of at most `limit` bytes; it must end where the input does.
  package static func decompress(_ bytes: borrowing RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
    var stream = try Stream(.inflate, windowBits: 15 + 16)
    var output: [UInt8] = []
    let (used, step) = try stream.run(bytes, finishing: true, into: &output, limit: limit)
    guard step != .outOfMemory else { throw .outOfMemory }
    guard step == .ended, used == bytes.byteCount else { throw .corrupt }
    return output
  }
}
