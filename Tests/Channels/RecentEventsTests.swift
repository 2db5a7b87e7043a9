// The newest events of a channel: consecutive, bounded, and never asked for what is not there.
import Channels
import Testing

extension RecentEvents<[UInt8]> {
  fileprivate mutating func append(_ frame: [UInt8], offset: Int64) {
    append(frame, byteCount: frame.count, offset: offset)
  }
}

@Suite struct RecentEventsTests {
  /// A frame that says which event it is, of `count` bytes.
  private func frame(_ offset: Int64, count: Int = 4) -> [UInt8] {
    [UInt8(truncatingIfNeeded: offset)] + [UInt8](repeating: 0, count: count - 1)
  }

  private func recent(_ offsets: ClosedRange<Int64>, maximumBytes: Int = 1000, maximumCount: Int = 100) -> RecentEvents<
    [UInt8]
  > {
    var recent = RecentEvents<[UInt8]>(maximumBytes: maximumBytes, maximumCount: maximumCount)
    for offset in offsets { recent.append(frame(offset), offset: offset) }
    return recent
  }

  @Test func nothingIsCoveredWhileThereIsNothing() {
    let recent = RecentEvents<[UInt8]>()
    #expect(recent.count == 0)
    for offset: Int64 in [0, 1, .max] {
      #expect(!recent.covers(after: offset))
      #expect(recent.frames(after: offset, limit: 100) == nil)
    }
  }

  @Test(arguments: [
    (0, false), (3, false), (4, true), (5, true), (9, true), (10, false), (Int64.max - 1, false), (Int64.max, false),
  ])
  func whatIsCoveredIsWhatFollowsAKeptEventOrTheOneBefore(_ offset: Int64, _ isCovered: Bool) {
    let recent = recent(5...9)
    #expect(recent.covers(after: offset) == isCovered)
    #expect((recent.frames(after: offset, limit: 1000) != nil) == isCovered)
  }

  @Test func framesComeInOrderFromTheOneAfter() throws {
    let (frames, last) = try #require(recent(5...9).frames(after: 6, limit: 1000))
    #expect(frames.map { $0[0] } == [7, 8, 9])
    #expect(last == 9)
  }

  @Test(arguments: [(0, 1), (3, 1), (4, 1), (7, 1), (8, 2), (11, 2), (100, 5)])
  func aLimitOfBytesIsKeptButOneFrameAlwaysComes(_ limit: Int, _ count: Int) throws {
    let (frames, last) = try #require(recent(5...9).frames(after: 4, limit: limit))
    #expect(frames.count == count)
    #expect(last == 4 + Int64(count))
  }

  @Test func afterTheNewestThereIsNothing() throws {
    let (frames, last) = try #require(recent(5...9).frames(after: 9, limit: 1000))
    #expect(frames.isEmpty && last == 9)
  }

  @Test func aHoleEmptiesWhatWasKept() {
    var recent = recent(5...9)
    recent.append(frame(11), offset: 11)
    #expect(recent.count == 1 && recent.first == 11 && recent.last == 11)
    #expect(!recent.covers(after: 9) && recent.covers(after: 10))
  }

  @Test func bytesAreBoundedButTheNewestIsAlwaysKept() {
    var recent = recent(1...50, maximumBytes: 20)
    #expect(recent.count == 5 && recent.first == 46 && recent.last == 50)
    recent.append(frame(51, count: 500), offset: 51)
    #expect(recent.count == 1 && recent.first == 51)
    recent.append(frame(52), offset: 52)
    #expect(recent.count == 1 && recent.first == 52)
  }

  @Test func theCountIsBounded() {
    let recent = recent(1...1000, maximumBytes: 1_000_000, maximumCount: 7)
    #expect(recent.count == 7 && recent.first == 994 && recent.last == 1000)
  }

  @Test func whatIsKeptIsRightHoweverLongItRuns() throws {
    var recent = RecentEvents<[UInt8]>(maximumBytes: 10_000, maximumCount: 10)
    for offset: Int64 in 1...1000 {
      recent.append(frame(offset), offset: offset)
      let oldest = max(1, offset - 9)
      #expect(recent.first == oldest)
      let (frames, last) = try #require(recent.frames(after: oldest - 1, limit: 10_000))
      #expect(frames.map { $0[0] } == (oldest...offset).map { UInt8(truncatingIfNeeded: $0) } && last == offset)
      #expect(recent.frames(after: oldest - 2, limit: 10_000) == nil)
    }
  }

  @Test func emptiedItStartsAnywhere() {
    var recent = recent(5...9)
    recent.removeAll()
    #expect(recent.count == 0 && !recent.covers(after: 9))
    recent.append(frame(2), offset: 2)
    #expect(recent.count == 1 && recent.first == 2 && recent.covers(after: 1))
  }
}
