// The rows of one answer. They stay in libpq's memory and are read in place; the text format is what the server sent.
import CPostgres

/// The result of one statement; it owns the PGresult.
package final class PostgresRows: Sendable {
  // A PGresult is never changed once received, so threads may share it (libpq, "Behavior in Threaded Programs").
  nonisolated(unsafe) let result: OpaquePointer
  package let count: Int
  package let columns: Int

  init(owning result: OpaquePointer) {
    self.result = result
    count = Int(PQntuples(result))
    columns = Int(PQnfields(result))
  }

  deinit { PQclear(result) }

  package var isEmpty: Bool { count == 0 }

  /// The rows that an INSERT, UPDATE, DELETE or SELECT touched.
  package var affected: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }

  /// A row by its number; one outside the answer reads as all NULL.
  package subscript(_ row: Int) -> PostgresRow { PostgresRow(rows: self, index: row) }

  package var first: PostgresRow? { isEmpty ? nil : self[0] }

  /// The number of a column by its name.
  package func column(named name: String) -> Int? {
    let number = Int(PQfnumber(result, name))
    return number < 0 ? nil : number
  }
}

extension PostgresRows: Sequence {
  package struct Iterator: IteratorProtocol {
    let rows: PostgresRows
    var index = 0

    package mutating func next() -> PostgresRow? {
      guard index < rows.count else { return nil }
      defer { index += 1 }
      return rows[index]
    }
  }

  package func makeIterator() -> Iterator { Iterator(rows: self) }
}

/// One row; columns count from 0, and a column that does not exist reads as NULL.
package struct PostgresRow: Sendable {
  let rows: PostgresRows
  let index: Int

  package func isNull(_ column: Int) -> Bool { bytesInPlace(column) == nil }

  /// The column as text, nil for NULL.
  package func text(_ column: Int) -> String? {
    bytesInPlace(column).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The column as text, empty for NULL.
  package func string(_ column: Int) -> String { text(column) ?? "" }

  /// The column as a whole number, nil for NULL and for what is not one.
  package func integer(_ column: Int) -> Int64? {
    bytesInPlace(column).flatMap { Self.number($0) }
  }

  /// The column as a whole number, 0 for NULL.
  package func int64(_ column: Int) -> Int64 { integer(column) ?? 0 }

  /// The column as a Boolean, nil for NULL.
  package func boolean(_ column: Int) -> Bool? { bytesInPlace(column).map { $0.first == UInt8(ascii: "t") } }

  /// The column as a Boolean, false for NULL.
  package func bool(_ column: Int) -> Bool { boolean(column) ?? false }

  /// A copy of the column's bytes, empty for NULL.
  package func bytes(_ column: Int) -> [UInt8] { bytesInPlace(column).map { Array($0) } ?? [] }

  /// Reads the column's bytes where they lie, empty for NULL; the pointer is not valid after `body`.
  package func withBytes<Answer, Failure: Error>(
    _ column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    try body(bytesInPlace(column) ?? UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Reads the column's bytes where they lie, empty for NULL.
  package func withSpan<Answer, Failure: Error>(
    _ column: Int, _ body: (RawSpan) throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    try withBytes(column) { (buffer) throws(Failure) in try body(buffer.bytes) }
  }

  /// Bounds are checked here: libpq would answer an unknown column through a callback of a connection that may be gone.
  private func bytesInPlace(_ column: Int) -> UnsafeRawBufferPointer? {
    guard index >= 0, index < rows.count, column >= 0, column < rows.columns else { return nil }
    let row = Int32(truncatingIfNeeded: index)
    let field = Int32(truncatingIfNeeded: column)
    guard PQgetisnull(rows.result, row, field) == 0 else { return nil }
    return UnsafeRawBufferPointer(
      start: PQgetvalue(rows.result, row, field), count: Int(PQgetlength(rows.result, row, field)))
  }

  private static func number(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    var value: Int64 = 0
    var digits = bytes[...]
    let negative = digits.first == UInt8(ascii: "-")
    if negative { digits = digits.dropFirst() }
    guard !digits.isEmpty else { return nil }
    for byte in digits {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      let digit = Int64(byte - UInt8(ascii: "0"))
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(negative ? -digit : digit)
      if tooLarge || overflow { return nil }
      value = sum
    }
    return value
  }
}
