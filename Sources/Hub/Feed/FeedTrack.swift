// Where one channel stands on this node: what was delivered, what came early, and whether something is missing.
// Pure: it is told what arrived and answers what to deliver, so it can be tested with tables.

package struct FeedTrack {
  /// The offset of the last event delivered to the reactors; nil until the head has been read.
  package private(set) var position: Int64?
  /// The newest offset that is known to be committed.
  package private(set) var known: Int64 = 0
  /// Events that came before an earlier one; bounded, because the log has them too.
  private var early: [Int64: LogEvent] = [:]
  private static let maximumEarly = 1024

  package init() {}

  /// Whether events between the delivered and the known ones must be read from the log.
  package var isMissingEvents: Bool {
    guard let position else { return false }
    return known > position
  }

  /// The head was read: events after it will be delivered. Answers those that have come meanwhile.
  package mutating func begin(at head: Int64) -> [LogEvent] {
    guard position == nil else { return [] }
    position = head
    known = max(known, head)
    early = early.filter { $0.key > head }
    return takeEarly()
  }

  /// An event arrived, from whatever source; answers what may be delivered now, in order.
  package mutating func received(_ event: LogEvent) -> [LogEvent] {
    known = max(known, event.offset)
    guard let position, event.offset == position + 1 else {
      if event.offset > position ?? 0, early.count < Self.maximumEarly { early[event.offset] = event }
      return []
    }
    self.position = event.offset
    if early.isEmpty { return [event] }
    return [event] + takeEarly()
  }

  /// The channel's head is at least `offset`.
  package mutating func heard(ofHead offset: Int64) {
    known = max(known, offset)
  }

  /// The log was read after `position` and its next event is `first`, or it has none (nil): can the channel go on?
  package func continues(with first: Int64?) -> Bool {
    guard let position else { return true }
    guard let first else { return known <= position }
    return first <= position + 1
  }

  private mutating func takeEarly() -> [LogEvent] {
    guard var offset = position else { return [] }
    var taken: [LogEvent] = []
    while let event = early.removeValue(forKey: offset + 1) {
      taken.append(event)
      offset += 1
    }
    position = offset
    return taken
  }
}
