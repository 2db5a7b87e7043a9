import Testing

@testable import Protocol

@Suite("WebSocket encoding")
struct WebSocketEncoderTests {
  @Test("RFC 6455 §5.7: the RFC's own frames are written")
  func examples() {
    var output: [UInt8] = []
    WebSocketEncoder.appendText("Hello", to: &output)
    #expect(output == hex("81 05 48 65 6c 6c 6f"))
    output = []
    WebSocketEncoder.appendText("Hello", to: &output, maskingKey: 0x3D21_FA37)
    #expect(output == hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"))
    output = [1]
    WebSocketEncoder.appendPing(Array("Hello".utf8).span.bytes, to: &output)
    #expect(output == hex("01 89 05 48 65 6c 6c 6f"))
    output = []
    WebSocketEncoder.appendPong(Array("Hello".utf8).span.bytes, to: &output, maskingKey: 0x3D21_FA37)
    #expect(output == hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"))
  }

  static let lengths: [(Int, String)] = [
    (0, "82 00"), (125, "82 7D"), (126, "82 7E 007E"), (65535, "82 7E FFFF"), (65536, "82 7F 0000000000010000"),
  ]

  @Test("RFC 6455 §5.2: lengths are written in their shortest form", arguments: lengths)
  func length(_ count: Int, _ header: String) {
    let payload = [UInt8](repeating: 9, count: count)
    var output: [UInt8] = []
    WebSocketEncoder.append(.binary, payload.span.bytes, to: &output)
    #expect(output == hex(header) + payload)
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: WebSocketEncoder.maximumByteCount(of: count), alignment: 1)
    defer { memory.deallocate() }
    let written = memory.baseAddress.map { start in
      payload.withUnsafeBytes { WebSocketEncoder.write(.binary, $0, to: start) }
    }
    #expect(Array(memory.prefix(written ?? 0)) == output)
  }

  @Test("RFC 7692 §6: a compressed message has RSV1")
  func compressed() {
    var output: [UInt8] = []
    WebSocketEncoder.append(.text, ([1] as [UInt8]).span.bytes, to: &output, rsv1: true)
    #expect(output == hex("C1 01 01"))
  }

  static let closes: [(UInt16?, String, String)] = [
    (nil, "", "88 00"), (1000, "", "88 02 03E8"), (4401, "out", "88 05 1131 6F7574"), (1005, "x", "88 00"),
    (999, "", "88 00"),
  ]

  @Test("RFC 6455 §5.5.1: close frames are written", arguments: closes)
  func close(_ code: UInt16?, _ reason: String, _ expected: String) {
    var output: [UInt8] = []
    WebSocketEncoder.appendClose(code: code, reason: reason, to: &output)
    #expect(output == hex(expected))
  }

  @Test("RFC 6455 §5.5: a reason is cut at a character, a ping at 125 bytes")
  func cut() {
    var output: [UInt8] = []
    WebSocketEncoder.appendClose(code: 1000, reason: String(repeating: "ä", count: 70), to: &output)
    #expect(output.count == 2 + 2 + 122)
    #expect(String(validating: output[4...], as: UTF8.self) != nil)
    output = []
    WebSocketEncoder.appendPing([UInt8](repeating: 1, count: 200).span.bytes, to: &output)
    #expect(output.count == 127)
  }

  @Test("RFC 6455 §5.3: masking by any key at any turn is its own inverse")
  func masking() {
    for count in 0...100 {
      let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      let key: [UInt8] = [0x01, 0x80, 0xFF, 0x7E]
      var masked = plain
      for cut in [0, count / 3, count] {
        masked = plain
        masked.withUnsafeMutableBytes { bytes in
          guard let base = bytes.baseAddress else { return }
          _ = WebSocketMask.apply(0x7EFF_8001, to: base, count: cut)
          _ = WebSocketMask.apply(WebSocketMask.turned(0x7EFF_8001, by: cut), to: base + cut, count: count - cut)
        }
        #expect(masked == plain.enumerated().map { $0.element ^ key[$0.offset % 4] })
      }
    }
  }

  @Test("one byte over 7F anywhere is seen while unmasking", arguments: [1, 7, 8, 31, 32, 33, 64, 95])
  func highBits(_ count: Int) {
    for index in 0..<count {
      var bytes = [UInt8](repeating: 0x41, count: count)
      bytes[index] = 0x80
      bytes.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        #expect(!WebSocketMask.isASCII(base, count: count))
        #expect(!WebSocketMask.apply(0, to: base, count: count))
        base.storeBytes(of: 0x7F, toByteOffset: index, as: UInt8.self)
        #expect(WebSocketMask.isASCII(base, count: count))
        #expect(WebSocketMask.apply(0, to: base, count: count))
      }
    }
  }
}
