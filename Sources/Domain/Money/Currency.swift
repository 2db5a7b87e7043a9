// The currencies that a restaurant may take, with the digits of their minor units (ISO 4217). An enum: one byte, no
// allocation, and a code that is not in the table does not exist for us.

// swift-format-ignore: AlwaysUseLowerCamelCase
/// A currency of ISO 4217 by its three-letter code.
package enum Currency: String, Hashable, Sendable, CaseIterable {
  case AED, ARS, AUD, BGN, BHD, BRL, CAD, CHF, CLP, CNY, COP, CZK, DKK, EGP, EUR, GBP, HKD, HUF, IDR, ILS, INR, ISK
  case JOD, JPY, KES, KRW, KWD, MAD, MXN, MYR, NGN, NOK, NZD, OMR, PEN, PHP, PKR, PLN, QAR, RON, RSD, SAR, SEK, SGD
  case THB, TND, TRY, TWD, UAH, USD, UYU, VND, ZAR

  /// Parses an upper-case code.
  package init?(code: some StringProtocol) {
    self.init(rawValue: String(code))
  }

  package var code: String { rawValue }

  /// How many decimal digits its minor unit takes: 2 for pounds, 0 for yen, 3 for dinars.
  package var minorDigits: Int {
    switch self {
    case .CLP, .ISK, .JPY, .KRW, .VND: 0
    case .BHD, .JOD, .KWD, .OMR, .TND: 3
    case .AED, .ARS, .AUD, .BGN, .BRL, .CAD, .CHF, .CNY, .COP, .CZK, .DKK, .EGP, .EUR, .GBP, .HKD, .HUF, .IDR, .ILS,
      .INR, .KES, .MAD, .MXN, .MYR, .NGN, .NOK, .NZD, .PEN, .PHP, .PKR, .PLN, .QAR, .RON, .RSD, .SAR, .SEK, .SGD,
      .THB, .TRY, .TWD, .UAH, .USD, .UYU, .ZAR:
      2
    }
  }
}
