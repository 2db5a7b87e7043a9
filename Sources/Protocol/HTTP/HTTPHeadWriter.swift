// A response's head, line by line and straight into bytes, for a server's own answers: what a StaticString says stands
// in the source and is written as it is, every other text is checked (see HTTPEncoder.swift for why).

package enum HTTPHeadWriter {
  /// Appends the status line; an empty reason means the registered one. Appends nothing if it throws.
  package static func appendStatus(
    _ status: Int, _ reason: String = "", to output: inout [UInt8]
  ) throws(HTTPEncodingError) {
    guard (100...999).contains(status) else { throw .invalidStatus(status) }
    guard isValue(reason.utf8Span.span) else { throw .invalidReason }
    if status == 200, reason.isEmpty {
      append("HTTP/1.1 200 OK\r\n", to: &output)
      return
    }
    append("HTTP/1.1 ", to: &output)
    appendNumber(UInt(status), to: &output)
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: (reason.isEmpty ? HTTPReason.phrase(status) : reason).utf8)
    append("\r\n", to: &output)
  }

  /// Appends whole lines, or the beginning of one.
  package static func append(_ text: StaticString, to output: inout [UInt8]) {
    text.withUTF8Buffer { output.append(contentsOf: $0) }
  }

  /// Appends a field. Appends nothing if it throws.
  package static func appendField(
    _ name: String, _ value: String, to output: inout [UInt8]
  ) throws(HTTPEncodingError) {
    guard isName(name.utf8Span.span), isValue(value.utf8Span.span) else { throw .invalidField(name: name) }
    output.append(contentsOf: name.utf8)
    append(": ", to: &output)
    output.append(contentsOf: value.utf8)
    append("\r\n", to: &output)
  }

  /// Appends a number in decimal.
  package static func appendNumber(_ number: UInt, to output: inout [UInt8]) {
    if number >= 10 { appendNumber(number / 10, to: &output) }
    output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
  }

  static func isName(_ bytes: Span<UInt8>) -> Bool {
    for offset in bytes.indices where !HTTPSyntax.isTokenByte(bytes[offset]) { return false }
    return !bytes.isEmpty
  }

  static func isValue(_ bytes: Span<UInt8>) -> Bool {
    for offset in bytes.indices where !HTTPSyntax.isFieldValueByte(bytes[offset]) { return false }
    return true
  }
}
