// Exact money: minor units in an Int64 with their currency. No floating point anywhere; sums and products that leave
// the range throw instead of trapping, since quantities and prices come from people. Rounding is half-up on the
// magnitude (away from zero), so that a refund mirrors its charge, and happens once, at the end of a formula.

/// Why an amount cannot be read or computed.
package enum MoneyError: Error, Hashable, Sendable {
  /// Not a plain decimal number: `-?(0|[1-9][0-9]*)(\.[0-9]+)?`.
  case malformed
  /// More decimal digits than the currency's minor unit has (or than a rate's four).
  case tooPrecise
  /// Outside the range of 64 bits (of a rate: above 9.9999).
  case overflow
  case currencyMismatch
  /// A discount below zero or above what it is taken from.
  case discountOutOfRange
}

/// An amount of one currency.
package struct Money: Hashable, Sendable, CustomStringConvertible {
  package let minorUnits: Int64
  package let currency: Currency

  package init(minorUnits: Int64, currency: Currency) {
    self.minorUnits = minorUnits
    self.currency = currency
  }

  package static func zero(_ currency: Currency) -> Money {
    Money(minorUnits: 0, currency: currency)
  }

  /// Reads a decimal string such as `26.50`; fewer digits than the currency's are filled up, more are refused.
  package init(_ text: some StringProtocol, in currency: Currency) throws(MoneyError) {
    self.init(minorUnits: try parseDecimal(text, digits: currency.minorDigits), currency: currency)
  }

  /// The decimal string with exactly the currency's digits.
  package var description: String {
    formatDecimal(minorUnits, digits: currency.minorDigits)
  }

  package var isNegative: Bool { minorUnits < 0 }

  package static func + (left: Money, right: Money) throws(MoneyError) -> Money {
    try left.combined(with: right) { $0.addingReportingOverflow($1) }
  }

  package static func - (left: Money, right: Money) throws(MoneyError) -> Money {
    try left.combined(with: right) { $0.subtractingReportingOverflow($1) }
  }

  package static func * (amount: Money, quantity: Int) throws(MoneyError) -> Money {
    let (product, overflow) = amount.minorUnits.multipliedReportingOverflow(by: Int64(quantity))
    guard !overflow else { throw .overflow }
    return Money(minorUnits: product, currency: amount.currency)
  }

  /// Rounded half-up to the minor unit.
  package static func * (amount: Money, rate: Rate) throws(MoneyError) -> Money {
    try amount.scaled(by: rate.tenThousandths, over: Rate.one.tenThousandths)
  }

  /// amount × numerator ÷ denominator, rounded half-up once; the denominator is above zero.
  func scaled(by numerator: Int, over denominator: Int) throws(MoneyError) -> Money {
    let product = Int128(minorUnits) * Int128(numerator)
    let magnitude = (product.magnitude * 2 + UInt128(denominator)) / (UInt128(denominator) * 2)
    guard let result = Int64(exactly: product < 0 ? -Int128(magnitude) : Int128(magnitude)) else { throw .overflow }
    return Money(minorUnits: result, currency: currency)
  }

  private func combined(
    with other: Money, _ operation: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
  ) throws(MoneyError) -> Money {
    guard currency == other.currency else { throw .currencyMismatch }
    let (result, overflow) = operation(minorUnits, other.minorUnits)
    guard !overflow else { throw .overflow }
    return Money(minorUnits: result, currency: currency)
  }
}
