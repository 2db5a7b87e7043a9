// What the rules of ordering must know about a restaurant and its products at the moment of the order. The caller reads
// it in the order's own transaction; products of other restaurants are left out, so to an order they do not exist.

/// One product as an order sees it.
package struct MenuProduct: Hashable, Sendable {
  package let id: Identifier
  package let name: String
  package let price: Money
  /// Where it is made; nil for what needs no kitchen.
  package let station: Identifier?
  /// Part of the menu at all.
  package let active: Bool
  /// False while it is "86": nobody may order it now.
  package let available: Bool
  /// What is left, when its stock is tracked.
  package let stock: Int?

  package init(
    id: Identifier, name: String, price: Money, station: Identifier? = nil, active: Bool = true,
    available: Bool = true, stock: Int? = nil
  ) {
    self.id = id
    self.name = name
    self.price = price
    self.station = station
    self.active = active
    self.available = available
    self.stock = stock
  }
}

/// The restaurant's side of an order: its rules, whether it takes orders now, and the products named in the order.
package struct MenuFacts: Sendable {
  package let rules: PriceRules
  /// False when the restaurant is suspended or outside its opening hours.
  package let acceptsOrders: Bool
  package let products: [Identifier: MenuProduct]

  package init(rules: PriceRules, acceptsOrders: Bool, products: [MenuProduct]) {
    self.rules = rules
    self.acceptsOrders = acceptsOrders
    self.products = Dictionary(products.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
