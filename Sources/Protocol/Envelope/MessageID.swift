// The client's own id of a message (wire.md §2): an integer or a short string, repeated in the answer as it came.

package enum MessageID: Hashable, Sendable {
  case integer(Int64)
  /// At most 64 characters, counted as Unicode scalars.
  case string(String)

  package static let maximumLength = 64

  /// Nil when the value is no id. An integer must be written plainly, so that the answer can repeat it exactly.
  package init?(_ value: JSON) {
    switch value {
    case .number(let number):
      guard let integer = Int64(number.text), String(integer) == number.text else { return nil }
      self = .integer(integer)
    case .string(let string):
      guard string.unicodeScalars.count <= Self.maximumLength else { return nil }
      self = .string(string)
    case .null, .bool, .array, .object:
      return nil
    }
  }

  package func append(to output: inout [UInt8]) {
    switch self {
    case .integer(let integer): JSONWriter.append(integer: integer, to: &output)
    case .string(let string): JSONWriter.append(string: string, to: &output)
    }
  }
}
