// Finds the end of a head, or of a trailer section, in bytes that come in pieces of any size: up to and with the
// first empty line. Takes no byte beyond it.

struct HTTPHeadCollector: Sendable {
  private var kept: [UInt8] = []
  /// How far the kept bytes are known to hold no end, so that a head fed byte by byte costs linear time.
  private var searched = 0

  var isEmpty: Bool { kept.isEmpty }
  var keptBytes: Int { kept.count }

  /// The bytes kept so far, for a judgement on a head that is not complete.
  var bytes: [UInt8] { kept }

  /// Takes from `bytes`. When the end is there, returns the whole head with its empty line; of one that is longer than
  /// `limit`, only so much that this can be seen.
  mutating func collect(from bytes: inout RawSpan, limit: Int) -> [UInt8]? {
    if kept.isEmpty {
      let end = bytes.withUnsafeBytes { Self.end(in: $0, from: 0) }
      if let end {
        let head = bytes.extracting(first: min(end, limit + 1)).withUnsafeBytes { Array($0) }
        bytes = bytes.extracting(droppingFirst: end)
        return head
      }
    }
    // One byte past the limit is enough to know that it is passed.
    let room = max(0, limit + 1 - kept.count)
    let before = kept.count
    bytes.extracting(first: room).withUnsafeBytes { kept.append(contentsOf: $0) }
    let end = kept.withUnsafeBytes { Self.end(in: $0, from: max(0, searched - 2)) }
    guard let end else {
      searched = kept.count
      bytes = bytes.extracting(droppingFirst: room)
      return nil
    }
    bytes = bytes.extracting(droppingFirst: end - before)
    let head = kept.count == end ? kept : Array(kept[..<end])
    kept = []
    searched = 0
    return head
  }

  /// The offset behind the first empty line. Bare LF counts as a line's end here, for the line parser to refuse.
  private static func end(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var offset = start
    while offset < bytes.count {
      if bytes[offset] == 0x0A {
        if offset == 0 { return 1 }
        if bytes[offset - 1] == 0x0A { return offset + 1 }
        if bytes[offset - 1] == 0x0D, offset == 1 || bytes[offset - 2] == 0x0A { return offset + 1 }
      }
      offset += 1
    }
    return nil
  }
}
