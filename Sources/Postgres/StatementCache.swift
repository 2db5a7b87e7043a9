// Which statements a session has prepared, by SQL text. A statement counts as prepared only when the server confirmed
// it; until then only the batch that prepares it may use it, since if that batch aborts the statement never comes to
// be. Prepared statements are not undone by a rollback, so a confirmed one stays.

struct StatementCache {
  /// How one statement of a batch is to be sent.
  enum Plan: Equatable {
    case usePrepared(String)
    case prepare(String)
    /// Another batch is preparing it just now, or the cache is full: send it whole, this once.
    case sendWhole
  }

  private enum Entry {
    case preparing(name: String, batch: UInt64)
    case prepared(name: String)
  }

  private var entries: [String: Entry] = [:]
  private let limit: Int
  private var lastName: UInt64 = 0

  init(limit: Int) { self.limit = limit }

  var isFull: Bool { entries.count >= limit }

  mutating func plan(_ sql: String, batch: UInt64) -> Plan {
    switch entries[sql] {
    case .prepared(let name): return .usePrepared(name)
    case .preparing(let name, batch): return .usePrepared(name)
    case .preparing: return .sendWhole
    case nil:
      guard !isFull else { return .sendWhole }
      // A name is never used twice in a session, so no entry can come to mean an older statement.
      lastName += 1
      let name = "s\(lastName)"
      entries[sql] = .preparing(name: name, batch: batch)
      return .prepare(name)
    }
  }

  /// The server confirmed what `plan` said to prepare.
  mutating func confirmed(_ sql: String) {
    if case .preparing(let name, _) = entries[sql] { entries[sql] = .prepared(name: name) }
  }

  /// The statement is not prepared (its batch aborted), or no longer usable as it is.
  mutating func forget(_ sql: String) { entries[sql] = nil }

  /// The session is about to deallocate everything.
  mutating func removeAll() { entries.removeAll(keepingCapacity: true) }
}
