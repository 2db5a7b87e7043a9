// One line of the log and its two renderings. Both keep a line a line whatever the values hold: line ends and control
// characters are escaped, so nobody can write lines of their own into the log through a name or a path.

/// The value of a field.
package enum LogValue: Hashable, Sendable {
  case text(String)
  case integer(Int64)
  case number(Double)
  case boolean(Bool)

  /// Longer values are cut: a log is no place for bodies.
  static let maximumCharacters = 2048

  package init(_ text: some StringProtocol) { self = .text(String(text)) }
  package init(_ integer: some BinaryInteger) { self = .integer(Int64(clamping: integer)) }
  package init(_ number: Double) { self = .number(number) }
  package init(_ boolean: Bool) { self = .boolean(boolean) }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral
{
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

struct LogField: Sendable {
  let name: String
  let value: LogValue

  init(_ pair: (key: String, value: LogValue)) {
    name = pair.key
    value = pair.value
  }
}

struct LogLine {
  let time: Timestamp
  let level: Log.Level
  let message: String
  let fields: [LogField]

  /// `2026-11-20T20:43:00.123456Z INFO listening port=8080 host="a b"`.
  var text: String {
    var line = "\(time) \(level.rawValue.uppercased()) \(escaped(message, quoted: false))"
    for field in fields {
      line += " \(field.name)="
      switch field.value {
      case .text(let text): line += isBare(text) ? text : escaped(cut(text), quoted: true)
      case .integer(let integer): line += String(integer)
      case .number(let number): line += String(number)
      case .boolean(let boolean): line += String(boolean)
      }
    }
    return line
  }

  /// One JSON object; a field never overrides `time`, `level` or `message`, since those come first and are reserved.
  var json: String {
    var line = "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"message\":\(escaped(message, quoted: true))"
    var names: Set<String> = ["time", "level", "message"]
    // A later field of a name wins, as in the text form's reading; JSON must not name a member twice.
    let last = fields.reversed().filter { names.insert($0.name).inserted }.reversed()
    for field in last {
      line += ",\(escaped(field.name, quoted: true)):"
      switch field.value {
      case .text(let text): line += escaped(cut(text), quoted: true)
      case .integer(let integer): line += String(integer)
      // JSON has no infinities and no NaN.
      case .number(let number): line += number.isFinite ? String(number) : "\"\(number)\""
      case .boolean(let boolean): line += String(boolean)
      }
    }
    return line + "}"
  }

  private func cut(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard
      let end = scalars.index(
        scalars.startIndex, offsetBy: LogValue.maximumCharacters, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return text }
    return String(scalars[..<end]) + "…"
  }

  private func isBare(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 256
      && text.utf8.allSatisfy { 0x21..<0x7F ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
  }

  /// JSON's escapes (RFC 8259 §7), which the text form shares.
  private func escaped(_ text: String, quoted: Bool) -> String {
    var result = quoted ? "\"" : ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"" where quoted: result += "\\\""
      case "\\" where quoted: result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return quoted ? result + "\"" : result
  }
}
