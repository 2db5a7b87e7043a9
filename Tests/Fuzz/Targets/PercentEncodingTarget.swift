// Percent-encoding (RFC 3986 §2.1) and queries: decoding agrees with Foundation's, and what is encoded is decoded to the
// same, a query's parameters too.
import Foundation
import Protocol

extension FuzzTarget {
  static let percentEncoding = FuzzTarget("percent-encoding") { input in
    guard let text = String(validating: input, as: UTF8.self) else { return }
    let encoded = PercentEncoding.encode(text)
    try require(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "an encoded text has other than visible ASCII")
    // A NUL is refused: neither Postgres nor a file name can hold it.
    if !text.utf8.contains(0) { try requireEqual(PercentEncoding.decode(encoded), text, "encoded and decoded") }
    let decoded = PercentEncoding.decode(text)
    try requireEqual(decoded, plainlyDecoded(text), "the escapes say otherwise")
    // Foundation reads a few bytes as text that are not UTF-8.
    if let decoded { try requireEqual(text.removingPercentEncoding, decoded, "Foundation decodes otherwise") }
    try checkQuery(text)
  }

  /// Each "%" takes the two digits behind it; nil when they are none, or the whole is not UTF-8 or holds an escaped NUL.
  private static func plainlyDecoded(_ text: String) -> String? {
    let parts = Array(text.utf8).split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
    var bytes = Array(parts[0])
    for part in parts.dropFirst() {
      let digits = part.prefix(2).filter { $0 < 0x80 }.map { Character(Unicode.Scalar($0)) }
      guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let byte = UInt8(String(digits), radix: 16), byte != 0
      else { return nil }
      bytes += [byte] + part.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func checkQuery(_ text: String) throws {
    guard let query = QueryParameters(text) else { return }
    try require(query.all.count <= 100, "more than 100 parameters")
    guard query.all.allSatisfy({ !$0.name.utf8.contains(0) && !$0.value.utf8.contains(0) }) else { return }
    let written = query.all.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
    try requireEqual(QueryParameters(written.joined(separator: "&")), query, "a query written and read again")
    for parameter in query.all { try require(query[parameter.name] != nil, "a parameter is not found") }
  }
}
