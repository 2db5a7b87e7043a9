// Domain's values as parameters and columns of statements. Reading a column that the schema's constraints rule out is
// our own fault, never the client's: it becomes a 500, not a trap.
// Statements have typed parameters ($1::uuid), since a bare one in a SELECT list would be taken for text.
package import Domain
package import Postgres

extension PostgresValue {
  package init(_ id: Identifier) { self = .text(id.description) }
  package init(_ id: Identifier?) { self = id.map { .text($0.description) } ?? .null }
  package init(_ boolean: Bool?) { self = boolean.map { .boolean($0) } ?? .null }
  package init(_ ids: [Identifier]) { self = .textArray(ids.map(\.description)) }
}

extension PostgresRow {
  /// An id, or nil for NULL.
  func identifier(_ column: Int) -> Identifier? {
    withBytes(column) { Identifier(utf8: $0.assumingMemoryBound(to: UInt8.self).span) }
  }

  /// An id that the schema says is there.
  func requiredIdentifier(_ column: Int) throws(Problem) -> Identifier {
    guard let id = identifier(column) else { throw .internal() }
    return id
  }

  /// A state or another word that the schema's checks limit to the cases of `Word`.
  func word<Word: RawRepresentable<String>>(_ column: Int) throws(Problem) -> Word {
    guard let word = Word(rawValue: string(column)) else { throw .internal() }
    return word
  }
}
