// A rate such as a tax or a service charge: a whole number of ten-thousandths, so 12.5 % is exactly 0.1250.

/// A factor from 0 to 9.9999 in steps of 1/10,000.
package struct Rate: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let tenThousandths: Int

  package static let zero = Rate(unchecked: 0)
  package static let one = Rate(unchecked: 10_000)
  static let maximum = 99_999

  /// Nil outside 0…99,999.
  package init?(tenThousandths: Int) {
    guard 0...Rate.maximum ~= tenThousandths else { return nil }
    self.init(unchecked: tenThousandths)
  }

  private init(unchecked tenThousandths: Int) {
    self.tenThousandths = tenThousandths
  }

  /// Reads a decimal string such as `0.2000` or `0.125`.
  package init(_ text: some StringProtocol) throws(MoneyError) {
    let parsed = try parseDecimal(text, digits: 4)
    guard parsed >= 0 else { throw .malformed }
    guard let rate = Rate(tenThousandths: Int(parsed)) else { throw .overflow }
    self = rate
  }

  /// Always four decimal digits: `0.2000`.
  package var description: String {
    formatDecimal(Int64(tenThousandths), digits: 4)
  }

  package static func < (left: Rate, right: Rate) -> Bool {
    left.tenThousandths < right.tenThousandths
  }
}
