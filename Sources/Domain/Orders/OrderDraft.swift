// What a client asks for, before any rule has looked at it. Only its shape was checked: texts are texts and lists are
// lists. A member that is missing or of a wrong kind is nil here, and the rules name it as a fault like any other.

/// An order as it was asked for.
package struct OrderDraft: Hashable, Sendable {
  package static let maximumLines = 200
  package static let maximumModifiers = 20
  package static let quantities = 1...999

  /// One line of it.
  package struct Line: Hashable, Sendable {
    /// Nil when what was sent is not an id at all.
    package let productID: Identifier?
    /// Nil when it is missing or not a whole number.
    package let quantity: Int?
    package let modifiers: [String]
    package let note: String?
    /// What the client believes the price to be; compared, never used.
    package let unitPrice: String?

    package init(
      productID: Identifier?, quantity: Int?, modifiers: [String] = [], note: String? = nil, unitPrice: String? = nil
    ) {
      self.productID = productID
      self.quantity = quantity
      self.modifiers = modifiers
      self.note = note
      self.unitPrice = unitPrice
    }
  }

  package let orderType: String?
  package let table: String?
  package let note: String?
  package let lines: [Line]

  package init(orderType: String?, table: String? = nil, note: String? = nil, lines: [Line]) {
    self.orderType = orderType
    self.table = table
    self.note = note
    self.lines = lines
  }
}

/// A line that passed every rule, with the menu's name and price.
package struct PricedLine: Hashable, Sendable {
  package let productID: Identifier
  package let name: String
  package let quantity: Int
  package let unitPrice: Money
  package let lineTotal: Money
  package let modifiers: [String]
  package let note: String?
  package let station: Identifier?
}

/// How much of one product with tracked stock the whole order takes.
package struct StockReservation: Hashable, Sendable {
  package let productID: Identifier
  package let quantity: Int
}

/// An order that passed every rule.
package struct PricedOrder: Hashable, Sendable {
  package let orderType: OrderType
  package let table: String?
  package let note: String?
  package let lines: [PricedLine]
  package let pricing: OrderPricing
  /// One a product, by ascending id: rows taken in one order by all cannot deadlock.
  package let reservations: [StockReservation]
}
