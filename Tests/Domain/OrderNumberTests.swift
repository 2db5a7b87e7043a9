// Order numbers and the days they are counted by.
import Domain
import Testing

struct OrderNumberTests {
  @Test(arguments: [
    (2026, 11, 20, 1, "ORD-20261120-0001"), (2026, 1, 2, 9999, "ORD-20260102-9999"),
    (2026, 1, 2, 10_000, "ORD-20260102-10000"), (999, 1, 2, 42, "ORD-09990102-0042"),
  ])
  func `A number is the day and a counter of four digits or more`(
    year: Int, month: Int, day: Int, counter: Int, text: String
  ) throws {
    let date = try #require(LocalDate(year: year, month: month, day: day))
    let number = try #require(OrderNumber(date: date, counter: counter))
    #expect(number.description == text)
    #expect(OrderNumber(text) == number)
  }

  @Test(arguments: [
    "", "ORD-20261120-001", "ORD-20261120-0000", "ord-20261120-0001", "ORD-20261320-0001", "ORD-20260230-0001",
    "ORD-20261120-00001", "ORD-2026112-0001", "ORD-20261120-0001-1", "ORD-20261120--001",
    "ORD-20261120-99999999999999999999",
  ])
  func `Anything else is not an order number`(text: String) {
    #expect(OrderNumber(text) == nil)
  }

  @Test func `There is no order before the first`() throws {
    let date = try #require(LocalDate("2026-11-20"))
    #expect(OrderNumber(date: date, counter: 0) == nil)
  }

  @Test(arguments: [
    ("2026-02-28", true), ("2026-02-29", false), ("2024-02-29", true), ("1900-02-29", false), ("2000-02-29", true),
    ("2026-04-31", false), ("2026-12-31", true), ("2026-00-10", false), ("2026-1-1", false), ("0000-01-01", false),
    ("2026-01-00", false), ("+026-01-01", false), ("2026/01/01", false),
  ])
  func `A date is a day that the calendar has`(text: String, exists: Bool) {
    #expect((LocalDate(text) != nil) == exists)
    if exists { #expect(LocalDate(text)?.description == text) }
  }

  @Test func `Dates are ordered`() throws {
    let days = try ["2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"].map { try #require(LocalDate($0)) }
    #expect(days.shuffled().sorted() == days)
  }
}
