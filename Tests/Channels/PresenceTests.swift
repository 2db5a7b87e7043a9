// Presence without a database: what a node has to write of its members, and what watchers of a channel are told.
import Channels
import Testing

@Suite struct PresenceRosterTests {
  private typealias Roster = PresenceRoster<Int, String>

  @Test func changesAreWrittenTogetherAndOnlyTheLastWordAboutEach() {
    var roster = Roster()
    #expect(roster.begin(limit: 10) == nil && roster.isSettled)
    roster.arrived("a", as: 1)
    roster.arrived("b", as: 2)
    roster.arrived("b again", as: 2)
    roster.departed(1)
    roster.arrived("c", as: 3)
    let changes = roster.begin(limit: 10)
    #expect(changes?.departed == [1])
    #expect(Set(changes?.arrived ?? []) == ["b again", "c"])
    #expect(roster.count == 2 && !roster.isSettled && !roster.hasUnwritten)
    roster.written()
    #expect(roster.isSettled && roster.begin(limit: 10) == nil)
  }

  @Test func whatComesWhileSomeIsWrittenWaitsForTheNextTime() {
    var roster = Roster()
    roster.arrived("a", as: 1)
    #expect(roster.begin(limit: 10)?.arrived == ["a"])
    roster.departed(1)
    #expect(roster.begin(limit: 10) == nil, "one at a time")
    roster.written()
    #expect(roster.begin(limit: 10)?.departed == [1])
  }

  @Test func whatFailedIsWrittenAgainAsItIsByThen() {
    var roster = Roster()
    roster.arrived("a", as: 1)
    roster.arrived("b", as: 2)
    _ = roster.begin(limit: 10)
    roster.departed(2)
    roster.failed()
    let again = roster.begin(limit: 10)
    #expect(again?.arrived == ["a"] && again?.departed == [2])
  }

  @Test func aDatabaseThatLostItAllGetsItAllAgain() {
    var roster = Roster()
    for number in 0..<5 { roster.arrived("\(number)", as: number) }
    _ = roster.begin(limit: 10)
    roster.written()
    roster.departed(4)
    roster.lost()
    let all = roster.begin(limit: 10)
    #expect(Set(all?.arrived ?? []) == ["0", "1", "2", "3"] && all?.departed == [4])
  }

  @Test func nobodyWhoWasNeverThereDeparts() {
    var roster = Roster()
    roster.departed(1)
    #expect(roster.isSettled)
  }

  @Test func aStatementHasABoundAndTheRestFollows() {
    var roster = Roster()
    for number in 0..<25 { roster.arrived("\(number)", as: number) }
    var written: Set<String> = []
    var sizes: [Int] = []
    while let changes = roster.begin(limit: 10) {
      sizes.append(changes.arrived.count)
      written.formUnion(changes.arrived)
      roster.written()
    }
    #expect(sizes == [10, 10, 5] && written.count == 25)
  }
}

@Suite struct PresenceRoomTests {
  private typealias Room = PresenceRoom<Int, String>

  @Test func theFirstReadingIsNoNews() {
    var room = Room()
    #expect(room.present == nil)
    #expect(room.read([(1, "a"), (2, "b")]) == [])
    #expect(room.present == ["a", "b"])
    #expect(room.read([(1, "a"), (2, "b")]) == [])
  }

  @Test func whatDiffersIsToldWithTheCountAfterEach() {
    var room = Room()
    _ = room.read([(1, "a"), (2, "b"), (3, "c")])
    let news = room.read([(2, "b"), (4, "d"), (5, "e")])
    #expect(
      news == [
        .left("a", count: 2), .left("c", count: 1), .joined("d", count: 2), .joined("e", count: 3),
      ])
    #expect(room.read([]) == [.left("b", count: 2), .left("d", count: 1), .left("e", count: 0)])
    #expect(room.present == [])
  }

  @Test func aMemberThatChangedJoinsAgainAndCountsOnce() {
    var room = Room()
    _ = room.read([(1, "shows all"), (2, "b")])
    #expect(room.read([(1, "shows the grill"), (2, "b")]) == [.joined("shows the grill", count: 2)])
  }

  @Test func manyChangesAtOnceAreToldAsAWhole() {
    var room = PresenceRoom<Int, String>(mostChanges: 3)
    _ = room.read([(0, "0")])
    #expect(room.read((0..<4).map { ($0, "\($0)") }).count == 3)
    #expect(room.read((4..<8).map { ($0, "\($0)") }) == [.everything])
    #expect(room.present == ["4", "5", "6", "7"])
  }

  @Test func whatIsToldAddsUpToWhatIsThereWhateverWasMissed() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var room = Room()
      var told: Set<Int> = []
      _ = room.read([])
      for _ in 0..<10 {
        let present = Set((0..<8).filter { _ in Bool.random(using: &random) })
        var count = told.count
        for news in room.read(present.sorted().map { ($0, "\($0)") }) {
          switch news {
          case .joined(let member, let now):
            told.insert(Int(member) ?? -1)
            count = now
          case .left(let member, let now):
            told.remove(Int(member) ?? -1)
            count = now
          case .everything: told = present
          }
        }
        #expect(told == present && count == present.count)
      }
    }
  }
}
