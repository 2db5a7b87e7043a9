// The newest encoded events of a channel, so that whoever joins or falls behind a little is served from memory.
// Bounded by bytes and count; offsets in it are consecutive. What an encoded event is, is the owner's business.

package struct RecentEvents<Frame> {
  private struct Kept {
    let frame: Frame
    let byteCount: Int
  }

  private var frames: [Kept?] = []
  /// Where the oldest kept frame stands in `frames`; what is before it is dropped now and then, not each time.
  private var start = 0
  private var bytes = 0
  private let maximumBytes: Int
  private let maximumCount: Int
  /// The offset of the newest kept event; 0 when there is none.
  package private(set) var last: Int64 = 0

  package init(maximumBytes: Int = 256 * 1024, maximumCount: Int = 512) {
    self.maximumBytes = maximumBytes
    self.maximumCount = maximumCount
  }

  package var count: Int { frames.count - start }

  /// The offset of the oldest kept event; meaningless when `count` is 0.
  package var first: Int64 { last - Int64(count) + 1 }

  /// Adds the encoded event with the offset `offset`; a hole before it empties what was kept.
  package mutating func append(_ frame: Frame, byteCount: Int, offset: Int64) {
    if count > 0 && offset != last + 1 { removeAll() }
    frames.append(Kept(frame: frame, byteCount: byteCount))
    bytes += byteCount
    last = offset
    while count > 1 && (bytes > maximumBytes || count > maximumCount) {
      bytes -= frames[start]?.byteCount ?? 0
      frames[start] = nil
      start += 1
    }
    if start > 64 && start * 2 > frames.count {
      frames.removeFirst(start)
      start = 0
    }
  }

  package mutating func removeAll() {
    frames = []
    start = 0
    bytes = 0
  }

  /// Whether every event after `offset` up to the newest is kept.
  package func covers(after offset: Int64) -> Bool { count > 0 && offset >= first - 1 && offset <= last }

  /// The kept frames after `offset`, oldest first, at most about `limit` bytes but at least one; nil when one is missing.
  package func frames(after offset: Int64, limit: Int) -> (frames: [Frame], last: Int64)? {
    guard covers(after: offset) else { return nil }
    let from = start + Int(offset + 1 - first)
    var to = from
    var size = 0
    while to < frames.count, let next = frames[to], size == 0 || size + next.byteCount <= limit {
      size += next.byteCount
      to += 1
    }
    return (frames[from..<to].compactMap { $0?.frame }, offset + Int64(to - from))
  }
}
