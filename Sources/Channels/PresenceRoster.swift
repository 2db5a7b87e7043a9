// The members of one node as the database should have them, and which of that is still to be written. Members come and
// go much faster than a statement is answered: only the last word about each is written, together with the others'.
//
//   arrived, departed ──▶ unwritten ──begin──▶ being written ──written──▶ done
//                             ▲                     │
//                             └──────── failed ─────┘      (lost: everything is unwritten again)

package struct PresenceRoster<Key: Hashable, Member> {
  package struct Changes {
    package var departed: [Key] = []
    package var arrived: [Member] = []
  }

  private var members: [Key: Member] = [:]
  private var unwritten: Set<Key> = []
  private var beingWritten: Set<Key> = []

  package init() {}

  /// Members that there are, written or not.
  package var count: Int { members.count }

  /// Whether everything has been written.
  package var isSettled: Bool { unwritten.isEmpty && beingWritten.isEmpty }

  package var hasUnwritten: Bool { !unwritten.isEmpty }

  package mutating func arrived(_ member: Member, as key: Key) {
    members[key] = member
    unwritten.insert(key)
  }

  package mutating func departed(_ key: Key) {
    guard members.removeValue(forKey: key) != nil else { return }
    unwritten.insert(key)
  }

  /// What to write next, at most `limit` changes; nil when there is nothing, or when some are being written.
  package mutating func begin(limit: Int) -> Changes? {
    guard beingWritten.isEmpty, !unwritten.isEmpty else { return nil }
    beingWritten = unwritten.count <= limit ? unwritten : Set(unwritten.prefix(limit))
    unwritten.subtract(beingWritten)
    var changes = Changes()
    for key in beingWritten {
      if let member = members[key] { changes.arrived.append(member) } else { changes.departed.append(key) }
    }
    return changes
  }

  package mutating func written() { beingWritten = [] }

  /// Whether it was written is not known: it is written again.
  package mutating func failed() {
    unwritten.formUnion(beingWritten)
    beingWritten = []
  }

  /// The database has lost what was written: all of it is written again.
  package mutating func lost() { unwritten.formUnion(members.keys) }
}
