// Known answers: FIPS 180-4 for the digests, RFC 4231 for HMAC-SHA256, RFC 4648 for base64url.
import Crypto
import Testing

/// Lower-case hex of an array of any size.
func hex(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func bytes<let count: Int>(_ array: InlineArray<count, UInt8>) -> [UInt8] {
  array.indices.map { array[$0] }
}

func bytes(hex text: String) -> [UInt8] {
  let digits = text.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

// #expect cannot hold a span, which does not escape: these take arrays.
func base64URL(_ text: String) -> [UInt8]? { Base64URL.decode(Array(text.utf8).span.bytes) }
func base64URL(_ bytes: [UInt8]) -> String { Base64URL.encode(bytes.span.bytes) }
func isValid(_ code: [UInt8], _ message: String, _ key: HMACKey) -> Bool {
  key.isValid(code.span.bytes, for: Array(message.utf8).span.bytes)
}

struct DigestTests {
  static let twoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (twoBlocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    // RFC 6455 §1.3: the handshake's example.
    ("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "b37a4f2cc0624f1690f64606cf385945b2bec4ea"),
  ])
  func `FIPS 180-4, SHA-1 gives the known answers`(message: String, digest: String) {
    let hash = SHA1.hash(Array(message.utf8).span.bytes)
    #expect(hex(bytes(hash)) == digest)
  }

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (twoBlocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    (
      String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ])
  func `FIPS 180-4, SHA-256 gives the known answers`(message: String, digest: String) {
    let hash = SHA256.hash(Array(message.utf8).span.bytes)
    #expect(hex(bytes(hash)) == digest)
  }

  struct HMACVector: Sendable {
    let key: [UInt8]
    let message: [UInt8]
    let code: String
  }

  @Test(arguments: [
    HMACVector(
      key: Array(repeating: 0x0B, count: 20), message: Array("Hi There".utf8),
      code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    HMACVector(
      key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
      code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    HMACVector(
      key: Array(repeating: 0xAA, count: 20), message: Array(repeating: 0xDD, count: 50),
      code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    HMACVector(
      key: Array(1...25), message: Array(repeating: 0xCD, count: 50),
      code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    HMACVector(
      key: Array(repeating: 0xAA, count: 131),
      message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    HMACVector(
      key: [], message: [], code: "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ])
  func `RFC 4231, HMAC-SHA256 gives the known answers, again and again`(vector: HMACVector) {
    let key = HMACKey(vector.key.span.bytes)
    for _ in 0..<3 {
      let code = key.authenticationCode(for: vector.message.span.bytes)
      #expect(hex(bytes(code)) == vector.code)
      let isRight = key.isValid(code.span.bytes, for: vector.message.span.bytes)
      #expect(isRight)
    }
  }

  @Test func `A code is not valid for another message, another key, or cut short`() {
    let key = HMACKey(Array("key".utf8).span.bytes)
    let message = Array("message".utf8)
    let code = bytes(key.authenticationCode(for: message.span.bytes))
    let stranger = HMACKey(Array("kez".utf8).span.bytes)
    #expect(isValid(code, "message", key))
    #expect(!isValid(code, "massage", key))
    #expect(!isValid(code, "message", stranger))
    #expect(!isValid(code.dropLast(), "message", key))
    #expect(!isValid([], "message", key))
  }

  @Test func `One key serves many tasks at once`() async {
    let key = HMACKey(Array("shared".utf8).span.bytes)
    let message = Array("message".utf8)
    let expected = bytes(key.authenticationCode(for: message.span.bytes))
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<500).allSatisfy { _ in bytes(key.authenticationCode(for: message.span.bytes)) == expected }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test(arguments: [
    ("", "", true), ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false), ("", "a", false),
  ])
  func `Comparison in constant time is comparison`(left: String, right: String, isEqual: Bool) {
    let answer = constantTimeEqual(Array(left.utf8).span.bytes, Array(right.utf8).span.bytes)
    #expect(answer == isEqual)
  }

  @Test func `Random bytes are of the length asked for and never the same`() {
    let first: InlineArray<16, UInt8> = SecureRandom.bytes()
    let second: InlineArray<16, UInt8> = SecureRandom.bytes()
    #expect(bytes(first) != bytes(second))
    #expect(bytes(first) != Array(repeating: 0, count: 16))
    #expect(SecureRandom.bytes(count: 0).isEmpty)
    #expect(SecureRandom.bytes(count: 33).count == 33)
    #expect(SecureRandom.bytes(count: 33) != SecureRandom.bytes(count: 33))
  }

  @Test func `Pooled random words are handed out once, across the end of a portion too`() {
    let drawn = (0..<500).flatMap { _ in
      let pair = SecureRandom.pooledWords()
      return [pair.0, pair.1]
    }
    #expect(Set(drawn).count == drawn.count)
    let bytes = Set(drawn.map { UInt8(truncatingIfNeeded: $0) })
    #expect(bytes.count > 200)
  }

  // RFC 4648 §10, without its padding; the last row needs the two letters that base64url has of its own.
  @Test(arguments: [
    ("", ""), ("66", "Zg"), ("666f", "Zm8"), ("666f6f", "Zm9v"), ("666f6f62", "Zm9vYg"), ("666f6f6261", "Zm9vYmE"),
    ("666f6f626172", "Zm9vYmFy"), ("fbefff", "--__"),
  ])
  func `RFC 4648 §10, base64url in both directions`(plain: String, text: String) {
    #expect(base64URL(bytes(hex: plain)) == text)
    #expect(base64URL(text) == bytes(hex: plain))
  }

  @Test(arguments: ["Zg==", "Z", "Zm9vY", "Zh", "Zm9", "++//", "Zm 9v", "Zm9v\n", "Zmä"])
  func `Padding, other alphabets and second spellings are refused`(text: String) {
    #expect(base64URL(text) == nil)
  }
}
