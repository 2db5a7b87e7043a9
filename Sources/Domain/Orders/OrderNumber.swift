// The number that guests and cooks call out: ORD-YYYYMMDD-NNNN, counted by restaurant and local day. Four digits are
// the least; the ten-thousandth order of a day simply has five.

/// An order's number within its restaurant.
package struct OrderNumber: Hashable, Sendable, CustomStringConvertible {
  package let date: LocalDate
  /// From 1.
  package let counter: Int

  /// Nil for a counter below 1.
  package init?(date: LocalDate, counter: Int) {
    guard counter >= 1 else { return nil }
    self.date = date
    self.counter = counter
  }

  /// Parses exactly what `description` prints.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "ORD", parts[1].utf8.count == 8, parts[2].utf8.count >= 4,
      let day = decimalNumber(parts[1]), let counter = decimalNumber(parts[2]),
      let date = LocalDate(year: day / 10_000, month: day / 100 % 100, day: day % 100)
    else { return nil }
    self.init(date: date, counter: counter)
    guard description == text else { return nil }
  }

  package var description: String {
    "ORD-\(padded(date.year, to: 4))\(padded(date.month, to: 2))\(padded(date.day, to: 2))-\(padded(counter, to: 4))"
  }
}
