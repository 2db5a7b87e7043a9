// Amounts and rates (domain.md §1): exact, with one grammar, the same again when written, and what Foundation's Decimal
// makes of the text.
import Domain
import Foundation

extension FuzzTarget {
  static let decimals = FuzzTarget("decimals") { input in
    guard let text = String(validating: input, as: UTF8.self) else { return }
    for currency in [Currency.GBP, .JPY, .KWD] {
      guard let money = try? Money(text, in: currency) else { continue }
      try requireEqual(try Money(money.description, in: currency), money, "an amount written and read again")
      let theirs = Decimal(string: text).map { $0 * pow(10, currency.minorDigits) }
      try requireEqual(Decimal(money.minorUnits), theirs, "an amount in minor units")
      _ = try? money * 3
      _ = try? money + money
    }
    if let rate = try? Rate(text) {
      try require(0...99_999 ~= rate.tenThousandths, "a rate out of its bounds")
      try requireEqual(try Rate(rate.description), rate, "a rate written and read again")
    }
  }
}
