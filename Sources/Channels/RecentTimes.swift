// When the newest events of a channel were committed, so that a receipt, which names only an offset, tells how long it
// took until somebody saw it. A ring: consecutive offsets, the oldest forgotten.

package struct RecentTimes {
  private static let capacity: Int64 = 256
  /// By offset modulo the capacity; empty until the first event.
  private var times: [Int64] = []
  private var last: Int64 = 0
  private var count: Int64 = 0

  package init() {}

  /// Notes when the event at `offset` was committed, in microseconds; a hole before it forgets what was known.
  package mutating func append(_ time: Int64, offset: Int64) {
    guard offset > 0 else { return }
    if times.isEmpty { times = Array(repeating: 0, count: Int(Self.capacity)) }
    count = offset == last + 1 ? min(count + 1, Self.capacity) : 1
    last = offset
    times[Int(offset % Self.capacity)] = time
  }

  /// When the event at `offset` was committed; nil when that is not known any more.
  package func time(of offset: Int64) -> Int64? {
    guard offset <= last, offset > last - count else { return nil }
    return times[Int(offset % Self.capacity)]
  }
}
