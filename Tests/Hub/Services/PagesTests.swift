// Cursors and moments, as they come back from clients.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct PagesTests {
  private static let id = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

  @Test(arguments: ["2026-11-20T20:43:00.123456Z", ""])
  func `A cursor comes back as the key that it was made of`(instant: String) throws {
    let key = PageKey(instant: instant, id: Self.id)
    #expect(PageKey(cursor: key.cursor) == key)
  }

  @Test(arguments: ["", "zzz", "_", "Zm9v", "Zm9vL2Jhcg", "é"])
  func `What is no cursor is refused`(text: String) {
    #expect(PageKey(cursor: text) == nil)
  }

  @Test(arguments: [("", 50), ("limit=1", 1), ("limit=100", 100), ("limit=1000", 100)])
  func `A limit is at most a hundred`(query: String, limit: Int) throws {
    let page = try Page(try #require(QueryParameters(query)))
    #expect(page.limit == limit)
  }

  @Test(arguments: [
    ("2026-11-20", true), ("2026-11-20T20:43:00Z", true), ("2026-11-20T20:43:00.123456+01:00", true), ("now", false),
    ("infinity", false), ("2026-11-20 20:43:00", false), ("2026-11-20T20:43:00", false), ("2026-13-20", false),
    ("2026-11-20T20:43:00Z'; --", false), ("", false), ("epoch", false),
  ])
  func `Only RFC 3339 goes to the database as a moment`(text: String, isAccepted: Bool) {
    #expect(isInstant(text) == isAccepted)
  }
}
