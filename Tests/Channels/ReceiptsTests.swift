// Receipts that wait to be stored: wire.md §2 `seen`, cumulative, a bounded number of readers.
import Testing

@testable import Channels

@Suite struct ReceiptsTests {
  @Test func `A level includes those before it`() {
    #expect(ReceiptOffsets(received: 3, shown: 5) == ReceiptOffsets(received: 5, shown: 5))
    #expect(ReceiptOffsets(received: 1, accepted: 7) == ReceiptOffsets(received: 7, shown: 7, accepted: 7))
  }

  @Test func `The greatest offset of each level is what a reader has said`() {
    var receipts = Receipts<String>(capacity: 4)
    for offsets in [
      ReceiptOffsets(received: 9), ReceiptOffsets(received: 4, shown: 4), ReceiptOffsets(received: 6),
      ReceiptOffsets(received: 2, shown: 2, accepted: 2), ReceiptOffsets(received: 3, shown: 3),
    ] {
      let isNoted = receipts.note(offsets, by: "tablet")
      #expect(isNoted)
    }
    #expect(receipts.count == 1)
    let taken = receipts.take(atMost: 10)
    #expect(taken.map(\.offsets) == [ReceiptOffsets(received: 9, shown: 4, accepted: 2)])
    #expect(receipts.isEmpty)
  }

  @Test func `A reader too many is refused, one that is known is not`() {
    var receipts = Receipts<Int>(capacity: 2)
    let noted = [1, 2, 3, 2].map { receipts.note(ReceiptOffsets(received: 1), by: $0) }
    #expect(noted == [true, true, false, true])
    #expect(receipts.count == 2)
  }

  @Test func `They are taken in portions, each once`() {
    var receipts = Receipts<Int>(capacity: 10)
    for reader in 0..<7 { _ = receipts.note(ReceiptOffsets(received: Int64(reader + 1)), by: reader) }
    var readers: [Int] = []
    while !receipts.isEmpty { readers += receipts.take(atMost: 3).map(\.reader) }
    #expect(readers.sorted() == Array(0..<7))
  }

  @Test func `What could not be stored is put back under what has come since`() {
    var receipts = Receipts<Int>(capacity: 10)
    _ = receipts.note(ReceiptOffsets(received: 5, shown: 5), by: 1)
    let lost = receipts.take(atMost: 10)
    _ = receipts.note(ReceiptOffsets(received: 7), by: 1)
    receipts.putBack(lost)
    let taken = receipts.take(atMost: 10)
    #expect(taken.map(\.offsets) == [ReceiptOffsets(received: 7, shown: 5)])
  }
}
