// One channel's place on a node, as transcripts: what arrived, and what may be delivered then.
import Testing

@testable import Hub

private func event(_ offset: Int64) -> LogEvent {
  LogEvent(channel: "platform", offset: offset, id: "id-\(offset)", name: "n", at: "t", data: Array("\(offset)".utf8))
}

extension FeedTrack {
  fileprivate mutating func receive(_ offset: Int64) -> [Int64] { received(event(offset)).map(\.offset) }
}

@Suite struct FeedTrackTests {
  @Test func eventsInOrderAreDeliveredAsTheyCome() {
    var track = FeedTrack()
    #expect(track.begin(at: 5).isEmpty)
    #expect(track.position == 5 && !track.isMissingEvents)
    #expect(track.receive(6) == [6])
    #expect(track.receive(7) == [7])
    #expect(track.position == 7 && track.known == 7 && !track.isMissingEvents)
  }

  @Test func anEarlyEventWaitsForTheOnesBeforeIt() {
    var track = FeedTrack()
    _ = track.begin(at: 0)
    #expect(track.receive(3) == [])
    #expect(track.isMissingEvents && track.known == 3)
    #expect(track.receive(2) == [])
    #expect(track.receive(5) == [])
    #expect(track.receive(1) == [1, 2, 3])
    #expect(track.isMissingEvents && track.position == 3)
    #expect(track.receive(4) == [4, 5])
    #expect(!track.isMissingEvents)
  }

  @Test func whatWasDeliveredIsNotDeliveredAgain() {
    var track = FeedTrack()
    _ = track.begin(at: 2)
    #expect(track.receive(1) == [] && track.receive(2) == [])
    #expect(track.receive(3) == [3])
    #expect(track.position == 3)
    #expect(track.receive(3) == [])
    #expect(track.receive(4) == [4])
    #expect(track.receive(4) == [])
  }

  @Test func beforeTheHeadIsKnownEventsAreKept() {
    var track = FeedTrack()
    #expect(track.receive(9) == [] && track.receive(7) == [] && track.receive(8) == [])
    #expect(track.position == nil && !track.isMissingEvents)
    #expect(track.begin(at: 7).map(\.offset) == [8, 9])
    #expect(track.position == 9 && !track.isMissingEvents)
  }

  @Test func aHeadReadBehindWhatIsKnownLeavesEventsMissing() {
    var track = FeedTrack()
    track.heard(ofHead: 12)
    #expect(track.receive(10) == [])
    #expect(track.begin(at: 8).isEmpty)
    #expect(track.isMissingEvents && track.position == 8)
    #expect(track.receive(9) == [9, 10])
    #expect(track.isMissingEvents)
    #expect(track.receive(11) == [11] && track.receive(12) == [12])
    #expect(!track.isMissingEvents)
  }

  @Test func aHeadThatIsReadTwiceChangesNothing() {
    var track = FeedTrack()
    _ = track.begin(at: 3)
    #expect(track.receive(5) == [])
    #expect(track.begin(at: 9).isEmpty && track.position == 3)
    #expect(track.receive(4) == [4, 5])
  }

  @Test func hearingOfAHeadDeliversNothingButTellsThatSomethingIsMissing() {
    var track = FeedTrack()
    _ = track.begin(at: 3)
    track.heard(ofHead: 2)
    track.heard(ofHead: 3)
    #expect(!track.isMissingEvents)
    track.heard(ofHead: 4)
    #expect(track.isMissingEvents && track.position == 3)
  }

  @Test(
    arguments: [
      (4, true), (3, true), (1, true), (5, false), (100, false), (nil, false),
    ] as [(Int64?, Bool)])
  func aLogThatDoesNotContinueIsNoticed(_ first: Int64?, _ continues: Bool) {
    var track = FeedTrack()
    _ = track.begin(at: 3)
    track.heard(ofHead: 9)
    #expect(track.continues(with: first) == continues)
  }

  @Test func aLogWithoutNewsContinuesWhenThereIsNone() {
    var track = FeedTrack()
    #expect(track.continues(with: nil) && track.continues(with: 7))
    _ = track.begin(at: 3)
    #expect(track.continues(with: nil))
  }

  @Test func moreEarlyEventsThanAreKeptComeFromTheLog() {
    var track = FeedTrack()
    _ = track.begin(at: 0)
    for offset: Int64 in 2...3000 { #expect(track.receive(offset) == []) }
    #expect(track.known == 3000)
    var delivered = track.receive(1)
    #expect(delivered.count >= 1000 && track.isMissingEvents)
    while track.isMissingEvents {
      let next = (track.position ?? 0) + 1
      for offset in next..<min(next + 500, 3001) { delivered += track.receive(offset) }
    }
    #expect(delivered == Array(1...3000))
  }

  @Test func offsetsAtTheEndOfTheirRangeAreHandled() {
    var track = FeedTrack()
    _ = track.begin(at: .max - 1)
    #expect(track.receive(.max) == [.max])
    track.heard(ofHead: .max)
    #expect(!track.isMissingEvents)
  }
}
