// One connection's place in one channel: a cursor and a state. Nothing is buffered for a subscriber: whoever falls behind
// (it joins, it resumes, its socket is full) keeps only its offset and reads on from the recent events or the log.
//
//   joining ──subscribed(at:)──▶ catchingUp ──reached the channel's position──▶ live
//                                   ▲  │ socket full                              │ socket full
//                                   │  ▼                                          ▼
//                                   └─ lagging ◀──────────────────────────────────┘     (drained: catchingUp again)
//
// Promise kept here: an event is handed out only if it is the cursor's next one, so there is no gap, repeat or swap.

package struct Subscription: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    /// Registered; the snapshot or the place to resume from is being read.
    case joining
    /// Reads events behind the cursor from the recent ones or the log.
    case catchingUp
    /// Takes events as they are published.
    case live
    /// Its socket is full; it waits for it to drain.
    case lagging
  }

  package private(set) var state: State = .joining
  /// The offset of the last event handed to the connection; everything up to it is the subscriber's.
  package private(set) var cursor: Int64 = 0

  package init() {}

  /// What to do with a run of events that has just been published.
  package enum Offer: Equatable, Sendable {
    /// Hand all of it to the connection.
    case takeAll
    /// Hand over the part that starts at this offset.
    case takeFrom(Int64)
    /// It has them already, or is not live: nothing now.
    case skip
    /// Events are missing in between: read them.
    case fellBehind
  }

  /// The snapshot or the resumed offset is known: everything up to `offset` is the subscriber's.
  package mutating func subscribed(at offset: Int64) {
    cursor = offset
    state = .catchingUp
  }

  /// A run of events `first...last` was published on the channel.
  package mutating func offered(_ first: Int64, through last: Int64) -> Offer {
    switch state {
    case .joining, .catchingUp, .lagging:
      return .skip
    case .live:
      if last <= cursor { return .skip }
      if first > cursor + 1 {
        state = .catchingUp
        return .fellBehind
      }
      let from = cursor + 1
      cursor = last
      return from == first ? .takeAll : .takeFrom(from)
    }
  }

  /// Takes the run `first...last` if it is live and `first` is its next event; answers whether it did. What `offered`
  /// decides, for the common case.
  package mutating func takesAll(_ first: Int64, through last: Int64) -> Bool {
    guard state == .live, first == cursor + 1 else { return false }
    cursor = last
    return true
  }

  /// What a subscriber that reads for itself may hand over of events `first...last`; nil when none is its next one.
  package mutating func caughtUp(_ first: Int64, through last: Int64) -> ClosedRange<Int64>? {
    guard state == .catchingUp, first <= cursor + 1, last > cursor else { return nil }
    let from = cursor + 1
    cursor = last
    return from...last
  }

  /// Becomes live if nothing published up to `position` is missing; answers whether it is live.
  package mutating func reached(_ position: Int64) -> Bool {
    guard state == .catchingUp, cursor >= position else { return state == .live }
    state = .live
    return true
  }

  /// The socket took no more.
  package mutating func blocked() {
    switch state {
    case .live, .catchingUp: state = .lagging
    case .joining, .lagging: break
    }
  }

  /// The socket is empty again; answers whether there may be something to read.
  package mutating func drained() -> Bool {
    guard state == .lagging else { return false }
    state = .catchingUp
    return true
  }
}
