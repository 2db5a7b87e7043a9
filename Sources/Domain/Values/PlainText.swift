// The one rule for text that people type: names, notes, tables, modifiers. White space at the ends goes away, control
// characters are refused (NUL cannot even be stored in Postgres, and the others hide things on a screen or a printer),
// length counts Unicode scalars as Postgres' char_length does.

/// What a text field accepts.
package struct PlainText: Sendable {
  package let maximum: Int
  /// Whether line feeds and tabs are allowed, as in a note.
  package let multiline: Bool

  package init(maximum: Int, multiline: Bool = false) {
    self.maximum = maximum
    self.multiline = multiline
  }

  package static let name = PlainText(maximum: 100)
  package static let orderNote = PlainText(maximum: 500, multiline: true)
  package static let lineNote = PlainText(maximum: 200, multiline: true)
  package static let modifier = PlainText(maximum: 100)
  package static let table = PlainText(maximum: 20)
  package static let reason = PlainText(maximum: 200, multiline: true)

  /// The text without white space at its ends, which may leave it empty; throws the fault's code.
  package func accept(_ text: String) throws(FaultCode) -> String {
    let trimmed = trimming(text)
    var count = 0
    for scalar in trimmed.unicodeScalars {
      count += 1
      guard count <= maximum else { throw .textTooLong }
      switch scalar.properties.generalCategory {
      case .control where !(multiline && (scalar == "\n" || scalar == "\t")): throw .invalidText
      case .lineSeparator, .paragraphSeparator, .surrogate: throw .invalidText
      default: break
      }
    }
    return trimmed
  }

  /// As `accept`, and a text that is empty is refused: for names.
  package func require(_ text: String) throws(FaultCode) -> String {
    let accepted = try accept(text)
    guard !accepted.isEmpty else { throw .textMissing }
    return accepted
  }
}

extension FaultCode: Error {}

/// The text without white space (and line ends) before its first and after its last other character.
package func trimming(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
    let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
  else { return "" }
  return String(scalars[first...last])
}
