// Pages of the log: where they begin, how long they are, and what one knows of the event after an offset.
import Testing

@testable import Hub

@Suite struct LogPageTests {
  @Test(
    arguments: [
      (0, 64, 0), (1, 64, 0), (63, 64, 0), (64, 64, 64), (65, 64, 64), (1000, 256, 768), (1000, 4, 1000), (-5, 64, 0),
    ] as [(Int64, Int, Int64)])
  func aPageBeginsAtAMultipleOfItsLength(_ offset: Int64, _ length: Int, _ after: Int64) {
    let key = LogPageKey("kitchen:1", epoch: "e", after: offset, length: length)
    #expect(key.after == after)
  }

  @Test func anOffsetThatAClientInventedHasAPageToo() {
    for length in [4, 64, 256] {
      let key = LogPageKey("kitchen:1", epoch: "e", after: .max, length: length)
      #expect(key.after % Int64(length) == 0)
      #expect(!key.after.addingReportingOverflow(Int64(length)).overflow)
    }
  }

  @Test(arguments: [(0, 0, 64), (64 * 300, 64, 256), (10 * 1500, 10, 128), (8 * 60_000, 8, 4), (9_000_000, 1, 4)])
  func largeEventsMakeShortPages(_ bytes: Int, _ count: Int, _ length: Int) {
    #expect(LogPageKey.length(forBytes: bytes, count: count) == length)
  }

  private func page(_ offsets: [Int64], head: Int64) -> LogPage {
    LogPage(
      head: head, accessHead: 0,
      entries: offsets.map {
        LogPage.Entry(LogEvent(channel: "kitchen:1", offset: $0, id: "", name: "n", at: "", data: Array("{}".utf8)))
      })
  }

  @Test func aPageKnowsWhatItHasAndWhatIsGoneAndNotWhatIsToCome() {
    // Of 65…128 the first are past retention, one was taken out, and the head was 100.
    let page = page(Array(70...79) + Array(81...100), head: 100)
    for offset in Int64(64)...110 {
      let expected: LogPage.Next =
        switch offset {
        case 69...78: .at(Int(offset - 69))
        case 80...99: .at(Int(offset - 70))
        case 100...: .unknown
        default: .gone
        }
      #expect(page.next(after: offset) == expected, "after \(offset)")
    }
    #expect(self.page([], head: 0).next(after: 0) == .unknown)
    #expect(self.page([], head: 3).next(after: 0) == .gone)
  }
}
