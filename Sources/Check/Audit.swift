// The log beside what was shown, channel by channel: reads it once from where the check began, in order, and counts what
// does not agree. The log is the truth; but a log with a hole breaks the promise itself.

/// An event as it stands in the log.
package struct LogEntry: Sendable {
  package let offset: Int64
  package let id: String
  package let name: String
  package let at: String
  package let data: Document

  package init(offset: Int64, id: String, name: String, at: String, data: Document) {
    self.offset = offset
    self.id = id
    self.name = name
    self.at = at
    self.data = data
  }

  /// The same for equal events, within one process.
  package var digest: Int {
    var hasher = Hasher()
    hasher.combine(id)
    hasher.combine(name)
    hasher.combine(at)
    hasher.combine(data)
    return hasher.finalize()
  }
}

package struct ChannelAudit {
  private let channel: String
  private let sight: Ledger.Sight
  private var fold: Fold
  private var last: Int64
  private var lastInstant = ""
  package private(set) var breaches = Breaches()

  /// `base` is the channel's state when the check began, and `offset` its offset.
  package init(_ channel: String, base: Document, at offset: Int64, _ ledger: Ledger) {
    self.channel = channel
    sight = ledger.sights[channel] ?? Ledger.Sight()
    fold = Fold(channel: channel, snapshot: base)
    last = offset
    compareSnapshots()
  }

  package mutating func take(_ entry: LogEntry) {
    if entry.offset != last + 1 { breaches.add(.log, "\(channel): \(entry.offset) follows \(last)") }
    // RFC 3339 in one form sorts as text does.
    if entry.at < lastInstant { breaches.add(.log, "\(channel): \(entry.offset) is earlier than the one before") }
    last = entry.offset
    lastInstant = entry.at
    let digest = entry.digest
    if let first = sight.first[entry.offset], first.digest != digest { phantom(entry.offset, first.times) }
    for (other, times) in sight.others[entry.offset] ?? [:] where other != digest { phantom(entry.offset, times) }
    fold.apply(entry.name, entry.data)
    compareSnapshots()
  }

  package mutating func finish(head: Int64) {
    if last != head { breaches.add(.log, "\(channel): ends at \(last), its head is \(head)") }
    for (offset, first) in sight.first where offset > last { phantom(offset, first.times) }
    for (offset, digests) in sight.snapshots where offset > last {
      breaches.add(.snapshot, digests.values.reduce(0, +), "\(channel): at \(offset), the log ends at \(last)")
    }
  }

  private mutating func phantom(_ offset: Int64, _ times: Int) {
    breaches.add(.phantom, times, "\(channel): what was shown at \(offset)")
  }

  private mutating func compareSnapshots() {
    guard let shown = sight.snapshots[last] else { return }
    let state = fold.state
    let digest = state.hashValue
    let wrong = shown.filter { $0.key != digest }.values.reduce(0, +)
    guard wrong > 0 else { return }
    let example = "\(channel) at \(last): \(difference(state, sight.states[last]))"
    breaches.add(.snapshot, wrong, example)
  }

  /// The first member in which they differ.
  private func difference(_ folded: Document, _ shown: Document?) -> String {
    guard let shown else { return "the digests differ" }
    for (part, members) in folded.object {
      let others = shown[part]?.object ?? [:]
      for key in Set(members.object.keys).union(others.keys) where members[key] != others[key] {
        return "\(part) \(key): folded \(text(members[key])), in the snapshot \(text(others[key]))"
      }
    }
    return "nothing of what was kept"
  }

  private func text(_ document: Document?) -> String { document.map { "\($0)" } ?? "absent" }
}
