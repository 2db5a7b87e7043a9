// The checker can fail: whatever breaks the promise of wire §1 at a subscriber is counted, once and as what it is.
import Check
import Testing

@Suite struct PlaceTests {
  /// A subscriber that has a snapshot at 10 and was then shown these.
  private func breaches(after offsets: [Int64]) -> Breaches {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    place.subscribed(at: 10, recovered: false, asked: nil, snapshot: nil, &ledger)
    for offset in offsets { place.received(offset, digest: Int(offset), &ledger) }
    return ledger.breaches
  }

  @Test func whatComesInOrderIsNoBreach() {
    #expect(breaches(after: [11, 12, 13]).total == 0)
  }

  @Test func eventsLeftOutAreGaps() {
    #expect(breaches(after: [11, 14])[.gap] == 2)
    #expect(breaches(after: [11, 14]).total == 2)
  }

  @Test func anEventThatComesAgainIsARepeat() {
    #expect(breaches(after: [11, 12, 12, 11])[.repeated] == 2)
    #expect(breaches(after: [10])[.repeated] == 1)
  }

  @Test func anEventThatComesLateIsASwapAndNoGap() {
    let found = breaches(after: [11, 13, 12, 14])
    #expect(found[.swap] == 1 && found.total == 1)
  }

  @Test func anEventBeforeAnySnapshotIsCounted() {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    place.received(1, digest: 1, &ledger)
    #expect(ledger.breaches[.unasked] == 1)
  }

  @Test func resumingElsewhereThanAskedIsAGapOrARepeat() {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    place.subscribed(at: 10, recovered: false, asked: nil, snapshot: nil, &ledger)
    place.subscribed(at: 10, recovered: true, asked: 10, snapshot: nil, &ledger)
    #expect(ledger.breaches.total == 0)
    place.subscribed(at: 12, recovered: true, asked: 10, snapshot: nil, &ledger)
    #expect(ledger.breaches[.gap] == 2)
    place.subscribed(at: 11, recovered: true, asked: 12, snapshot: nil, &ledger)
    #expect(ledger.breaches[.repeated] == 1)
  }

  @Test func aSnapshotWhereTheLogCouldGoOnIsCounted() {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    place.subscribed(at: 10, recovered: false, asked: nil, snapshot: nil, &ledger)
    place.subscribed(at: 15, recovered: false, asked: 10, snapshot: nil, &ledger)
    #expect(ledger.breaches[.needless] == 1 && ledger.breaches.total == 1)
  }

  @Test func aSnapshotOlderThanWhatWasSeenIsASwap() {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    place.subscribed(at: 10, recovered: false, asked: nil, snapshot: nil, &ledger)
    place.subscribed(at: 9, recovered: false, asked: nil, snapshot: nil, &ledger)
    #expect(ledger.breaches[.swap] == 1)
  }

  @Test func whatHasNotComeAtTheEndIsMissing() {
    var ledger = Ledger()
    var place = Place("kitchen:1", owner: "subscriber 1")
    var breaches = Breaches()
    place.audit(head: 3, &breaches)
    #expect(breaches[.absent] == 1)
    place.subscribed(at: 10, recovered: false, asked: nil, snapshot: nil, &ledger)
    place.audit(head: 13, &breaches)
    #expect(breaches[.missing] == 3)
  }
}
