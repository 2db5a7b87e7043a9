// Receipts that wait to be stored, one entry a reader however many it sends: a receipt is cumulative, so the greatest
// offset of each level says it all (wire.md §2 `seen`). Pure: who reads, and where it is stored, is the caller's.

/// How far a reader has come in a channel; each level includes the ones after it.
package struct ReceiptOffsets: Equatable, Sendable {
  /// The program has it.
  package private(set) var received: Int64
  /// It was rendered on a visible page.
  package private(set) var shown: Int64
  /// A person has touched it.
  package private(set) var accepted: Int64

  package init(received: Int64, shown: Int64 = 0, accepted: Int64 = 0) {
    self.accepted = accepted
    self.shown = max(shown, accepted)
    self.received = max(received, shown, accepted)
  }

  /// Takes in what another receipt of the same reader says; never goes back.
  package mutating func add(_ other: ReceiptOffsets) {
    received = max(received, other.received)
    shown = max(shown, other.shown)
    accepted = max(accepted, other.accepted)
  }
}

package struct Receipts<Reader: Hashable & Sendable>: Sendable {
  package typealias Entry = (reader: Reader, offsets: ReceiptOffsets)

  /// How many readers may wait; a receipt of another is refused, since memory has to end somewhere.
  private let capacity: Int
  private var waiting: [Reader: ReceiptOffsets] = [:]

  package init(capacity: Int) { self.capacity = capacity }

  package var isEmpty: Bool { waiting.isEmpty }
  package var count: Int { waiting.count }

  /// Notes a receipt; false when there is no room for another reader.
  package mutating func note(_ offsets: ReceiptOffsets, by reader: Reader) -> Bool {
    if waiting[reader] != nil {
      waiting[reader]?.add(offsets)
      return true
    }
    guard waiting.count < capacity else { return false }
    waiting[reader] = offsets
    return true
  }

  /// Takes out at most so many entries, to be stored.
  package mutating func take(atMost most: Int) -> [Entry] {
    let taken = waiting.prefix(most).map { (reader: $0.key, offsets: $0.value) }
    if taken.count == waiting.count {
      waiting.removeAll(keepingCapacity: true)
    } else {
      for entry in taken { waiting[entry.reader] = nil }
    }
    return taken
  }

  /// Puts back entries that could not be stored; what has come since stays.
  package mutating func putBack(_ entries: [Entry]) {
    for entry in entries { _ = note(entry.offsets, by: entry.reader) }
  }
}
