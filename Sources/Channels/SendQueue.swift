// The bytes that a socket did not take yet. It counts them, so that the owner can bound them: past the bound the
// connection's subscriptions lag and its commands are not read (wire §3).

package struct SendQueue {
  /// The oldest chunk. A queue that drains after each append, as most do, never makes a list.
  private var first: [UInt8] = []
  private var later: [[UInt8]] = []
  /// How much of the first chunk is gone.
  private var sent = 0
  /// Bytes waiting.
  package private(set) var count = 0
  /// Bytes ever taken, wrapping around: whoever looks twice sees whether the socket drains.
  package private(set) var taken: UInt32 = 0

  package init() {}

  package var isEmpty: Bool { count == 0 }

  package mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    if count == 0 { first = bytes } else { later.append(bytes) }
    count += bytes.count
  }

  /// Hands everything that waits to `write` in as few calls as possible, and goes on while all of it is taken. A lone
  /// chunk is handed over as it is; several are first laid side by side in `scratch`, at most `limit` bytes at a time.
  /// `write` answers how many bytes were taken, or nil when the socket is gone. Answers false when it is gone.
  package mutating func drain(
    scratch: inout [UInt8], limit: Int = 256 * 1024, _ write: (UnsafeRawBufferPointer) -> Int?
  ) -> Bool {
    while count > 0 {
      let offered: Int
      let taken: Int?
      if later.isEmpty || first.count - sent >= limit {
        offered = first.count - sent
        taken = first.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
      } else {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: first[sent...])
        for chunk in later {
          if scratch.count + chunk.count > limit { break }
          scratch.append(contentsOf: chunk)
        }
        offered = scratch.count
        taken = scratch.withUnsafeBytes { write($0) }
      }
      guard let taken else { return false }
      discard(taken)
      if taken < offered { return true }
    }
    return true
  }

  private mutating func discard(_ bytes: Int) {
    count -= bytes
    taken &+= UInt32(truncatingIfNeeded: bytes)
    sent += bytes
    guard sent >= first.count else { return }
    sent -= first.count
    var gone = 0
    while gone < later.count, sent >= later[gone].count {
      sent -= later[gone].count
      gone += 1
    }
    first = gone < later.count ? later[gone] : []
    if gone + 1 < later.count { later.removeFirst(gone + 1) } else if !later.isEmpty { later = [] }
  }
}
