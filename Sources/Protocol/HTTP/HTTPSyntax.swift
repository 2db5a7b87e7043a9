// The byte classes and small rules of HTTP's grammar (RFC 9110 §5, RFC 9112 §2 to §5), each in one place.

package enum HTTPSyntax {
  /// tchar of RFC 9110 §5.6.2, as a bit a byte.
  private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
  private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

  package static func isTokenByte(_ byte: UInt8) -> Bool {
    if byte < 64 { return tokenLow >> UInt64(byte) & 1 == 1 }
    return byte < 128 && tokenHigh >> UInt64(byte - 64) & 1 == 1
  }

  package static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy(isTokenByte)
  }

  /// VCHAR, obs-text, space and tab: what a field value may hold (RFC 9110 §5.5).
  package static func isFieldValueByte(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7F || byte == 0x09
  }

  /// What a request target may hold: visible ASCII without the fragment mark and the delimiters that RFC 3986 §2
  /// excludes and every client encodes. Others that it excludes (`|`, `{`, `^`) are sent raw by browsers.
  package static func isTargetByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"): false
    default: byte > 0x20 && byte < 0x7F
    }
  }

  package static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  package static func isHexDigit(_ byte: UInt8) -> Bool { hexValue(byte) != nil }

  package static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Whether two names are the same but for the case of ASCII letters.
  package static func equalsIgnoringCase(_ left: String, _ right: String) -> Bool {
    equalsIgnoringCase(left.utf8Span.span, right.utf8Span.span)
  }

  static func equalsIgnoringCase(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for offset in left.indices where left[offset] != right[offset] {
      if lowercased(left[offset]) != lowercased(right[offset]) { return false }
    }
    return true
  }

  static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  static func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Without the optional white space around it (RFC 9110 §5.6.3); what stands inside stays.
  static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
    var rest = bytes[...]
    while let first = rest.first, isWhitespace(first) { rest = rest.dropFirst() }
    while let last = rest.last, isWhitespace(last) { rest = rest.dropLast() }
    return rest
  }

  /// The same for a part of some bytes, told as its range.
  static func trimmed(_ range: Range<Int>, of bytes: Span<UInt8>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isWhitespace(bytes[start]) { start += 1 }
    while start < end, isWhitespace(bytes[end - 1]) { end -= 1 }
    return start..<end
  }

  /// Text from the wire: UTF-8 where it is, else byte for byte as ISO 8859-1, so that nothing is lost (RFC 9110 §5.5).
  static func text(_ bytes: some Collection<UInt8>) -> String {
    // Nearly all of it is ASCII, which needs no validating.
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    return String(validating: bytes, as: UTF8.self)
      ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
