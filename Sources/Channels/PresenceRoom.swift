// Who listens to one channel, as the database said last. Each reading is compared with the one before, so it does not
// matter how many changes there were in between or which notification was lost: what is told adds up to what is there.

package struct PresenceRoom<Key: Hashable, Member: Equatable> {
  /// Changes of one reading that are told one by one; more are told as a whole.
  private let mostChanges: Int
  private var members: [(key: Key, member: Member)]?
  private var byKey: [Key: Member] = [:]

  package enum News: Equatable {
    case joined(Member, count: Int)
    case left(Member, count: Int)
    /// So much has changed that it is shorter to say who is there now.
    case everything
  }

  package init(mostChanges: Int = 16) { self.mostChanges = mostChanges }

  /// Those who are there, in the order of the reading; nil before the first.
  package var present: [Member]? { members.map { $0.map(\.member) } }

  /// Takes a reading and answers what is new in it; of the first nothing is. A member that is not as it was joins again.
  package mutating func read(_ reading: [(key: Key, member: Member)]) -> [News] {
    let isFirst = members == nil
    let before = byKey
    let previous = members ?? []
    members = reading
    byKey = Dictionary(reading.map { ($0.key, $0.member) }) { first, _ in first }
    if isFirst { return [] }
    let gone = previous.filter { byKey[$0.key] == nil }
    let new = reading.filter { before[$0.key] != $0.member }
    guard gone.count + new.count <= mostChanges else { return [.everything] }
    var count = previous.count
    var news: [News] = []
    for entry in gone {
      count -= 1
      news.append(.left(entry.member, count: count))
    }
    for entry in new {
      if before[entry.key] == nil { count += 1 }
      news.append(.joined(entry.member, count: count))
    }
    return news
  }
}
