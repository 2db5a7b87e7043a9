// Timers: the heap by itself against a sorted list, then on a running loop.
import Foundation
import Testing

@testable import EventLoop

@Suite struct TimerHeapTests {
  private func time(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

  private func fire(_ heap: inout TimerHeap, at nanoseconds: Int64) {
    while let action = heap.popDue(time(nanoseconds)) { action() }
  }

  @Test func nothingIsDueInAnEmptyHeap() {
    var heap = TimerHeap()
    #expect(heap.earliest == nil)
    #expect(heap.popDue(time(.max)) == nil)
  }

  @Test func timersOfOneInstantRunInTheOrderTheyWereSet() {
    var heap = TimerHeap()
    let record = Record<Int>()
    for number in 0..<100 { _ = heap.insert(at: time(5)) { record.add(number) } }
    fire(&heap, at: 4)
    #expect(record.all.isEmpty)
    fire(&heap, at: 5)
    #expect(record.all == Array(0..<100))
    #expect(heap.earliest == nil)
  }

  @Test func aCancelledTimerNeverRunsAndLetsGoOfWhatItHeld() {
    final class Held {}
    var heap = TimerHeap()
    let record = Record<String>()
    var held: Held? = Held()
    weak let watched = held
    let timer = heap.insert(at: time(1)) { [held] in
      _ = held
      record.add("cancelled")
    }
    _ = heap.insert(at: time(2)) { record.add("kept") }
    held = nil
    #expect(watched != nil)
    timer.cancel()
    #expect(watched == nil)
    timer.cancel()
    fire(&heap, at: 10)
    #expect(record.all == ["kept"])
  }

  @Test(arguments: 1...30)
  func itAgreesWithASortedList(_ seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random(_ bound: UInt64) -> Int64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64((state >> 33) % bound)
    }
    var heap = TimerHeap()
    var model: [(deadline: Int64, number: Int)] = []
    var timers: [Int: LoopTimer] = [:]
    let record = Record<Int>()
    var expected: [Int] = []
    var now: Int64 = 0
    for number in 0..<500 {
      let deadline = now + random(50)
      timers[number] = heap.insert(at: time(deadline)) { record.add(number) }
      model.append((deadline, number))
      if random(4) == 0, let victim = model.randomElement() {
        timers[victim.number]?.cancel()
        model.removeAll { $0.number == victim.number }
      }
      if random(3) == 0 {
        now += random(30)
        fire(&heap, at: now)
        let due = model.filter { $0.deadline <= now }.sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        expected += due.map(\.number)
        model.removeAll { $0.deadline <= now }
        #expect(record.all == expected, "seed \(seed), after \(number)")
      }
    }
  }
}

@Suite struct LoopTimerTests {
  @Test func timersRunInTheOrderOfTheirDeadlinesAndNeverEarly() throws {
    let test = try TestLoop()
    let record = Record<(Int64, Duration)>()
    let done = Promise<Bool>()
    try test.run { loop in
      let start = MonotonicTime.now()
      for milliseconds: Int64 in [30, 1, 20, 0, 10] {
        loop.schedule(after: .milliseconds(milliseconds)) {
          record.add((milliseconds, MonotonicTime.now().since(start)))
          if milliseconds == 30 { done.fulfil(true) }
        }
      }
    }
    _ = try done.wait("the last timer")
    #expect(record.all.map(\.0) == [0, 1, 10, 20, 30])
    for (milliseconds, elapsed) in record.all { #expect(elapsed >= .milliseconds(milliseconds)) }
  }

  @Test func aCancelledTimerDoesNotRunAndTheOthersDo() throws {
    let test = try TestLoop()
    let record = Record<String>()
    let done = Promise<Bool>()
    try test.run { loop in
      let late = loop.schedule(after: .milliseconds(15)) { record.add("late") }
      let early = loop.schedule(after: .milliseconds(1)) { record.add("early") }
      early.cancel()
      loop.schedule(after: .milliseconds(5)) {
        record.add("canceller")
        late.cancel()
      }
      loop.schedule(after: .milliseconds(30)) { done.fulfil(true) }
    }
    _ = try done.wait("the last timer")
    #expect(record.all == ["canceller"])
  }

  @Test func aTimerMaySetTheNextOne() throws {
    let test = try TestLoop()
    let done = Promise<Int>()
    try test.run { loop in
      func next(_ number: Int) {
        if number == 50 { return done.fulfil(number) }
        loop.schedule(after: .zero) { next(number + 1) }
      }
      next(0)
    }
    #expect(try done.wait("fifty timers") == 50)
  }

  @Test func aSleepingLoopTakesUpATimerSetFromAnotherThread() throws {
    let test = try TestLoop()
    // Its only timer is far away; the one that comes from here must not wait for that.
    try test.run { loop in _ = loop.schedule(after: .seconds(3600)) {} }
    let done = Promise<Bool>()
    try test.run { loop in _ = loop.schedule(after: .milliseconds(1)) { done.fulfil(true) } }
    #expect(try done.wait("the short timer", within: 10))
  }

  @Test func aLoopThatHasEndedLetsGoOfWhatItWouldHaveRun() throws {
    let gone = Promise<Bool>()
    do {
      let test = try TestLoop()
      try test.run { loop in
        let owner = Owner(loop: loop, gone: gone)
        _ = loop.schedule(after: .seconds(3600)) { withExtendedLifetime(owner) {} }
      }
    }
    #expect(try gone.wait("the owner's end"))
  }

  /// Keeps its loop, which keeps it by a timer.
  private final class Owner: Sendable {
    private let loop: EventLoop
    private let gone: Promise<Bool>

    init(loop: EventLoop, gone: Promise<Bool>) {
      self.loop = loop
      self.gone = gone
    }

    deinit { gone.fulfil(true) }
  }
}

@Suite struct MonotonicTimeTests {
  @Test(arguments: [
    (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.milliseconds(3), 3_000_000), (.seconds(-2), -2_000_000_000),
  ])
  func itAdvancesByADurationAndTellsIt(_ duration: Duration, _ nanoseconds: Int64) {
    let start = MonotonicTime(nanoseconds: 10_000_000_000)
    #expect(start.advanced(by: duration).nanoseconds == 10_000_000_000 + nanoseconds)
    #expect(start.advanced(by: duration).since(start) == duration)
  }

  @Test func itNeverGoesBack() {
    var last = MonotonicTime.now()
    for _ in 0..<10_000 {
      let now = MonotonicTime.now()
      #expect(now >= last)
      last = now
    }
  }
}
