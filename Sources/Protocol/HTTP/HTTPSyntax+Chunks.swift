// The grammar of chunk extensions (RFC 9112 §7.1.1). Nothing here has a use for them, but what is no extension may be
// half of a smuggled request, so they are read and not skipped.

extension HTTPSyntax {
  /// Whether `bytes` are *( BWS ";" BWS name [ BWS "=" BWS value ] ), the value a token or a quoted string.
  static func areChunkExtensions(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      skipWhitespace(&rest)
      guard rest.popFirst() == UInt8(ascii: ";") else { return false }
      skipWhitespace(&rest)
      guard takeToken(&rest) else { return false }
      var value = rest
      skipWhitespace(&value)
      guard value.first == UInt8(ascii: "=") else { continue }
      value.removeFirst()
      skipWhitespace(&value)
      guard value.first == UInt8(ascii: "\"") ? takeQuoted(&value) : takeToken(&value) else { return false }
      rest = value
    }
    return true
  }

  private static func skipWhitespace(_ rest: inout ArraySlice<UInt8>) {
    rest = rest.drop(while: isWhitespace)
  }

  private static func takeToken(_ rest: inout ArraySlice<UInt8>) -> Bool {
    let token = rest.prefix(while: isTokenByte)
    rest = rest[token.endIndex...]
    return !token.isEmpty
  }

  /// quoted-string of RFC 9110 §5.6.4.
  private static func takeQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
    rest.removeFirst()
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return true
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst(), isFieldValueByte(escaped) else { return false }
      default:
        guard isFieldValueByte(byte) else { return false }
      }
    }
    return false
  }
}
