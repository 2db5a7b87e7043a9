// The three instruments. Each is shared by reference and safe from any thread. Counting is one relaxed atomic add: a
// reader may see two counters at slightly different moments, which is all that a scrape needs.
import Synchronization

/// A count that only grows.
package final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  package init() {}

  package func add(_ amount: UInt64 = 1) {
    count.wrappingAdd(amount, ordering: .relaxed)
  }

  package var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
  // A Double's bits: there is no atomic Double.
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func set(_ value: Double) {
    bits.store(value.bitPattern, ordering: .relaxed)
  }

  package func add(_ amount: Double = 1) {
    var current = bits.load(ordering: .relaxed)
    while true {
      let next = (Double(bitPattern: current) + amount).bitPattern
      let (exchanged, original) = bits.weakCompareExchange(
        expected: current, desired: next, ordering: .relaxed)
      if exchanged { return }
      current = original
    }
  }

  package func subtract(_ amount: Double = 1) {
    add(-amount)
  }

  package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How observed numbers are spread over fixed buckets.
package final class Histogram: Sendable {
  /// From half a millisecond to ten seconds, for durations in seconds.
  package static let durations: [Double] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  /// What was observed up to one moment.
  package struct Snapshot: Hashable, Sendable {
    /// For each upper bound and then for +Inf, how many were in that bucket alone.
    package fileprivate(set) var counts: [UInt64]
    package fileprivate(set) var sum: Double

    package var count: UInt64 { counts.reduce(0, +) }
  }

  /// Inclusive upper bounds, ascending, without +Inf.
  package let bounds: [Double]
  // Count and sum belong together, so a mutex: uncontended it costs about as much as the two atomics would.
  private let state: Mutex<Snapshot>

  package init(bounds: [Double] = Histogram.durations) {
    self.bounds = bounds.filter(\.isFinite).sorted()
    state = Mutex(Snapshot(counts: [UInt64](repeating: 0, count: self.bounds.count + 1), sum: 0))
  }

  /// Counts a number; NaN is left out, since it would spoil the sum for good.
  package func observe(_ value: Double) {
    guard !value.isNaN else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock {
      $0.counts[bucket] += 1
      $0.sum += value
    }
  }

  package var snapshot: Snapshot { state.withLock { $0 } }
}
