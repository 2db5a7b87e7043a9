// What a rule says when it refuses: faults of a request (wire.md §5: every fault found, not the first) and moves that a
// state does not have. Both are plain values; how they become a problem document is the REST layer's business.

/// One fault of a request, at one field.
package struct Fault: Hashable, Sendable {
  /// The path in the request's body, such as `items[0].quantity`.
  package let field: String
  package let code: FaultCode
  /// One sentence for people; a program reads `code`.
  package let detail: String

  package init(field: String, code: FaultCode, detail: String) {
    self.field = field
    self.code = code
    self.detail = detail
  }
}

/// The stable codes of faults, as they stand on the wire.
package enum FaultCode: String, Hashable, Sendable, CaseIterable {
  case emptyOrder = "empty_order"
  case tooManyItems = "too_many_items"
  case productNotFound = "product_not_found"
  case productInactive = "product_inactive"
  case productUnavailable = "product_unavailable"
  case invalidQuantity = "invalid_quantity"
  case insufficientStock = "insufficient_stock"
  case invalidOrderType = "invalid_order_type"
  case missingTable = "missing_table"
  case closed
  case priceMismatch = "price_mismatch"
  case amountTooLarge = "amount_too_large"
  case tooManyModifiers = "too_many_modifiers"
  case textMissing = "text_missing"
  case textTooLong = "text_too_long"
  case invalidText = "invalid_text"
  case invalidEmail = "invalid_email"
  case weakPassword = "weak_password"
}

/// All faults of one request, in the order of its fields; never empty.
package struct Faults: Error, Hashable, Sendable {
  package let all: [Fault]

  package init(_ all: [Fault]) {
    self.all = all
  }
}

/// A move that the state machine does not have; 409 `invalid_status_transition` with these two members.
package struct InvalidTransition: Error, Hashable, Sendable {
  package let from: String
  package let to: String

  package init(from: some RawRepresentable<String>, to: some RawRepresentable<String>) {
    self.from = from.rawValue
    self.to = to.rawValue
  }
}
