// By when a request must have come, as a transcript of what arrived when; and whether a peer takes what it is sent.
import Protocol
import Testing

@testable import Hub

@Suite struct RequestClockTests {
  private let limits: ServerLimits = {
    var limits = ServerLimits()
    limits.headSeconds = 10
    limits.bodySeconds = 30
    limits.bodyBytesPerSecond = 500
    return limits
  }()

  @Test func aHeadHasItsTimeFromItsFirstByteHoweverItDrips() {
    var clock = RequestClock()
    #expect(clock.deadline(.none, at: 5, limits) == nil)
    for second: Int32 in 100...109 { #expect(clock.deadline(.head, at: second, limits) == 110) }
    #expect(clock.deadline(.none, at: 120, limits) == nil)
    #expect(clock.deadline(.head, at: 130, limits) == 140)
  }

  @Test func aBodyIsGivenASecondForEveryPortionOfIt() {
    var clock = RequestClock()
    #expect(clock.deadline(.head, at: 0, limits) == 10)
    #expect(clock.deadline(.body(received: 0), at: 2, limits) == 32)
    // A byte a second buys nothing,
    for second: Int32 in 3...31 { #expect(clock.deadline(.body(received: Int(second)), at: second, limits) == 32) }
    // 500 a second buy all the time they need.
    #expect(clock.deadline(.body(received: 499), at: 10, limits) == 32)
    #expect(clock.deadline(.body(received: 500), at: 10, limits) == 33)
    #expect(clock.deadline(.body(received: 1 << 20), at: 2000, limits) == 2129)
  }

  @Test func aBodyThatComesWithItsHeadAndTheNextRequestBeginAnew() {
    var clock = RequestClock()
    #expect(clock.deadline(.body(received: 1000), at: 7, limits) == 39)
    clock.stop()
    #expect(clock.deadline(.body(received: 0), at: 50, limits) == 80)
    #expect(clock.deadline(.head, at: 60, limits) == 70)
  }
}

@Suite struct DrainWatchTests {
  @Test func onlyTimeInWhichSomethingWaitsAndNothingIsTakenCounts() {
    var watch = DrainWatch(second: 100)
    // It may be looked at for the first time while something waits.
    #expect(watch.stalled(waiting: 10, taken: 0, at: 101) == 1)
    #expect(watch.stalled(waiting: 10, taken: 0, at: 130) == 30)
    #expect(watch.stalled(waiting: 9, taken: 1, at: 131) == 0)
    #expect(watch.stalled(waiting: 9, taken: 1, at: 140) == 9)
    // More is said meanwhile; that is not the peer's doing.
    #expect(watch.stalled(waiting: 900, taken: 1, at: 150) == 19)
    #expect(watch.stalled(waiting: 0, taken: 901, at: 151) == 0)
    #expect(watch.stalled(waiting: 5, taken: 901, at: 152) == 1)
  }
}
