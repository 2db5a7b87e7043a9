import Testing

@testable import Protocol

@Suite("WebSocket decoding")
struct WebSocketDecoderTests {
  static func check(_ vector: FrameCase, sourceLocation: SourceLocation = #_sourceLocation) {
    for pieces in Splitting.ways(vector.bytes) {
      #expect(WebSocketFeeding.server(pieces) == vector.expected, sourceLocation: sourceLocation)
    }
  }

  /// RFC 6455 §5.7, byte for byte.
  static let examples: [FrameCase] = [
    FrameCase("a masked text", [hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")], [.text("Hello")]),
    FrameCase("a masked pong", [hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")], [.pong(Array("Hello".utf8))]),
  ]

  @Test("RFC 6455 §5.7: the RFC's own masked frames", arguments: examples)
  func example(_ vector: FrameCase) { Self.check(vector) }

  @Test("RFC 6455 §5.7: the RFC's own unmasked frames, seen by a client")
  func clientExamples() {
    let bytes =
      hex("81 05 48 65 6c 6c 6f") + hex("01 03 48 65 6c") + hex("80 02 6c 6f") + hex("89 05 48 65 6c 6c 6f")
      + hex("82 7E 0100") + [UInt8](repeating: 7, count: 256)
    for pieces in Splitting.ways(bytes) {
      #expect(
        WebSocketFeeding.client(pieces) == [
          .text("Hello"), .text("Hello"), .ping(Array("Hello".utf8)), .binary([UInt8](repeating: 7, count: 256)),
        ])
    }
  }

  /// Autobahn 1.*: lengths around each form of the length field.
  @Test(
    "RFC 6455 §5.2: every length, unfragmented",
    arguments: [0, 1, 31, 32, 33, 63, 64, 65, 124, 125, 126, 127, 128, 1000, 65535, 65536])
  func lengths(_ count: Int) {
    let plain = String((0..<count).map { Character(UnicodeScalar(UInt8(32 + $0 % 90))) })
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let both = frame(0x81, plain) + frame(0x82, bytes)
    let pieces = [[both], both.map { [$0] }, both.chunks(of: 997), both.chunks(of: 3)]
    for pieces in pieces { #expect(WebSocketFeeding.server(pieces) == [.text(plain), .binary(bytes)]) }
  }

  /// Autobahn 2.*
  static let controls: [FrameCase] = [
    FrameCase("an empty ping", [frame(0x89)], [.ping([])]),
    FrameCase("a ping with a payload", [frame(0x89, [0, 255, 254])], [.ping([0, 255, 254])]),
    FrameCase(
      "a ping of 125", [frame(0x89, [UInt8](repeating: 1, count: 125))], [.ping([UInt8](repeating: 1, count: 125))]),
    FrameCase("a ping of 126", [frame(0x89, [UInt8](repeating: 1, count: 126))], [.violation(1002)]),
    FrameCase("a pong nobody asked for", [frame(0x8A, "x"), frame(0x89, "y")], [.pong([0x78]), .ping([0x79])]),
    FrameCase("a fragmented ping", [frame(0x09, "x"), frame(0x80, "y")], [.violation(1002)]),
    FrameCase("a fragmented close", [frame(0x08), frame(0x80)], [.violation(1002)]),
  ]

  @Test("RFC 6455 §5.5: control frames", arguments: controls)
  func control(_ vector: FrameCase) { Self.check(vector) }

  /// Autobahn 3.* and 4.*
  static let headers: [FrameCase] =
    [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].map { (bits: UInt8) in
      FrameCase("reserved bits \(bits)", [frame(0x81, "a"), frame(0x81 | bits, "b")], [.text("a"), .violation(1002)])
    }
    + ([0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] as [UInt8]).map { (opcode: UInt8) in
      FrameCase("opcode \(opcode)", [frame(0x80 | opcode, "b"), frame(0x89)], [.violation(1002)])
    } + [
      FrameCase("a reserved bit on a ping", [frame(0xC9)], [.violation(1002)]),
      FrameCase("a reserved bit on a continuation", [frame(0x01, "a"), frame(0xC0)], [.violation(1002)]),
      FrameCase("an unmasked text", [frame(0x81, [65], key: nil)], [.violation(1002)]),
      FrameCase("an unmasked ping", [frame(0x89, [], key: nil)], [.violation(1002)]),
      FrameCase("an unmasked close", [frame(0x88, [], key: nil)], [.violation(1002)]),
      FrameCase("125 in 16 bits", [hex("82 FE 007D 00000000")], [.violation(1002)]),
      FrameCase("0 in 16 bits", [hex("81 FE 0000 00000000")], [.violation(1002)]),
      FrameCase("65535 in 64 bits", [hex("82 FF 000000000000FFFF 00000000")], [.violation(1002)]),
      FrameCase("a length with its highest bit", [hex("82 FF 8000000000000000 00000000")], [.violation(1002)]),
      FrameCase("a length of 63 bits", [hex("82 FF 7FFFFFFFFFFFFFFF 00000000")], [.violation(1009)]),
      FrameCase("one byte over the limit", [hex("82 FF 0000000000010001 00000000")], [.violation(1009)]),
    ]

  @Test("RFC 6455 §5.1, §5.2: headers that break a rule", arguments: headers)
  func header(_ vector: FrameCase) { Self.check(vector) }

  /// Autobahn 5.*
  static let fragments: [FrameCase] = [
    FrameCase("two", [frame(0x01, "Hel"), frame(0x80, "lo")], [.text("Hello")]),
    FrameCase("binary", [frame(0x02, [1]), frame(0x00, [2]), frame(0x80, [3])], [.binary([1, 2, 3])]),
    FrameCase("empty ones", [frame(0x01), frame(0x00), frame(0x80)], [.text("")]),
    FrameCase("empty around one", [frame(0x01), frame(0x00, "x"), frame(0x80)], [.text("x")]),
    FrameCase(
      "with a ping inside", [frame(0x01, "a"), frame(0x89, "p"), frame(0x80, "b")], [.ping([0x70]), .text("ab")]),
    FrameCase(
      "with pings and pongs inside",
      [frame(0x01, "a"), frame(0x89), frame(0x00, "b"), frame(0x8A, "q"), frame(0x80, "c"), frame(0x81, "d")],
      [.ping([]), .pong([0x71]), .text("abc"), .text("d")]),
    FrameCase("a close inside", [frame(0x01, "a"), frame(0x88, [3, 232])], [.close(1000, "")]),
    FrameCase("a continuation of nothing", [frame(0x80, "x")], [.violation(1002)]),
    FrameCase("a first continuation of nothing", [frame(0x00, "x"), frame(0x81, "y")], [.violation(1002)]),
    FrameCase(
      "a continuation behind a message", [frame(0x81, "x"), frame(0x80, "y")], [.text("x"), .violation(1002)]),
    FrameCase("a text inside a text", [frame(0x01, "x"), frame(0x81, "y")], [.violation(1002)]),
    FrameCase("a fragment inside a text", [frame(0x01, "x"), frame(0x01, "y")], [.violation(1002)]),
    FrameCase("a binary inside a text", [frame(0x01, "x"), frame(0x82, "y")], [.violation(1002)]),
  ]

  @Test("RFC 6455 §5.4: fragments", arguments: fragments)
  func fragment(_ vector: FrameCase) { Self.check(vector) }

  /// Autobahn 7.*
  static let closes: [FrameCase] =
    [
      FrameCase("empty", [frame(0x88), frame(0x81, "late")], [.close(nil, "")]),
      FrameCase("of one byte", [frame(0x88, [3])], [.violation(1002)]),
      FrameCase("with a reason", [frame(0x88, [3, 232] + Array("bye ä".utf8))], [.close(1000, "bye ä")]),
      FrameCase(
        "with the longest reason", [frame(0x88, [3, 233] + [UInt8](repeating: 0x61, count: 123))],
        [.close(1001, String(repeating: "a", count: 123))]),
      FrameCase("too long", [frame(0x88, [3, 233] + [UInt8](repeating: 0x61, count: 124))], [.violation(1002)]),
      FrameCase("with a reason not UTF-8", [frame(0x88, [3, 232, 0xCE, 0xBA, 0xE1])], [.violation(1007)]),
      FrameCase("twice", [frame(0x88, [3, 232]), frame(0x88, [3, 232]), frame(0x89)], [.close(1000, "")]),
    ]
    + ([
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ] as [UInt16]).map { code in
      FrameCase("code \(code)", [frame(0x88, [UInt8(code >> 8), UInt8(code & 255)])], [.close(code, "")])
    }
    + ([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16]).map { code in
      FrameCase("code \(code)", [frame(0x88, [UInt8(code >> 8), UInt8(code & 255)])], [.violation(1002)])
    }

  @Test("RFC 6455 §5.5.1, §7.4: close frames", arguments: closes)
  func close(_ vector: FrameCase) { Self.check(vector) }

  @Test("RFC 6455 §5.1: a client refuses a masked frame")
  func maskedByServer() {
    for pieces in Splitting.ways(frame(0x81, "x")) { #expect(WebSocketFeeding.client(pieces) == [.violation(1002)]) }
  }

  @Test("RFC 6455 §10.4: a message's limit counts all its fragments")
  func messageLimit() {
    let limits = WebSocketLimits(messageBytes: 4)
    let good = frame(0x01, "ab") + frame(0x80, "cd")
    let bad = frame(0x01, "ab") + frame(0x80, "cde")
    for pieces in Splitting.ways(good) { #expect(WebSocketFeeding.server(pieces, limits: limits) == [.text("abcd")]) }
    for pieces in Splitting.ways(bad) { #expect(WebSocketFeeding.server(pieces, limits: limits) == [.violation(1009)]) }
  }

  @Test("a message's fragments are limited in number")
  func fragmentLimit() {
    let limits = WebSocketLimits(fragments: 3)
    let good = frame(0x01) + frame(0x00) + frame(0x80)
    let bad = frame(0x01) + frame(0x00) + frame(0x00) + frame(0x80)
    for pieces in Splitting.ways(good) { #expect(WebSocketFeeding.server(pieces, limits: limits) == [.text("")]) }
    for pieces in Splitting.ways(bad) { #expect(WebSocketFeeding.server(pieces, limits: limits) == [.violation(1008)]) }
  }

  /// With permessage-deflate agreed on.
  static let compressedMessages: [FrameCase] = [
    FrameCase("text, which is not UTF-8 yet", [frame(0xC1, [0xFF, 0xFE])], [.compressed([0xFF, 0xFE])]),
    FrameCase("binary", [frame(0xC2, [0xFF])], [.compressed([0xFF])]),
    FrameCase("empty", [frame(0xC1), frame(0x81, "x")], [.compressed([]), .text("x")]),
    FrameCase(
      "two fragments, then plain text", [frame(0x41, [1]), frame(0x80, [2]), frame(0x81, "x")],
      [.compressed([1, 2]), .text("x")]),
    FrameCase("an empty first fragment", [frame(0x42), frame(0x00, [1]), frame(0x80)], [.compressed([1])]),
    FrameCase(
      "control frames between fragments",
      [frame(0x41, [0xC0]), frame(0x89, "p"), frame(0x00, [2]), frame(0x8A), frame(0x80, [3])],
      [.ping([0x70]), .pong([]), .compressed([0xC0, 2, 3])]),
    FrameCase(
      "a plain message between compressed ones", [frame(0xC1, [1]), frame(0x81, "x"), frame(0xC1, [2])],
      [.compressed([1]), .text("x"), .compressed([2])]),
    FrameCase(
      "plain text behind a compressed one is UTF-8 again", [frame(0xC1, [0xFF]), frame(0x81, [0xFF])],
      [.compressed([0xFF]), .violation(1007)]),
    FrameCase("a close between fragments", [frame(0x41, [1]), frame(0x88, [3, 232])], [.close(1000, "")]),
    FrameCase("a marked continuation", [frame(0x41, [1]), frame(0xC0, [2])], [.violation(1002)]),
    FrameCase("a marked continuation of a plain text", [frame(0x01, "a"), frame(0xC0, [2])], [.violation(1002)]),
    FrameCase("a marked continuation of nothing", [frame(0xC0, [2])], [.violation(1002)]),
    FrameCase("a marked ping", [frame(0xC9)], [.violation(1002)]),
    FrameCase("a marked pong", [frame(0xCA)], [.violation(1002)]),
    FrameCase("a marked close", [frame(0xC8, [3, 232])], [.violation(1002)]),
    FrameCase("a marked ping between fragments", [frame(0x41, [1]), frame(0xC9)], [.violation(1002)]),
    FrameCase("RSV2", [frame(0xA1, "x")], [.violation(1002)]),
    FrameCase("RSV1 and RSV2", [frame(0xE1, "x")], [.violation(1002)]),
    FrameCase("RSV1 and RSV3", [frame(0xD1, "x")], [.violation(1002)]),
    FrameCase("one byte over the limit", [hex("C2 FF 0000000000010001 00000000")], [.violation(1009)]),
  ]

  @Test("RFC 7692 §6: RSV1 marks a compressed message, on its first frame only", arguments: compressedMessages)
  func compressed(_ vector: FrameCase) {
    for pieces in Splitting.ways(vector.bytes) {
      #expect(WebSocketFeeding.server(pieces, allowsCompression: true) == vector.expected)
    }
  }

  /// Autobahn 6.4.*: what fails a text fails it before the frame, and the fragment, is whole.
  @Test(
    "RFC 6455 §8.1: a text fails with its first bad byte, whatever was cut where", arguments: [0x81, 0x01] as [UInt8])
  func failsFast(_ first: UInt8) {
    let good = Array("κόσμε".utf8)
    let bad = good + [0xF4, 0x90] + Array("edited".utf8)
    // In one frame, behind a fragment, and behind a fragment that ends inside a character.
    for cut in [0, good.count, good.count - 1, good.count + 1] {
      let head = cut == 0 ? [] : frame(0x01, Array(bad[..<cut]))
      let rest = frame(cut == 0 ? first : first & 0x80, Array(bad[cut...]))
      let bytes = head + rest
      // Up to and with the byte that cannot follow F4.
      let enough = bytes.count - "edited".utf8.count
      #expect(WebSocketFeeding.server([Array(bytes[..<(enough - 1)])]) == [], "\(cut)")
      #expect(WebSocketFeeding.server([Array(bytes[..<enough])]) == [.violation(1007)], "\(cut)")
      #expect(WebSocketFeeding.server(bytes[..<enough].map { [$0] }) == [.violation(1007)], "\(cut)")
    }
  }

  @Test("what came before a violation is reported before it, in every split")
  func orderBeforeViolations() {
    for (bad, code) in [
      (frame(0x83), 1002), (frame(0x81, [0xFF]), 1007), (frame(0x88, [3]), 1002), (hex("82FF0000000000010001"), 1009),
    ] as [([UInt8], UInt16)] {
      let bytes = frame(0x81, "a") + frame(0x89, "p") + frame(0x01, "b") + frame(0x80, "c") + bad + hex("00000000")
      for pieces in Splitting.ways(bytes) {
        #expect(
          WebSocketFeeding.server(pieces) == [.text("a"), .ping([0x70]), .text("bc"), .violation(code)])
      }
    }
  }

  @Test("a whole message is unmasked where it lies, a cut one is assembled")
  func zeroCopy() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 22, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: frame(0x81, "Hello") + frame(0x82, "World"))
    var decoder = WebSocketDecoder(role: .server)
    var position = 0
    #expect(decoder.next(in: buffer, at: &position) == .message(.text, .inPlace(6..<11), isCompressed: false))
    #expect(decoder.next(in: buffer, at: &position) == .message(.binary, .inPlace(17..<22), isCompressed: false))
    #expect(decoder.next(in: buffer, at: &position) == .needsMore)
    #expect(text(Array(buffer[17..<22])) == "World")
    #expect(MemoryLayout<WebSocketDecoder>.size <= 96)
  }
}

extension Array {
  func chunks(of count: Int) -> [[Element]] {
    stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
  }
}
