// What must never be: every count of a check that has to be 0, with the first few of each in words.

/// A way to break the promise (wire §1), or to lose or double a command (wire §5).
package enum Breach: String, CaseIterable, Hashable, Sendable {
  case gap = "gaps"
  case repeated = "repeats"
  case swap = "swaps"
  case phantom = "events that the log has not"
  case missing = "log events not received"
  case snapshot = "snapshots other than the fold of events"
  case needless = "snapshots instead of resuming"
  case unasked = "events without a subscription"
  case malformed = "messages that are none"
  case epoch = "changes of the epoch"
  case refused = "subscribers refused"
  case absent = "subscribers that did not come back"
  case presence = "wrongly present or absent at the end"
  case log = "holes in the log itself"
  case alarm = "alarms raised twice"
  case lost = "acknowledged commands lost"
  case doubled = "commands that happened twice"
  case torn = "transactions not whole"
  case undone = "rolled back and yet in the log"
}

/// How often each was found.
package struct Breaches: Sendable {
  private static let keptExamples = 5
  private var counts: [Breach: Int] = [:]
  package private(set) var examples: [Breach: [String]] = [:]

  package init() {}

  package subscript(_ breach: Breach) -> Int { counts[breach] ?? 0 }

  package var total: Int { counts.values.reduce(0, +) }

  package mutating func add(_ breach: Breach, _ example: @autoclosure () -> String) { add(breach, 1, example()) }

  package mutating func add(_ breach: Breach, _ count: Int, _ example: @autoclosure () -> String) {
    counts[breach, default: 0] += count
    if examples[breach, default: []].count < Self.keptExamples { examples[breach, default: []].append(example()) }
  }

  /// An event that seemed left out came late: it is a swap, no gap.
  mutating func turnGapIntoSwap(_ example: @autoclosure () -> String) {
    counts[.gap, default: 0] -= 1
    add(.swap, 1, example())
  }

  mutating func add(_ others: Breaches) {
    for (breach, count) in others.counts { counts[breach, default: 0] += count }
    for (breach, texts) in others.examples {
      examples[breach] = Array((examples[breach, default: []] + texts).prefix(Self.keptExamples))
    }
  }
}
