// base64url without padding (RFC 4648 §5), as JWTs use it (RFC 7515 §2). Decoding is strict: no padding, no other
// alphabet, no white space, and unused bits must be zero, so a text has exactly one spelling.

package enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Byte → its six bits, or 0xFF for a byte outside the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  package static func encode(_ bytes: borrowing RawSpan) -> String {
    var text: [UInt8] = []
    append(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the text's ASCII bytes.
  package static func append(_ bytes: borrowing RawSpan, to text: inout [UInt8]) {
    text.reserveCapacity(text.count + (bytes.byteCount * 4 + 2) / 3)
    let alphabet = alphabet
    var bits: UInt32 = 0
    var held = 0
    for index in 0..<bytes.byteCount {
      bits = bits << 8 | UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
      held += 8
      while held >= 6 {
        held -= 6
        text.append(alphabet[Int(bits >> UInt32(held) & 0x3F)])
      }
    }
    if held > 0 { text.append(alphabet[Int(bits << UInt32(6 - held) & 0x3F)]) }
  }

  /// Nil for anything that `encode` would not have written.
  package static func decode(_ text: borrowing RawSpan) -> [UInt8]? {
    guard text.byteCount % 4 != 1 else { return nil }
    let values = values
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.byteCount * 3 / 4)
    var bits: UInt32 = 0
    var held = 0
    for index in 0..<text.byteCount {
      let value = values[Int(text.unsafeLoad(fromByteOffset: index, as: UInt8.self))]
      guard value != 0xFF else { return nil }
      bits = bits << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    guard bits & (1 << UInt32(held) - 1) == 0 else { return nil }
    return bytes
  }
}
