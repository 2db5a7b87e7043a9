// What every reactor may ask about the feed at any time, without a hop: the epoch and how fresh the database's word is.
import EventLoop
package import Telemetry
import Synchronization

package final class FeedState: Sendable {
  private let currentEpoch = Mutex<String>("")
  private let heard = Atomic<Int64>(0)
  private let listening = Atomic<Bool>(false)
  /// How far the database's clock is ahead of this machine's, in microseconds, and half the round trip it was learnt in:
  /// the greatest error that it may have.
  private let clocks = Mutex<(ahead: Int64, error: Int64)?>(nil)

  package init() {}

  /// The log's identity; empty until it has been read.
  package var epoch: String { currentEpoch.withLock { $0 } }

  /// When the database last answered or notified, in microseconds since 1970; 0 when never.
  package var freshAt: Int64 { heard.load(ordering: .relaxed) }

  /// Whether LISTEN is in force.
  package var isListening: Bool { listening.load(ordering: .relaxed) }

  func heardFromDatabase() { heard.store(wallClockMicroseconds(), ordering: .relaxed) }

  /// This machine's time of something that the database's clock calls `instant`, in microseconds since 1970.
  package func localTime(of instant: Int64) -> Int64 { instant - (clocks.withLock { $0?.ahead } ?? 0) }

  /// The database told its clock at some moment between `asked` and `now`.
  func compareClocks(database: Int64, asked: Int64, now: Int64) {
    let (ahead, error) = (database - (asked + now) / 2, max(now - asked, 0) / 2)
    clocks.withLock { known in
      // Clocks drift: what is old is believed a little less with each look.
      if let old = known, error > old.error {
        known = (old.ahead, old.error + max(old.error / 16, 1))
      } else {
        known = (ahead, error)
      }
    }
  }

  func setListening(_ value: Bool) { listening.store(value, ordering: .relaxed) }

  /// Answers whether an epoch was known and is another now.
  func replaceEpoch(_ epoch: String) -> Bool {
    currentEpoch.withLock { current in
      let changed = !current.isEmpty && current != epoch
      current = epoch
      return changed
    }
  }
}

package struct FeedCounters: Sendable {
  package let delivered: Counter
  package let notifications: Counter
  package let repairs: Counter
  package let relistens: Counter
  package let resets: Counter

  package init(_ metrics: Metrics) {
    delivered = metrics.counter("hub_feed_delivered_total", help: "Events handed to the reactors, in order.")
    notifications = metrics.counter("hub_feed_notifications_total", help: "Notifications received from Postgres.")
    repairs = metrics.counter("hub_feed_repairs_total", help: "Reads of the log for events that were missing.")
    relistens = metrics.counter("hub_feed_relistens_total", help: "Times that LISTEN came into force.")
    resets = metrics.counter("hub_feed_resets_total", help: "Channels whose subscribers were given a fresh snapshot.")
  }
}
