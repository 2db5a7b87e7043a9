// A subscription's life as transcripts: each line is an input, what it answers, and where the subscription stands then.
import Channels
import Testing

@Suite struct SubscriptionTests {
  private func live(at offset: Int64) -> Subscription {
    var subscription = Subscription()
    subscription.subscribed(at: offset)
    _ = subscription.reached(offset)
    return subscription
  }

  @Test func aSubscriberJoinsCatchesUpAndIsLive() {
    var subscription = Subscription()
    #expect(subscription.state == .joining)
    #expect(subscription.offered(6, through: 6) == .skip)
    subscription.subscribed(at: 5)
    #expect(subscription.state == .catchingUp && subscription.cursor == 5)
    #expect(subscription.offered(7, through: 7) == .skip)
    #expect(subscription.reached(7) == false)
    #expect(subscription.caughtUp(6, through: 7) == 6...7)
    #expect(subscription.reached(7) == true)
    #expect(subscription.state == .live && subscription.cursor == 7)
    #expect(subscription.offered(8, through: 8) == .takeAll)
    #expect(subscription.offered(9, through: 12) == .takeAll)
    #expect(subscription.cursor == 12)
  }

  @Test func aSnapshotNewerThanTheChannelsPositionIsLiveAtOnceAndSkipsWhatItHolds() {
    var subscription = Subscription()
    subscription.subscribed(at: 10)
    #expect(subscription.reached(8) == true)
    #expect(subscription.offered(9, through: 9) == .skip)
    #expect(subscription.offered(10, through: 12) == .takeFrom(11))
    #expect(subscription.cursor == 12)
  }

  @Test(arguments: [
    (1, 10, Subscription.Offer.skip, 10), (10, 10, .skip, 10), (11, 11, .takeAll, 11), (11, 15, .takeAll, 15),
    (9, 11, .takeFrom(11), 11), (10, 15, .takeFrom(11), 15), (12, 12, .fellBehind, 10), (100, 200, .fellBehind, 10),
  ])
  func aLiveSubscriberTakesExactlyItsNextEvents(
    _ first: Int64, _ last: Int64, _ offer: Subscription.Offer, _ cursor: Int64
  ) {
    var subscription = live(at: 10)
    #expect(subscription.offered(first, through: last) == offer)
    #expect(subscription.cursor == cursor)
    #expect(subscription.state == (offer == .fellBehind ? .catchingUp : .live))
  }

  @Test(
    arguments: [
      (11, 15, 11...15, 15), (5, 15, 11...15, 15), (11, 11, 11...11, 11), (12, 15, nil, 10), (5, 10, nil, 10),
      (1, 1, nil, 10),
    ] as [(Int64, Int64, ClosedRange<Int64>?, Int64)])
  func oneThatCatchesUpTakesOnlyWhatContinues(
    _ first: Int64, _ last: Int64, _ taken: ClosedRange<Int64>?, _ cursor: Int64
  ) {
    var subscription = Subscription()
    subscription.subscribed(at: 10)
    #expect(subscription.caughtUp(first, through: last) == taken)
    #expect(subscription.cursor == cursor && subscription.state == .catchingUp)
  }

  @Test func aFullSocketMakesItLagUntilItDrains() {
    var subscription = live(at: 3)
    subscription.blocked()
    #expect(subscription.state == .lagging)
    #expect(subscription.offered(4, through: 4) == .skip)
    #expect(subscription.caughtUp(4, through: 4) == nil)
    #expect(subscription.reached(3) == false)
    #expect(subscription.drained() == true)
    #expect(subscription.state == .catchingUp && subscription.cursor == 3)
    #expect(subscription.drained() == false)
    #expect(subscription.reached(4) == false)
    #expect(subscription.caughtUp(4, through: 4) == 4...4)
    #expect(subscription.reached(4) == true)
  }

  @Test func aFullSocketWhileItCatchesUpMakesItLagToo() {
    var subscription = Subscription()
    subscription.subscribed(at: 0)
    subscription.blocked()
    #expect(subscription.state == .lagging)
    #expect(subscription.drained() && subscription.state == .catchingUp)
  }

  @Test func aFullSocketBeforeTheSnapshotChangesNothing() {
    var subscription = Subscription()
    subscription.blocked()
    #expect(subscription.state == .joining)
    #expect(subscription.drained() == false)
    #expect(subscription.reached(0) == false)
    subscription.subscribed(at: 1)
    #expect(subscription.state == .catchingUp)
  }

  @Test func aFreshSnapshotMovesTheCursorWhereverItStood() {
    for offset: Int64 in [0, 3, 100] {
      var subscription = live(at: 50)
      subscription.subscribed(at: offset)
      #expect(subscription.state == .catchingUp && subscription.cursor == offset)
    }
  }

  @Test func aLiveOneThatReadsForItselfIsHandedNothing() {
    var subscription = live(at: 3)
    #expect(subscription.caughtUp(4, through: 9) == nil)
    #expect(subscription.cursor == 3)
  }
}
