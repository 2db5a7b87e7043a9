// Exact decimal strings, checked sums, half-up rounding.
import Domain
import Testing

struct MoneyTests {
  @Test(arguments: [
    ("26.50", Currency.GBP, 2650 as Int64), ("0.00", .EUR, 0), ("0.05", .USD, 5), ("-0.05", .GBP, -5),
    ("1200", .JPY, 1200), ("1.234", .KWD, 1234), ("92233720368547758.07", .GBP, .max),
    ("-92233720368547758.08", .GBP, .min),
  ])
  func `A decimal string is read and printed exactly`(text: String, currency: Currency, minorUnits: Int64) throws {
    let money = try Money(text, in: currency)
    #expect(money.minorUnits == minorUnits)
    #expect(money.description == text)
  }

  @Test(arguments: [("20", Currency.GBP, "20.00"), ("20.5", .GBP, "20.50"), ("-0.00", .GBP, "0.00")])
  func `Fewer digits are filled up`(text: String, currency: Currency, printed: String) throws {
    #expect(try Money(text, in: currency).description == printed)
  }

  @Test(arguments: [
    ("", Currency.GBP, MoneyError.malformed), (".50", .GBP, .malformed), ("5.", .GBP, .malformed),
    ("+5.00", .GBP, .malformed), ("1e2", .GBP, .malformed), ("1,000.00", .GBP, .malformed), ("-", .GBP, .malformed),
    ("--1", .GBP, .malformed), ("007.00", .GBP, .malformed), (" 1.00", .GBP, .malformed), ("1.0.0", .GBP, .malformed),
    ("٣.٠٠", .GBP, .malformed), ("NaN", .GBP, .malformed), ("1.005", .GBP, .tooPrecise), ("1.0", .JPY, .tooPrecise),
    ("92233720368547758.08", .GBP, .overflow), ("99999999999999999999999999", .JPY, .overflow),
  ])
  func `Anything else is refused with its reason`(text: String, currency: Currency, error: MoneyError) {
    #expect(throws: error) { try Money(text, in: currency) }
  }

  @Test func `Sums and products are checked`() throws {
    let five = try Money("5.00", in: .GBP)
    let most = Money(minorUnits: .max, currency: .GBP)
    let least = Money(minorUnits: .min, currency: .GBP)
    #expect(try (five + five).description == "10.00")
    #expect(try (five - five * 3).description == "-10.00")
    #expect(throws: MoneyError.overflow) { try most + five }
    #expect(throws: MoneyError.overflow) { try least - five }
    #expect(throws: MoneyError.overflow) { try most * 2 }
    #expect(throws: MoneyError.overflow) { try most * Rate("1.0001") }
    #expect(throws: MoneyError.currencyMismatch) { try five + Money("5.00", in: .EUR) }
  }

  @Test(arguments: [
    ("20.00", "0.1250", "2.50"), ("0.04", "0.1250", "0.01"), ("0.03", "0.1250", "0.00"), ("0.12", "0.1250", "0.02"),
    ("-0.04", "0.1250", "-0.01"), ("10.00", "0.0000", "0.00"), ("10.00", "1.0000", "10.00"),
    ("92233720368547758.07", "1.0000", "92233720368547758.07"), ("1.00", "0.0049", "0.00"), ("1.00", "0.0050", "0.01"),
  ])
  func `A rate of an amount is rounded half-up, away from zero`(amount: String, rate: String, result: String) throws {
    #expect(try (Money(amount, in: .GBP) * Rate(rate)).description == result)
  }

  @Test(arguments: [("0.2000", 2000), ("0.125", 1250), ("0", 0), ("1", 10_000), ("9.9999", 99_999)])
  func `A rate is read in ten-thousandths`(text: String, tenThousandths: Int) throws {
    let rate = try Rate(text)
    #expect(rate.tenThousandths == tenThousandths)
    #expect(try Rate(rate.description) == rate)
  }

  @Test(arguments: [
    ("-0.2", MoneyError.malformed), ("0.12345", .tooPrecise), ("10", .overflow), ("20%", .malformed),
  ])
  func `A rate out of range or form is refused`(text: String, error: MoneyError) {
    #expect(throws: error) { try Rate(text) }
  }

  @Test func `A rate prints four digits`() throws {
    #expect(try Rate("0.2").description == "0.2000")
  }

  @Test(arguments: [(Currency.GBP, 2), (.EUR, 2), (.USD, 2), (.JPY, 0), (.KRW, 0), (.KWD, 3), (.TRY, 2)])
  func `ISO 4217, a currency has its minor digits`(currency: Currency, digits: Int) {
    #expect(currency.minorDigits == digits)
    #expect(Currency(code: currency.code) == currency)
  }

  @Test(arguments: ["gbp", "XXX", "", "GBPP"])
  func `A code outside the table is no currency`(code: String) {
    #expect(Currency(code: code) == nil)
  }
}
