// The sums of an order, domain.md §3: total = subtotal + VAT + service − discount in both price modes. With prices that
// include VAT, VAT is taken out of them, so the subtotal is what is left (24.00 → 20.00 + 4.00); the service charge is
// always a rate of the subtotal that is shown, so that a guest can check the bill by hand. Each formula rounds once.

/// The sums that stand on an order.
package struct OrderPricing: Hashable, Sendable {
  /// Σ line totals, without VAT.
  package let subtotal: Money
  package let vat: Money
  package let serviceCharge: Money
  package let discount: Money
  package let total: Money

  /// Prices the lines; the discount, zero when left out, is at most the sum it is taken from.
  package init(lineTotals: [Money], discount: Money? = nil, rules: PriceRules) throws(MoneyError) {
    var sum = Money.zero(rules.currency)
    for lineTotal in lineTotals { sum = try sum + lineTotal }
    let rate = rules.effectiveVATRate
    if rules.pricesIncludeVAT {
      vat = try sum.scaled(by: rate.tenThousandths, over: Rate.one.tenThousandths + rate.tenThousandths)
      subtotal = try sum - vat
    } else {
      vat = try sum * rate
      subtotal = sum
    }
    serviceCharge = try subtotal * rules.effectiveServiceRate
    self.discount = discount ?? .zero(rules.currency)
    let owed = try subtotal + vat + serviceCharge
    total = try owed - self.discount
    guard !self.discount.isNegative, !total.isNegative else { throw .discountOutOfRange }
  }
}
