// RFC 7692's own examples, context takeover and its absence, limits and damage.
import Compression
import Testing

struct MessageDeflaterTests {
  static func deflate(_ texts: [[UInt8]], windowBits: Int = 15, keepsContext: Bool) throws -> [[UInt8]] {
    var deflater = try MessageDeflater(windowBits: windowBits, keepsContext: keepsContext)
    var messages: [[UInt8]] = []
    for text in texts {
      var message: [UInt8] = []
      try deflater.append(text.span.bytes, to: &message)
      messages.append(message)
    }
    return messages
  }

  static func inflate(
    _ messages: [[UInt8]], windowBits: Int = 15, keepsContext: Bool, limit: Int = 1 << 20
  ) throws(CompressionError) -> [[UInt8]] {
    var inflater = try MessageInflater(windowBits: windowBits, keepsContext: keepsContext)
    var texts: [[UInt8]] = []
    for message in messages { texts.append(try inflater.message(message.span.bytes, limit: limit)) }
    return texts
  }

  /// Bytes that compress badly, the same in each run.
  static func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  static let hello = Array("Hello".utf8)

  @Test func `RFC 7692 §7.2.3.1, Hello in one block`() throws {
    let message: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    #expect(try MessageDeflaterTests.deflate([MessageDeflaterTests.hello], keepsContext: true) == [message])
    #expect(try MessageDeflaterTests.inflate([message], keepsContext: true) == [MessageDeflaterTests.hello])
  }

  @Test func `RFC 7692 §7.2.3.2, the second Hello is shorter when the window is kept`() throws {
    let messages: [[UInt8]] = [[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], [0xF2, 0x00, 0x11, 0x00, 0x00]]
    let texts = [MessageDeflaterTests.hello, MessageDeflaterTests.hello]
    #expect(try MessageDeflaterTests.deflate(texts, keepsContext: true) == messages)
    #expect(try MessageDeflaterTests.inflate(messages, keepsContext: true) == texts)
    #expect(try MessageDeflaterTests.deflate(texts, keepsContext: false) == [messages[0], messages[0]])
    #expect(throws: CompressionError.corrupt) { try MessageDeflaterTests.inflate(messages, keepsContext: false) }
  }

  @Test(arguments: [
    // §7.2.3.3 a block without compression; §7.2.3.4 a block with BFINAL; §7.2.3.5 two blocks.
    [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00] as [UInt8],
    [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
    [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
  ])
  func `RFC 7692 §7.2.3, other ways to write Hello are read, twice on one stream`(message: [UInt8]) throws {
    let texts = [MessageDeflaterTests.hello, MessageDeflaterTests.hello]
    for keepsContext in [true, false] {
      #expect(try MessageDeflaterTests.inflate([message, message], keepsContext: keepsContext) == texts)
    }
  }

  @Test func `RFC 7692 §7.2.3.4, the window outlives a block with BFINAL`() throws {
    let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
    let backReference: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
    #expect(
      try MessageDeflaterTests.inflate([final, backReference], keepsContext: true)
        == [MessageDeflaterTests.hello, MessageDeflaterTests.hello])
  }

  @Test func `RFC 7692 §7.2.3.6, empty messages are one byte, each time`() throws {
    let messages = try MessageDeflaterTests.deflate([[], [], MessageDeflaterTests.hello, []], keepsContext: true)
    #expect(messages[0].count == 1 && messages[1] == [0] && messages[3].count == 1)
    let texts = try MessageDeflaterTests.inflate(messages, keepsContext: true)
    #expect(texts == [[], [], MessageDeflaterTests.hello, []])
  }

  @Test(arguments: 9...15, [true, false])
  func `What is deflated is inflated, for every window`(windowBits: Int, keepsContext: Bool) throws {
    // Sizes around the 16 KiB chunk, where a flush can end exactly with the output space.
    let texts =
      [0, 1, 100, 16_370, 16_379, 16_380, 16_384, 70_000].map(MessageDeflaterTests.noise)
      + [Array(repeating: 0x41, count: 100_000), Array("{\"type\":\"event\"}".utf8)]
    let messages = try MessageDeflaterTests.deflate(texts, windowBits: windowBits, keepsContext: keepsContext)
    #expect(try MessageDeflaterTests.inflate(messages, windowBits: windowBits, keepsContext: keepsContext) == texts)
    #expect(messages[8].count < 1_000)
  }

  @Test func `Every size around the output chunk survives the flush`() throws {
    let texts = (16_350...16_400).map(MessageDeflaterTests.noise)
    let messages = try MessageDeflaterTests.deflate(texts, keepsContext: false)
    #expect(try MessageDeflaterTests.inflate(messages, keepsContext: false) == texts)
  }

  @Test func `A message at the limit passes and one byte more is too large`() throws {
    let bomb = try MessageDeflaterTests.deflate([Array(repeating: 0, count: 1_000_000)], keepsContext: false)
    #expect(bomb[0].count < 2_000)
    #expect(try MessageDeflaterTests.inflate(bomb, keepsContext: false, limit: 1_000_000)[0].count == 1_000_000)
    for limit in [999_999, 16_384, 1, 0] {
      #expect(throws: CompressionError.tooLarge) {
        try MessageDeflaterTests.inflate(bomb, keepsContext: false, limit: limit)
      }
    }
  }

  @Test(arguments: [
    [0xFF] as [UInt8], [0x07, 0x00], [0xF2, 0x48, 0xCD], [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48],
    [0x00, 0x05, 0x00, 0x00, 0x00, 0x48], [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
  ])
  func `Damaged and cut messages are corrupt`(message: [UInt8]) {
    #expect(throws: CompressionError.corrupt) { try MessageDeflaterTests.inflate([message], keepsContext: true) }
  }

  @Test func `Past a megabyte a message may grow by the ratio and no further`() throws {
    let (free, ratio) = (MessageInflater.unsuspectedBytes, MessageInflater.maximumRatio)
    func inflate(_ text: [UInt8]) throws -> (sent: Int, restored: Int) {
      let message = try MessageDeflaterTests.deflate([text], keepsContext: false)
      return (
        message[0].count, try MessageDeflaterTests.inflate(message, keepsContext: false, limit: 1 << 30)[0].count
      )
    }
    #expect(try inflate([UInt8](repeating: 0, count: free)).restored == free)
    #expect(throws: CompressionError.tooLarge) { try inflate([UInt8](repeating: 0, count: free + 1)) }
    // Half noise: far below the ratio.
    let mixed = (0..<3).flatMap { _ in MessageDeflaterTests.noise(400_000) + [UInt8](repeating: 0, count: 400_000) }
    let (sent, restored) = try inflate(mixed)
    #expect(restored == mixed.count && restored > free && sent * ratio > restored)
  }

  @Test func `A stream without context serves on after a message that it refused`() throws {
    var inflater = try MessageInflater(keepsContext: false)
    let good: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    for bad in [[0xFF], [0xF2, 0x48, 0xCD], [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48]] as [[UInt8]] {
      #expect(throws: CompressionError.corrupt) { try inflater.message(bad.span.bytes, limit: 100) }
      #expect(try inflater.message(good.span.bytes, limit: 100) == MessageDeflaterTests.hello)
    }
    #expect(throws: CompressionError.tooLarge) { try inflater.message(good.span.bytes, limit: 4) }
    #expect(try inflater.message(good.span.bytes, limit: 5) == MessageDeflaterTests.hello)
  }

  @Test(arguments: [0, 1, 200, 65_535, 65_536, 140_000], [0, 1, 300, 70_000])
  func `A message put together from stored and compressed parts is one message`(_ head: Int, _ body: Int) throws {
    let (start, middle) = (MessageDeflaterTests.noise(head), Array(repeating: UInt8(0x41), count: body))
    var deflater = try MessageDeflater(windowBits: 9, keepsContext: false)
    var part: [UInt8] = []
    try deflater.appendPart(middle.span.bytes, to: &part)
    var message: [UInt8] = []
    DeflatedMessage.appendStored(start.span.bytes, to: &message)
    message += part
    DeflatedMessage.appendStored([UInt8](repeating: 0x7D, count: 1).span.bytes, to: &message)
    DeflatedMessage.appendEnd(to: &message)
    for keepsContext in [true, false] {
      let texts = try MessageDeflaterTests.inflate([message, message], windowBits: 9, keepsContext: keepsContext)
      #expect(texts == [start + middle + [0x7D], start + middle + [0x7D]])
    }
  }

  @Test(arguments: [8, 16, 0, -15])
  func `A window that zlib cannot use is refused`(windowBits: Int) {
    #expect(throws: CompressionError.invalidSetting) {
      _ = try MessageDeflaterTests.deflate([], windowBits: windowBits, keepsContext: true)
    }
    #expect(throws: CompressionError.invalidSetting) {
      _ = try MessageDeflaterTests.inflate([], windowBits: windowBits, keepsContext: true)
    }
  }

  @Test func `A level that does not exist is refused`() {
    #expect(throws: CompressionError.invalidSetting) { _ = try MessageDeflater(keepsContext: true, level: 10) }
    #expect(throws: CompressionError.invalidSetting) { try gzip([], level: -1) }
  }
}
