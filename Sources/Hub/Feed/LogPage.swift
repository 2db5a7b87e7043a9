// A page of a channel's log: the events at a fixed range of offsets, encoded, for every subscriber that passes there.
//
// Pages begin at multiples of their length, so that subscribers who stopped at a thousand different offsets read the same
// few pages: a channel costs as many reads as there are pages between the oldest of them and the head, however many they
// are. In an epoch the log never changes but at its two ends, so a page is true for ever: an event that it has is that
// event, and one that it has not though the head was beyond is gone (retention). Only what was to come is not known.
import Domain
import Postgres

/// Where a page lies, in which log.
struct LogPageKey: Hashable, Sendable {
  let channel: String
  let epoch: String
  /// The page holds the offsets after this one, `length` of them.
  let after: Int64
  let length: Int

  /// The lengths that pages have: of small events many at once, of large ones a few.
  static let lengths = 4...256
  /// What a page should have at most, as far as its events' sizes can be foreseen.
  private static let wantedBytes = 256 * 1024

  /// The page with the event after `offset`.
  init(_ channel: String, epoch: String, after offset: Int64, length: Int) {
    self.channel = channel
    self.epoch = epoch
    self.length = length
    // An offset may be a client's invention.
    let offset = min(max(offset, 0), .max - Int64(2 * Self.lengths.upperBound))
    after = offset - offset % Int64(length)
  }

  /// The length of pages of events as large as these: a power of two, so that longer pages are made of shorter ones.
  static func length(forBytes bytes: Int, count: Int) -> Int {
    guard count > 0, bytes > 0 else { return 64 }
    var length = lengths.upperBound
    while length > lengths.lowerBound, length * (bytes / count) > wantedBytes { length /= 2 }
    return length
  }
}

struct LogPage: SharedValue {
  struct Entry: Sendable {
    let offset: Int64
    let message: SharedMessage
    /// The event itself when rights end or come back with it; nil for nearly every event.
    let accessEvent: LogEvent?

    init(_ event: LogEvent) {
      offset = event.offset
      message = SharedMessage(event.message, name: event.name, offset: event.offset)
      accessEvent = AccessChange(event) == nil ? nil : event
    }
  }

  /// What a page knows of the event after an offset.
  enum Next: Equatable {
    /// It stands at this index.
    case at(Int)
    /// The log does not have it any more.
    case gone
    /// The offset is the channel's head as it was then, or beyond it.
    case unknown
  }

  let entries: [Entry]
  /// The channel's head when the page was read.
  let head: Int64
  /// The head of access:log as of the same moment.
  let accessHead: Int64
  let byteCount: Int

  init(head: Int64, accessHead: Int64, entries: [Entry]) {
    self.head = head
    self.accessHead = accessHead
    self.entries = entries
    byteCount = entries.reduce(128) { $0 + $1.message.frame.count + 96 }
  }

  /// Rows of `FeedQueries.page`.
  init(_ rows: PostgresRows) {
    let first = rows[0]
    self.init(
      head: first.int64(0), accessHead: first.int64(1),
      entries: rows.lazy.filter { !$0.isNull(2) }.map { Entry(LogEvent($0, from: 2)) })
  }

  func next(after offset: Int64) -> Next {
    if offset >= head { return .unknown }
    // Offsets are consecutive unless somebody took events out.
    if let first = entries.first?.offset, offset + 1 >= first {
      let index = Int(offset + 1 - first)
      if index < entries.count, entries[index].offset == offset + 1 { return .at(index) }
    }
    return entries.firstIndex { $0.offset == offset + 1 }.map { .at($0) } ?? .gone
  }
}
