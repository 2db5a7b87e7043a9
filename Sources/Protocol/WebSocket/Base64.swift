// Base 64 (RFC 4648 §4), strict: padded, no other characters, no stray bits. For keys and digests of a few bytes.

package enum Base64 {
  package static func encode(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    var offset = 0
    while offset < bytes.count {
      let second = offset + 1 < bytes.count ? bytes[offset + 1] : 0
      let third = offset + 2 < bytes.count ? bytes[offset + 2] : 0
      let group = UInt32(bytes[offset]) << 16 | UInt32(second) << 8 | UInt32(third)
      output.append(character(group >> 18))
      output.append(character(group >> 12 & 63))
      output.append(offset + 1 < bytes.count ? character(group >> 6 & 63) : UInt8(ascii: "="))
      output.append(offset + 2 < bytes.count ? character(group & 63) : UInt8(ascii: "="))
      offset += 3
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The bytes, or nil when the text is not the one encoding of any bytes.
  package static func decode(_ text: String) -> [UInt8]? {
    let characters = text.utf8Span.span
    guard characters.count % 4 == 0 else { return nil }
    var end = characters.count
    while end > 0, end > characters.count - 2, characters[end - 1] == UInt8(ascii: "=") { end -= 1 }
    var output: [UInt8] = []
    output.reserveCapacity(end / 4 * 3 + 2)
    var bits: UInt32 = 0
    var bitCount = 0
    for offset in 0..<end {
      guard let value = value(characters[offset]) else { return nil }
      bits = bits << 6 | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        output.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        bits &= (1 << UInt32(bitCount)) - 1
      }
    }
    return bits == 0 ? output : nil
  }

  private static func character(_ value: UInt32) -> UInt8 {
    switch UInt8(truncatingIfNeeded: value) {
    case let letter where letter < 26: UInt8(ascii: "A") + letter
    case let letter where letter < 52: UInt8(ascii: "a") + letter - 26
    case let digit where digit < 62: UInt8(ascii: "0") + digit - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func value(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
