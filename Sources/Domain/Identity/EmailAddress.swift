// The address a person signs in with. Compared in lower case and without white space around it, so that one person has
// one account. The grammar is RFC 5321's dot-string and host name, ASCII only: quoted local parts, comments and address
// literals are legal in mail and useless here, and look-alike letters of other scripts are a way to be impersonated.

/// A valid, normalised email address.
package struct EmailAddress: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Nil when the text is no such address.
  package init?(_ text: String) {
    let trimmed = trimming(text)
    // Asked first: the Kelvin sign becomes a plain k in lower case.
    guard trimmed.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    let address = trimmed.lowercased()
    let parts = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    // RFC 5321 §4.5.3.1: 64 octets for the local part; 254 for the whole, what fits into its path.
    guard address.utf8.count <= 254, parts.count == 2, 1...64 ~= parts[0].count,
      EmailAddress.isDotString(parts[0]), EmailAddress.isHost(parts[1])
    else { return nil }
    description = address
  }

  private static func isDotString(_ bytes: Substring.UTF8View) -> Bool {
    bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
      !atom.isEmpty && atom.allSatisfy { isLetterOrDigit($0) || atomPunctuation.contains($0) }
    }
  }

  private static func isHost(_ bytes: Substring.UTF8View) -> Bool {
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count >= 2
      && labels.allSatisfy { label in
        1...63 ~= label.count && label.first != hyphen && label.last != hyphen
          && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen }
      }
  }

  private static let hyphen = UInt8(ascii: "-")
  private static let atomPunctuation = Set("!#$%&'*+-/=?^_`{|}~".utf8)

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}
