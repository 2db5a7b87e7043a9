// Whole bodies as gzip, against bytes that another program wrote.
import Compression
import Testing

// #expect cannot hold a span, which does not escape: these take arrays.
func gzip(_ body: [UInt8], level: Int = 6) throws(CompressionError) -> [UInt8] {
  try Gzip.compress(body.span.bytes, level: level)
}
func gunzip(_ bytes: [UInt8], limit: Int = 100) throws(CompressionError) -> [UInt8] {
  try Gzip.decompress(bytes.span.bytes, limit: limit)
}

struct GzipTests {
  // `printf hello | gzip -n`
  static let hello: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x86, 0xA6,
    0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
  ]

  @Test func `RFC 1952, the bytes are those of gzip itself`() throws {
    #expect(try gzip(Array("hello".utf8)) == GzipTests.hello)
    #expect(try gunzip(GzipTests.hello, limit: 5) == Array("hello".utf8))
  }

  @Test(arguments: [0, 1, 1_000, 16_383, 16_384, 16_385, 300_000], [0, 1, 6, 9])
  func `A body comes back as it was`(size: Int, level: Int) throws {
    for body in [MessageDeflaterTests.noise(size), Array(repeating: 0x20, count: size)] {
      let compressed = try gzip(body, level: level)
      #expect(try gunzip(compressed, limit: size) == body)
      if size > 0 {
        #expect(throws: CompressionError.tooLarge) { try gunzip(compressed, limit: size - 1) }
      }
    }
  }

  @Test func `A body that repeats itself gets small`() throws {
    #expect(try gzip(Array(repeating: 0x20, count: 10_000)).count < 100)
  }

  @Test func `A body cut anywhere, or with one byte more, is corrupt`() {
    for end in 0..<GzipTests.hello.count {
      #expect(throws: CompressionError.corrupt) { try gunzip(Array(GzipTests.hello[..<end])) }
    }
    #expect(throws: CompressionError.corrupt) { try gunzip(GzipTests.hello + [0]) }
  }

  @Test(arguments: [0, 2, 12, 18, 22])
  func `A body with a changed byte is corrupt`(index: Int) {
    var body = GzipTests.hello
    body[index] ^= 0x55
    #expect(throws: CompressionError.corrupt) { try gunzip(body) }
  }
}
