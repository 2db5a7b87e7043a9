// One subscriber's place in one channel, and the rules of wire §1 for what may come next. It judges by offsets alone; what
// stands at an offset goes into the ledger.

package struct Place: Sendable {
  package let channel: String
  /// Who listens, in words.
  private let owner: String
  /// The last event seen, or the snapshot's.
  package private(set) var offset: Int64?
  /// Left out until now: one that comes late is a swap.
  private var skipped: Set<Int64> = []

  private static let mostSkipped: Int64 = 100_000

  package init(_ channel: String, owner: String) {
    self.channel = channel
    self.owner = owner
  }

  /// The subscription's beginning. `asked` is the offset that was to be resumed after; the log keeps all that a check
  /// publishes, so that an answer with a snapshot instead breaks the promise.
  package mutating func subscribed(
    at start: Int64, recovered: Bool, asked: Int64?, snapshot: Document?, _ ledger: inout Ledger
  ) {
    if let asked, recovered {
      if start > asked { skip(from: asked, to: start, &ledger) }
      if start < asked {
        ledger.breaches.add(.repeated, Int(asked - start), "\(owner): resumed after \(start) instead of \(asked)")
      }
      offset = start
      return
    }
    if recovered {
      ledger.breaches.add(.malformed, "\(owner), \(channel): recovered at \(start) without having asked")
    }
    if let asked { ledger.breaches.add(.needless, "\(owner), \(channel): a snapshot at \(start), asked for \(asked)") }
    if let offset, offset > start {
      ledger.breaches.add(.swap, "\(owner), \(channel): a snapshot at \(start) after event \(offset)")
    }
    offset = start
    skipped = []
    if let snapshot { ledger.saw(snapshot: snapshot, at: start, of: channel) }
  }

  package mutating func received(_ event: Int64, digest: Int, _ ledger: inout Ledger) {
    guard let last = offset else {
      ledger.breaches.add(.unasked, "\(owner), \(channel): event \(event) before a snapshot")
      return
    }
    ledger.saw(digest, at: event, of: channel)
    if event > last {
      if event > last + 1 { skip(from: last, to: event - 1, &ledger) }
      offset = event
    } else if skipped.remove(event) != nil {
      ledger.breaches.turnGapIntoSwap("\(owner), \(channel): event \(event) after \(last)")
    } else {
      ledger.breaches.add(.repeated, "\(owner), \(channel): event \(event) again, after \(last)")
    }
  }

  /// What stands in the log and has not come, when nothing more can come.
  package func audit(head: Int64, _ breaches: inout Breaches) {
    guard let offset else {
      breaches.add(.absent, "\(owner), \(channel): never subscribed")
      return
    }
    if offset < head { breaches.add(.missing, Int(head - offset), "\(owner), \(channel): \(offset) of \(head)") }
  }

  private mutating func skip(from last: Int64, to end: Int64, _ ledger: inout Ledger) {
    ledger.breaches.add(.gap, Int(end - last), "\(owner), \(channel): \(last + 1) to \(end) left out")
    skipped.formUnion((last + 1)...min(end, last + Self.mostSkipped))
  }
}
