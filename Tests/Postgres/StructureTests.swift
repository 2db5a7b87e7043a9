import Testing

@testable import Postgres

@Suite("The statement cache")
struct StatementCacheTests {
  @Test("lets only the batch that prepares a statement use it before it is confirmed")
  func confirmation() {
    var cache = StatementCache(limit: 4)
    #expect(cache.plan("a", batch: 1) == .prepare("s1"))
    #expect(cache.plan("a", batch: 1) == .usePrepared("s1"))
    #expect(cache.plan("a", batch: 2) == .sendWhole)
    cache.confirmed("a")
    #expect(cache.plan("a", batch: 3) == .usePrepared("s1"))
  }

  @Test("never gives a name twice")
  func names() {
    var cache = StatementCache(limit: 4)
    #expect(cache.plan("a", batch: 1) == .prepare("s1"))
    cache.forget("a")
    #expect(cache.plan("a", batch: 2) == .prepare("s2"))
    cache.removeAll()
    #expect(cache.plan("a", batch: 3) == .prepare("s3"))
    // A late answer to what was forgotten changes nothing.
    cache.forget("a")
    cache.confirmed("a")
    #expect(cache.plan("a", batch: 4) == .prepare("s4"))
  }

  @Test("sends whole what it has no room for")
  func limit() {
    var cache = StatementCache(limit: 2)
    #expect(cache.plan("a", batch: 1) == .prepare("s1") && cache.plan("b", batch: 1) == .prepare("s2"))
    #expect(cache.isFull && cache.plan("c", batch: 1) == .sendWhole)
  }
}

@Suite("The queue")
struct FifoTests {
  @Test("keeps order while it grows and shrinks")
  func order() {
    var queue = Fifo<Int>()
    var next = 0
    var expected = 0
    for round in 0..<200 {
      for _ in 0..<(round % 7 + 1) {
        queue.append(next)
        next += 1
      }
      for _ in 0..<(round % 5) {
        let first = queue.first
        #expect(first == expected && queue.popFirst() == expected)
        expected += 1
      }
      #expect(queue.count == next - expected)
    }
    var seen: [Int] = []
    queue.forEach { seen.append($0) }
    #expect(seen == Array(expected..<next) && queue.removeAll() == seen)
    #expect(queue.isEmpty && queue.popFirst() == nil && queue.first == nil)
  }
}
