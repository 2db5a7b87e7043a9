// Statements and their parameters. Every parameter goes to the server in text format without a declared type, so the
// server infers it as it would for a quoted literal; where nothing tells it (`SELECT $1`), write a cast.

/// One parameter of a statement.
package enum PostgresValue: Sendable, Equatable {
  case null
  case text(String)
  /// JSON as UTF-8 bytes, for `json` and `jsonb`.
  case json([UInt8])
  case integer(Int64)
  case boolean(Bool)
  /// For `text[]`, `uuid[]` and other arrays of quoted elements; nil is NULL.
  case textArray([String?])
  case integerArray([Int64])

  /// The text, or NULL for nil.
  package init(_ text: String?) {
    self = text.map { .text($0) } ?? .null
  }

  /// The number, or NULL for nil.
  package init(_ integer: Int64?) {
    self = integer.map { .integer($0) } ?? .null
  }
}

extension PostgresValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(nilLiteral: ()) { self = .null }
}

/// One SQL command with its parameters `$1`, `$2`, …; the SQL text is also the key of its prepared form.
package struct Statement: Sendable, Equatable {
  package let sql: String
  package let values: [PostgresValue]

  package init(_ sql: String, _ values: [PostgresValue] = []) {
    self.sql = sql
    self.values = values
  }

  /// Why the server could not be sent this. Text ends at a zero byte on its way through libpq, so one inside would cut
  /// the value off unnoticed.
  var fault: ServerError? {
    if values.count > 65_535 {
      return ServerError(sqlState: "54023", message: "a statement has at most 65535 parameters")
    }
    if sql.utf8.contains(0) || values.contains(where: \.containsZero) {
      return ServerError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")
    }
    return nil
  }
}

extension PostgresValue {
  var containsZero: Bool {
    switch self {
    case .null, .integer, .boolean, .integerArray: false
    case .text(let text): text.utf8.contains(0)
    case .json(let bytes): bytes.contains(0)
    case .textArray(let elements): elements.contains { $0?.utf8.contains(0) ?? false }
    }
  }

  /// Appends the text format, without an end mark; nothing for NULL.
  func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: break
    case .text(let text): bytes.append(contentsOf: text.utf8)
    case .json(let json): bytes.append(contentsOf: json)
    case .integer(let integer): bytes.append(contentsOf: String(integer).utf8)
    case .boolean(let boolean): bytes.append(boolean ? UInt8(ascii: "t") : UInt8(ascii: "f"))
    case .integerArray(let integers):
      bytes.append(UInt8(ascii: "{"))
      bytes.append(contentsOf: integers.map(String.init).joined(separator: ",").utf8)
      bytes.append(UInt8(ascii: "}"))
    case .textArray(let elements):
      bytes.append(UInt8(ascii: "{"))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.write(element, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// An array element, always quoted, so that no element can be read as a delimiter or as NULL.
  private static func write(_ element: String?, to bytes: inout [UInt8]) {
    guard let element else {
      bytes.append(contentsOf: "NULL".utf8)
      return
    }
    bytes.append(UInt8(ascii: "\""))
    for byte in element.utf8 {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

/// The parameters of one statement as libpq takes them; one buffer serves a connection for all its statements.
struct ParameterBuffer {
  private var bytes: [UInt8] = []
  private var offsets: [Int?] = []

  mutating func withPointers<Answer>(
    for values: [PostgresValue], _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> Answer
  ) -> Answer {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    offsets.removeAll(keepingCapacity: true)
    for value in values {
      offsets.append(value == .null ? nil : bytes.count)
      value.write(to: &bytes)
      bytes.append(0)
    }
    return bytes.withUnsafeBytes { raw in
      let pointers = offsets.map { offset in
        offset.flatMap { raw.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
      }
      return pointers.withUnsafeBufferPointer { body(Int32(values.count), $0.baseAddress) }
    }
  }
}
