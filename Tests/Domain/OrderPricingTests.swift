// The sums of an order in both price modes; the first row is the example of domain.md §3.
import Domain
import Testing

/// The price rules of a restaurant in pounds.
func rules(
  vat: String = "0.2000", service: String = "0.1250", vatEnabled: Bool = true, serviceEnabled: Bool = true,
  pricesIncludeVAT: Bool = false, currency: Currency = .GBP
) throws -> PriceRules {
  PriceRules(
    currency: currency, vatRate: try Rate(vat), vatEnabled: vatEnabled, pricesIncludeVAT: pricesIncludeVAT,
    serviceRate: try Rate(service), serviceEnabled: serviceEnabled)
}

struct OrderPricingTests {
  struct Example: Sendable {
    let lines: [String]
    var discount = "0.00"
    var vatEnabled = true
    var serviceEnabled = true
    var pricesIncludeVAT = false
    /// subtotal, VAT, service, total
    let sums: [String]
  }

  @Test(arguments: [
    Example(lines: ["20.00"], sums: ["20.00", "4.00", "2.50", "26.50"]),
    Example(lines: ["12.50", "7.50"], sums: ["20.00", "4.00", "2.50", "26.50"]),
    Example(lines: ["20.00"], discount: "6.50", sums: ["20.00", "4.00", "2.50", "20.00"]),
    Example(lines: ["20.00"], discount: "26.50", sums: ["20.00", "4.00", "2.50", "0.00"]),
    Example(lines: ["20.00"], vatEnabled: false, sums: ["20.00", "0.00", "2.50", "22.50"]),
    Example(lines: ["20.00"], serviceEnabled: false, sums: ["20.00", "4.00", "0.00", "24.00"]),
    Example(lines: ["24.00"], pricesIncludeVAT: true, sums: ["20.00", "4.00", "2.50", "26.50"]),
    Example(lines: ["24.00"], vatEnabled: false, pricesIncludeVAT: true, sums: ["24.00", "0.00", "3.00", "27.00"]),
    // 9.99 ÷ 6 = 1.665: half-up.
    Example(
      lines: ["9.99"], serviceEnabled: false, pricesIncludeVAT: true, sums: ["8.32", "1.67", "0.00", "9.99"]),
    // Two lines of 0.02 would lose their VAT if each were rounded; the sum is rounded once.
    Example(lines: ["0.02", "0.02"], serviceEnabled: false, sums: ["0.04", "0.01", "0.00", "0.05"]),
    Example(lines: [], sums: ["0.00", "0.00", "0.00", "0.00"]),
  ])
  func `An order is priced as on paper`(example: Example) throws {
    let pricing = try OrderPricing(
      lineTotals: try example.lines.map { try Money($0, in: .GBP) }, discount: Money(example.discount, in: .GBP),
      rules: rules(
        vatEnabled: example.vatEnabled, serviceEnabled: example.serviceEnabled,
        pricesIncludeVAT: example.pricesIncludeVAT))
    let sums = [pricing.subtotal, pricing.vat, pricing.serviceCharge, pricing.total].map(\.description)
    #expect(sums == example.sums)
    #expect(pricing.discount.description == example.discount)
  }

  @Test func `In every mode the total is subtotal and VAT and service less discount`() throws {
    for minorUnits in stride(from: Int64(1), to: 3_000, by: 7) {
      for pricesIncludeVAT in [false, true] {
        let amount = Money(minorUnits: minorUnits, currency: .GBP)
        let pricing = try OrderPricing(lineTotals: [amount], rules: rules(pricesIncludeVAT: pricesIncludeVAT))
        #expect(try pricing.total == pricing.subtotal + pricing.vat + pricing.serviceCharge)
        #expect(try (pricesIncludeVAT ? pricing.subtotal + pricing.vat : pricing.subtotal) == amount)
      }
    }
  }

  @Test func `A currency without minor digits is rounded to its unit`() throws {
    let pricing = try OrderPricing(lineTotals: [Money("1003", in: .JPY)], rules: rules(vat: "0.1", currency: .JPY))
    #expect(pricing.vat.description == "100")
    #expect(pricing.serviceCharge.description == "125")
    #expect(pricing.total.description == "1228")
  }

  @Test(arguments: ["-0.01", "26.51"])
  func `A discount below zero or above the sum is refused`(discount: String) throws {
    let rules = try rules()
    #expect(throws: MoneyError.discountOutOfRange) {
      try OrderPricing(
        lineTotals: [Money("20.00", in: .GBP)], discount: Money(discount, in: .GBP), rules: rules)
    }
  }

  @Test func `Sums past the range and mixed currencies throw`() throws {
    let rules = try rules()
    let most = Money(minorUnits: .max, currency: .GBP)
    #expect(throws: MoneyError.overflow) { try OrderPricing(lineTotals: [most, most], rules: rules) }
    #expect(throws: MoneyError.overflow) { try OrderPricing(lineTotals: [most], rules: rules) }
    #expect(throws: MoneyError.currencyMismatch) {
      try OrderPricing(lineTotals: [Money("1", in: .EUR)], rules: rules)
    }
  }
}
