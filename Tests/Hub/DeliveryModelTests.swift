// The promise, by chance: FeedTrack, RecentEvents and Subscription together, as Feed and Reactor put them together, with
// everything that may happen happening at random: events arrive early, late, twice or never; heads are only heard of;
// subscribers come with a snapshot or an offset, block, drain and read from a log. Each must see every offset after its
// first exactly once and in order, and when nothing is left to do each must have seen everything.
import Channels
import TestSupport
import Testing

@testable import Hub

/// One subscriber, and what its connection was sent.
private final class Listener {
  var subscription = Subscription()
  var seen: [Int64] = []
  /// What its connection holds unsent.
  var queued = 0
  var first: Int64 = 0
  var isReading: (cursor: Int64, through: Int64)?

  func take(_ offset: Int64) {
    seen.append(offset)
    queued += 1
  }
}

private struct World {
  var random: SeededRandom
  /// Offsets 1...head are committed; those up to `dropped` are no longer in the log.
  var head: Int64 = 0
  var track = FeedTrack()
  var recent: RecentEvents<[UInt8]>
  var position: Int64?
  var listeners: [Listener] = []
  /// What is under way to the feed: events, or heads only (negative).
  var underWay: [Int64] = []
  /// What the feed has posted to the reactor.
  var mailbox: [Int64] = []
  let bound: Int
  var failure: String?

  init(_ random: SeededRandom) {
    self.random = random
    bound = Int.random(in: 1...20, using: &self.random)
    recent = RecentEvents<[UInt8]>(maximumBytes: 1000, maximumCount: Int.random(in: 1...12, using: &self.random))
  }

  private func event(_ offset: Int64) -> LogEvent {
    LogEvent(channel: "platform", offset: offset, id: "", name: "", at: "", data: [])
  }

  // MARK: Database and feed

  mutating func commit() {
    head += 1
    if random.chance(70) { underWay.append(head) }
    if random.chance(30) { underWay.append(head) }
    if random.chance(30) { underWay.append(-head) }
  }

  mutating func arrive() {
    guard !underWay.isEmpty else { return }
    let word = underWay.remove(at: Int.random(in: underWay.indices, using: &random))
    if word > 0 { mailbox += track.received(event(word)).map(\.offset) } else { track.heard(ofHead: -word) }
  }

  mutating func attach() {
    guard track.position == nil else { return }
    // The head is read a little before the answer is here.
    let read = max(0, head - Int64.random(in: 0...3, using: &random))
    mailbox += track.begin(at: read).map(\.offset)
    position = max(position ?? read, read)
  }

  mutating func repair(limit: Int64) {
    guard track.isMissingEvents, let place = track.position else { return }
    let last = min(head, place + limit)
    if !track.continues(with: place + 1) { failure = "a hole where there is none" }
    for offset in place + 1..<last + 1 { mailbox += track.received(event(offset)).map(\.offset) }
  }

  // MARK: Reactor

  mutating func join() {
    guard position != nil else { return }
    listeners.append(Listener())
  }

  /// The answer to a joining subscriber: a snapshot of any moment until now, or the offset that it brought.
  mutating func answer(_ listener: Listener) {
    guard listener.subscription.state == .joining else { return }
    let offset = random.chance(50) ? head : Int64.random(in: 0...head, using: &random)
    listener.first = offset
    listener.subscription.subscribed(at: offset)
    advance(listener)
  }

  /// Delivers a run from the mailbox.
  mutating func deliver() {
    guard !mailbox.isEmpty else { return }
    let run = mailbox.prefix(Int.random(in: 1...5, using: &random))
    mailbox.removeFirst(run.count)
    guard let first = run.first, let last = run.last else { return }
    if last - first + 1 != Int64(run.count) { failure = "the feed posted \(run)" }
    for offset in run { recent.append([0], byteCount: 1, offset: offset) }
    position = max(position ?? last, last)
    for listener in listeners {
      if listener.queued + run.count > bound, listener.subscription.state == .live {
        listener.subscription.blocked()
        continue
      }
      switch listener.subscription.offered(first, through: last) {
      case .takeAll: for offset in run { listener.take(offset) }
      case .takeFrom(let from): for offset in run where offset >= from { listener.take(offset) }
      case .skip: break
      case .fellBehind: advance(listener)
      }
    }
  }

  mutating func advance(_ listener: Listener) {
    while listener.isReading == nil, let position, listener.subscription.state == .catchingUp {
      if listener.subscription.reached(position) { return }
      if listener.queued >= bound {
        listener.subscription.blocked()
        return
      }
      let cursor = listener.subscription.cursor
      guard let (frames, last) = recent.frames(after: cursor, limit: 3), last > cursor else {
        listener.isReading = (cursor, min(head, cursor + Int64.random(in: 1...8, using: &random)))
        return
      }
      if frames.count != Int(last - cursor) { failure = "\(frames.count) frames after \(cursor) through \(last)" }
      guard listener.subscription.caughtUp(cursor + 1, through: last) != nil else { return }
      for offset in cursor + 1...last { listener.take(offset) }
    }
  }

  /// The log's answer is here, or the database was away.
  mutating func finishReading(_ listener: Listener) {
    guard let read = listener.isReading else { return }
    listener.isReading = nil
    if random.chance(20) { return }
    guard listener.subscription.state == .catchingUp, read.through > read.cursor else { return advance(listener) }
    for offset in read.cursor + 1...read.through
    where listener.queued < bound && listener.subscription.caughtUp(offset, through: offset) != nil {
      listener.take(offset)
    }
    advance(listener)
  }

  mutating func drain(_ listener: Listener, by count: Int) {
    listener.queued = max(0, listener.queued - count)
    if listener.queued == 0, listener.subscription.drained() { advance(listener) }
  }

  mutating func step() {
    let listener = listeners.randomElement(using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<25: commit()
    case 25..<45: arrive()
    case 45..<65: deliver()
    case 65..<70: repair(limit: Int64.random(in: 1...10, using: &random))
    case 70..<72: attach()
    case 72..<76: if listeners.count < 12 { join() }
    case 76..<82: if let listener { answer(listener) }
    case 82..<88: if let listener { finishReading(listener) }
    case 88..<91: if let listener, listener.subscription.state == .catchingUp { advance(listener) }
    default: if let listener { drain(listener, by: Int.random(in: 0...6, using: &random)) }
    }
  }

  /// Nothing new happens: everything that is under way arrives, a re-scan tells the head, everybody reads on.
  mutating func settle() {
    attach()
    while !underWay.isEmpty { arrive() }
    track.heard(ofHead: head)
    while track.isMissingEvents { repair(limit: 7) }
    while !mailbox.isEmpty { deliver() }
    for listener in listeners {
      answer(listener)
      for _ in 0..<10_000 where listener.subscription.state != .live {
        drain(listener, by: .max)
        finishReading(listener)
        advance(listener)
      }
    }
  }
}

@Suite struct DeliveryModelTests {
  @Test func everySubscriberSeesEveryEventAfterItsFirstOnceAndInOrder() {
    let master = SeededRandom()
    for round in 0..<400 {
      var world = World(master.stream(round))
      for step in 0..<600 {
        world.step()
        if let failure = world.failure {
          Issue.record("seed \(master.seed), round \(round), step \(step): \(failure)")
          return
        }
      }
      world.settle()
      for (number, listener) in world.listeners.enumerated() {
        let expected = Array((listener.first..<max(listener.first, world.head)).map { $0 + 1 })
        guard listener.seen == expected, listener.subscription.state == .live else {
          Issue.record(
            """
            seed \(master.seed), round \(round), subscriber \(number) is \(listener.subscription.state): after \
            \(listener.first) it saw \(listener.seen), the log has \(world.head)
            """)
          return
        }
      }
    }
  }
}
