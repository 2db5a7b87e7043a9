// How long to wait before the next try: exponential with full jitter, so that many clients of a server that comes back
// do not come back all at once.
import EventLoop

struct BackOff: Sendable {
  static let shortest = Duration.milliseconds(50)
  static let longest = Duration.seconds(5)
  /// A connection that lived this long was a good one: the next loss starts from the shortest wait.
  static let settled = Duration.seconds(5)

  private var tries = 0

  init() {}

  /// The ceiling of the next wait.
  var ceiling: Duration { min(Self.shortest * (1 << min(tries, 10)), Self.longest) }

  /// A wait between nothing and the ceiling, which then doubles.
  mutating func next() -> Duration {
    let ceiling = ceiling
    tries += 1
    return .nanoseconds(Int64.random(in: 0...Int64(ceiling / .nanoseconds(1))))
  }

  /// A connection was lost that had been made at `opened`.
  mutating func lost(opened: MonotonicTime) {
    if MonotonicTime.now().since(opened) >= Self.settled { tries = 0 }
  }
}
