import Testing

@testable import Protocol

@Suite("UTF-8 of text messages")
struct UTF8Tests {
  /// Autobahn 6.*: sequences from Markus Kuhn's stress test and from the table of RFC 3629 §4.
  static let valid: [[UInt8]] = [
    [], hex("00"), hex("7F"), hex("C280"), hex("DFBF"), hex("E0A080"), hex("ED9FBF"), hex("EE8080"), hex("EFBFBD"),
    hex("EFBFBF"), hex("F0908080"), hex("F48FBFBF"), hex("F3B08080"), hex("CEBAE1BDB9CF83CEBCCEB5"),
    Array("Hello-µ@ßöäüàá-UTF-8!!".utf8), Array("漢字かな交じり文 🍜🍣 end".utf8),
    Array(String(repeating: "a", count: 40).utf8) + hex("C3A4") + Array(String(repeating: "b", count: 40).utf8),
  ]

  static let invalid: [[UInt8]] = [
    hex("80"), hex("BF"), hex("C0"), hex("C080"), hex("C1BF"), hex("C27F"), hex("C2C0"), hex("E080AF"), hex("E09FBF"),
    hex("EDA080"), hex("EDAFBF"), hex("EDB080"), hex("EDBFBF"), hex("E1BD41"), hex("E14141"), hex("F0808080"),
    hex("F08FBFBF"), hex("F4908080"), hex("F5808080"), hex("F8888080 80"), hex("FC8480808080"), hex("FE"), hex("FF"),
    hex("C2"), hex("E1BD"), hex("F09F8D"), hex("CEBAE1BDB9CF83CEBCCEB5EDA080656469746564"),
    Array(String(repeating: "a", count: 40).utf8) + hex("FF") + Array(String(repeating: "b", count: 40).utf8),
  ]

  @Test("RFC 6455 §8.1: valid text passes however it is cut", arguments: valid)
  func accepted(_ payload: [UInt8]) {
    let text = String(decoding: payload, as: UTF8.self)
    for pieces in Splitting.ways(frame(0x81, payload)) { #expect(WebSocketFeeding.server(pieces) == [.text(text)]) }
    for cut in 0...payload.count {
      let fragments = frame(0x01, Array(payload[..<cut])) + frame(0x80, Array(payload[cut...]))
      #expect(WebSocketFeeding.server([fragments]) == [.text(text)])
      #expect(WebSocketFeeding.server(fragments.map { [$0] }) == [.text(text)])
    }
  }

  @Test("RFC 6455 §8.1: invalid text is refused with 1007 however it is cut", arguments: invalid)
  func refused(_ payload: [UInt8]) {
    for pieces in Splitting.ways(frame(0x81, payload)) {
      #expect(WebSocketFeeding.server(pieces) == [.violation(1007)])
    }
    for cut in 0...payload.count {
      let fragments = frame(0x01, Array(payload[..<cut])) + frame(0x80, Array(payload[cut...]))
      #expect(WebSocketFeeding.server([fragments]) == [.violation(1007)])
      #expect(WebSocketFeeding.server(fragments.map { [$0] }) == [.violation(1007)])
    }
    #expect(WebSocketFeeding.server([frame(0x82, payload)]) == [.binary(payload)])
  }

  @Test("RFC 6455 §8.1: text fails at the first bad byte, before the frame is whole")
  func failsFast() {
    let bytes = frame(0x01, Array("abc".utf8) + hex("F4 90 80 80") + Array("def".utf8))
    // Six bytes of header, three of text, F4 and the byte that cannot follow it.
    #expect(WebSocketFeeding.server([Array(bytes.prefix(10))]) == [])
    #expect(WebSocketFeeding.server([Array(bytes.prefix(11))]) == [.violation(1007)])
  }

  @Test("RFC 3629 §4: every scalar value is accepted, every pair of bytes is judged like the standard library does")
  func exhaustive() {
    for value in stride(from: UInt32(0x80), through: 0x10FFFF, by: 61) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      var validator = UTF8Validator()
      let bytes = Array(String(Character(scalar)).utf8) + Array("....".utf8)
      #expect(validator.accepts(bytes.span.bytes) && validator.isComplete)
    }
    for value in 0...0xFFFF {
      // Behind two bytes that make any lead byte's third and fourth valid.
      let bytes = [UInt8(value >> 8), UInt8(value & 0xFF), 0x80, 0x80, 0x61, 0x61, 0x61, 0x61]
      for tail in [4, 3, 2] {
        let text = Array(bytes.prefix(tail)) + [0x61, 0x61, 0x61, 0x61]
        var validator = UTF8Validator()
        let accepted = validator.accepts(text.span.bytes) && validator.isComplete
        let expected = String(validating: text, as: UTF8.self) != nil
        if accepted != expected { Issue.record("\(text)") }
      }
    }
  }
}
