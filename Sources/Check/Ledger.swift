// What all subscribers together were shown: of each channel and offset a digest of the event, of each snapshot a digest of
// the state. When the run is over the audit lays it beside the log. Memory grows with the log, not with the subscribers.

package struct Ledger: Sendable {
  /// Of one channel.
  struct Sight: Sendable {
    /// What was shown at an offset first, and how often.
    var first: [Int64: (digest: Int, times: Int)] = [:]
    /// What else was shown there.
    var others: [Int64: [Int: Int]] = [:]
    /// Digests of the snapshots' states by their offset.
    var snapshots: [Int64: [Int: Int]] = [:]
    /// The states themselves, of the first few, so that a difference can be shown.
    var states: [Int64: Document] = [:]
  }

  private static let keptStates = 400

  package var breaches = Breaches()
  private(set) var sights: [String: Sight] = [:]
  private var statesKept = 0
  private var epoch: String?

  package init() {}

  mutating func saw(_ digest: Int, at offset: Int64, of channel: String) {
    guard let first = sights[channel]?.first[offset] else {
      sights[channel, default: Sight()].first[offset] = (digest, 1)
      return
    }
    if first.digest == digest {
      sights[channel]?.first[offset]?.times += 1
    } else {
      sights[channel]?.others[offset, default: [:]][digest, default: 0] += 1
    }
  }

  mutating func saw(snapshot: Document, at offset: Int64, of channel: String) {
    let state = Fold(channel: channel, snapshot: snapshot).state
    sights[channel, default: Sight()].snapshots[offset, default: [:]][state.hashValue, default: 0] += 1
    if statesKept < Self.keptStates, sights[channel]?.states[offset] == nil {
      statesKept += 1
      sights[channel]?.states[offset] = state
    }
  }

  mutating func saw(epoch: String) {
    if let known = self.epoch, known != epoch { breaches.add(.epoch, "\(epoch) after \(known)") }
    self.epoch = epoch
  }
}
