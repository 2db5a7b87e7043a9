// What a restaurant's settings say about the sums of an order: currency, VAT, service charge. domain.md §2.

/// The pricing settings of one restaurant.
package struct PriceRules: Hashable, Sendable {
  package let currency: Currency
  package let vatRate: Rate
  package let vatEnabled: Bool
  /// Whether the menu's prices already contain VAT.
  package let pricesIncludeVAT: Bool
  package let serviceRate: Rate
  package let serviceEnabled: Bool

  package init(
    currency: Currency, vatRate: Rate, vatEnabled: Bool, pricesIncludeVAT: Bool, serviceRate: Rate,
    serviceEnabled: Bool
  ) {
    self.currency = currency
    self.vatRate = vatRate
    self.vatEnabled = vatEnabled
    self.pricesIncludeVAT = pricesIncludeVAT
    self.serviceRate = serviceRate
    self.serviceEnabled = serviceEnabled
  }

  /// The VAT rate that applies: zero when it is switched off.
  package var effectiveVATRate: Rate { vatEnabled ? vatRate : .zero }

  /// The service rate that applies: zero when it is switched off.
  package var effectiveServiceRate: Rate { serviceEnabled ? serviceRate : .zero }
}
