// The one owner of a z_stream. zlib keeps a pointer back to it, so it lives at a fixed place on the heap; it is ended
// and freed with its owner. All pointers of this module are in this file.
import CZlib

/// A deflating or inflating z_stream.
struct Stream: ~Copyable {
  enum Direction { case deflate, inflate }

  /// What one call of zlib said.
  enum Step: Equatable {
    /// Output space ran out: call again.
    case more
    /// The input is used up (and flushed, when deflating).
    case drained
    /// The compressed stream has its end here.
    case ended
    case corrupt
    case outOfMemory
  }

  private let pointer: UnsafeMutablePointer<z_stream>
  private let direction: Direction

  /// `windowBits` as zlib has them: negative for raw streams, plus 16 for gzip.
  init(_ direction: Direction, windowBits: Int, level: Int = 6, memoryLevel: Int = 8) throws(CompressionError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status =
      switch direction {
      case .deflate: hub_deflate_init(stream, Int32(level), Int32(windowBits), Int32(memoryLevel))
      case .inflate: hub_inflate_init(stream, Int32(windowBits))
      }
    guard status == Z_OK else {
      stream.deallocate()
      throw status == Z_MEM_ERROR ? .outOfMemory : .invalidSetting
    }
    pointer = stream
    self.direction = direction
  }

  deinit {
    switch direction {
    case .deflate: deflateEnd(pointer)
    case .inflate: inflateEnd(pointer)
    }
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }

  /// Forgets all that went before.
  mutating func reset() {
    switch direction {
    case .deflate: deflateReset(pointer)
    case .inflate: inflateReset(pointer)
    }
  }

  /// Runs the whole input through, appending to `output`; returns how much of the input was used and the last step.
  mutating func run(
    _ input: borrowing RawSpan, finishing: Bool, into output: inout [UInt8], limit: Int
  ) throws(CompressionError) -> (used: Int, step: Step) {
    let (used, step) = input.withUnsafeBytes { input in
      // zlib reads only, but its type says otherwise; it counts in 32 bits, so a larger input goes in by parts.
      let base = input.baseAddress.map { UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self) }
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16_384) { chunk in
        var used = 0
        while true {
          let part = min(input.count - used, 1 << 30)
          pointer.pointee.next_in = base.map { $0 + used }
          pointer.pointee.avail_in = UInt32(part)
          pointer.pointee.next_out = chunk.baseAddress
          pointer.pointee.avail_out = UInt32(chunk.count)
          let step = advance(isLastPart: used + part == input.count, finishing: finishing)
          used += part - Int(pointer.pointee.avail_in)
          let written = chunk.count - Int(pointer.pointee.avail_out)
          guard written <= limit - output.count else { return (used, Step?.none) }
          output.append(contentsOf: chunk[..<written])
          let partIsUsed = pointer.pointee.avail_in == 0
          if step == .drained, !partIsUsed || used < input.count { continue }
          if step != .more { return (used, step) }
        }
      }
    }
    guard let step else { throw .tooLarge }
    return (used, step)
  }

  /// After an end inside a message (RFC 7692 §7.2.3.4): reads on, with the window kept.
  mutating func continueAfterEnd() {
    inflateResetKeep(pointer)
  }

  /// Whether an inflating stream stands between two blocks: zlib's `data_type` has bit 7 set there.
  var isBetweenBlocks: Bool { pointer.pointee.data_type & 128 != 0 }

  private func advance(isLastPart: Bool, finishing: Bool) -> Step {
    let flush = !isLastPart ? Z_NO_FLUSH : finishing ? Z_FINISH : Z_SYNC_FLUSH
    let status = direction == .deflate ? deflate(pointer, flush) : inflate(pointer, Z_SYNC_FLUSH)
    switch status {
    case Z_STREAM_END: return .ended
    case Z_OK: return pointer.pointee.avail_out == 0 ? .more : .drained
    // No progress was possible: all input is used, and nothing is waiting to go out.
    case Z_BUF_ERROR: return .drained
    case Z_MEM_ERROR: return .outOfMemory
    default: return .corrupt
    }
  }
}
