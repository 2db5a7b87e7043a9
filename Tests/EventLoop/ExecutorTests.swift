// The loop as an executor: work from other threads, actors on it, wake-ups, and its end.
import EventLoop
import CLinux
import Foundation
import Synchronization
import Testing

/// An actor whose executor is a loop.
private actor Resident {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private var count = 0

  init(_ loop: EventLoop) { self.loop = loop }

  func add(_ number: Int) -> Int {
    count += number
    return count
  }

  func isOnItsLoop() -> Bool { loop.isCurrent }

  func ask(_ other: Resident, times: Int) async -> Int {
    var sum = 0
    for _ in 0..<times { sum = await other.add(1) }
    return sum
  }
}

/// Takes what other threads post, at the end of each turn, as a reactor takes its mailbox.
private final class Taker: LoopClient {
  let posted = Mutex<[Int]>([])
  let taken = Mutex<[Int]>([])
  let turns = Atomic<Int>(0)

  func process(_ events: UnsafeBufferPointer<epoll_event>) -> Bool { false }

  func endTurn() {
    turns.add(1, ordering: .relaxed)
    let new = posted.withLock { waiting in
      let new = waiting
      waiting = []
      return new
    }
    taken.withLock { $0 += new }
  }
}

@Suite struct ExecutorTests {
  @Test func workFromOtherThreadsRunsOnTheLoopsThreadAllOfIt() throws {
    let test = try TestLoop()
    let record = Record<Bool>()
    let threads = (0..<4).map { _ in
      Thread {
        for _ in 0..<2000 { Task(executorPreference: test.tasks) { record.add(test.loop.isCurrent) } }
      }
    }
    for thread in threads { thread.start() }
    try eventually("8,000 jobs have run") { record.all.count == 8000 }
    #expect(record.all.allSatisfy { $0 })
    #expect(!test.loop.isCurrent)
  }

  @Test func jobsOfOneThreadRunInTheOrderTheyWereEnqueued() throws {
    let test = try TestLoop()
    let record = Record<Int>()
    for number in 0..<500 { Task(executorPreference: test.tasks) { record.add(number) } }
    try eventually("500 jobs have run") { record.all.count == 500 }
    #expect(record.all == Array(0..<500))
  }

  @Test func anActorOnALoopRunsThere() throws {
    let test = try TestLoop()
    let answer = Promise<(Bool, Int)>()
    let resident = Resident(test.loop)
    Task(executorPreference: test.tasks) {
      for number in 1...100 { _ = await resident.add(number) }
      answer.fulfil((await resident.isOnItsLoop(), await resident.add(0)))
    }
    #expect(try answer.wait() == (true, 5050))
  }

  @Test func aTimerMayAssumeTheIsolationOfAnActorOnItsLoop() throws {
    let test = try TestLoop()
    let resident = Resident(test.loop)
    let answer = Promise<Int>()
    try test.run { loop in
      _ = loop.schedule(after: .zero) { answer.fulfil(resident.assumeIsolated { $0.add(7) }) }
    }
    #expect(try answer.wait() == 7)
  }

  @Test func actorsOnTwoLoopsCallEachOther() throws {
    let (first, second) = (try TestLoop(), try TestLoop())
    let (here, there) = (Resident(first.loop), Resident(second.loop))
    let answer = Promise<Int>()
    Task(executorPreference: first.tasks) { answer.fulfil(await here.ask(there, times: 500)) }
    #expect(try answer.wait("500 calls between two loops") == 500)
  }

  @Test func noWakeUpIsLost() throws {
    let taker = Taker()
    let test = try TestLoop(client: taker)
    // One at a time: were a single wake-up lost, nothing else would wake the loop.
    for number in 0..<3000 {
      taker.posted.withLock { $0.append(number) }
      test.loop.wakeUp()
      let end = MonotonicTime.now().advanced(by: .seconds(10))
      while taker.taken.withLock({ $0.count }) != number + 1 {
        if MonotonicTime.now() > end { throw TimedOut(description: "the wake-up for \(number) was lost") }
        sched_yield()
      }
    }
    #expect(taker.taken.withLock { $0 } == Array(0..<3000))
  }

  @Test func wakeUpsOfManyThreadsAreNeitherLostNorATurnEach() throws {
    let taker = Taker()
    let test = try TestLoop(client: taker)
    let threads = (0..<4).map { part in
      Thread {
        for number in 0..<2500 {
          taker.posted.withLock { $0.append(part * 2500 + number) }
          test.loop.wakeUp()
        }
      }
    }
    for thread in threads { thread.start() }
    try eventually("10,000 posts have been taken") { taker.taken.withLock { $0.count } == 10_000 }
    #expect(taker.taken.withLock { $0.sorted() } == Array(0..<10_000))
    #expect(taker.turns.load(ordering: .relaxed) <= 10_100)
  }

  @Test func anIdleLoopTakesNoTurns() throws {
    let taker = Taker()
    let test = try TestLoop(client: taker)
    try test.run { _ in }
    try eventually("the loop has settled") {
      let before = taker.turns.load(ordering: .relaxed)
      poll(nil, 0, 50)
      return taker.turns.load(ordering: .relaxed) == before
    }
  }

  @Test func aStoppedLoopRunsOutWhatWaitsAndLetsItsClientGo() throws {
    var taker: Taker? = Taker()
    weak let watched = taker
    let loop = try EventLoop(name: "short")
    let tasks = LoopTasks(loop)
    loop.start(client: taker)
    taker = nil
    let ran = Promise<Bool>()
    Task(executorPreference: tasks) { ran.fulfil(true) }
    loop.stop()
    #expect(try ran.wait("the job that was enqueued before the stop"))
    try eventually("the client is gone") { watched == nil }
    try eventually("the thread is nobody's") { !loop.isCurrent }
  }
}
