// The body of POST /orders as Domain's draft. Members of a wrong kind are faults here; what is missing, or breaks a
// rule of ordering, is Domain's to say, and both come together in one answer.
import Domain
import Protocol

struct OrderRequest {
  let restaurant: Identifier?
  let customer: Identifier?
  let draft: OrderDraft
  let faults: [FieldFault]

  init(_ body: JSON, only restaurant: Identifier?) {
    var fields = Fields(body)
    let named = fields.identifier("restaurant_id")
    if named == nil, fields.faults.isEmpty, restaurant == nil {
      fields.refuse("restaurant_id", "restaurant_missing", FieldFault.restaurantMissing.detail)
    }
    // A named restaurant that is no id was refused; the caller's own must not stand in for it.
    self.restaurant = named ?? (fields.faults.isEmpty ? restaurant : nil)
    customer = fields.identifier("customer_id")
    // A type of a wrong kind is no type that we know, which Domain says already.
    let type = body["order_type"]?.string
    let table = fields.text("table")
    let note = fields.text("note")
    let items = body["items"]?.array ?? []
    var lines: [OrderDraft.Line] = []
    for (index, item) in items.enumerated() {
      // One line over the limit is enough for Domain to refuse the order by its count.
      guard index <= OrderDraft.maximumLines else { break }
      lines.append(Self.line(item, at: "items[\(index)]", &fields))
    }
    draft = OrderDraft(orderType: type, table: table, note: note, lines: lines)
    faults = fields.faults
  }

  private static func line(_ item: JSON, at path: String, _ fields: inout Fields) -> OrderDraft.Line {
    var inner = Fields(item)
    var modifiers: [String] = []
    if let member = item["modifiers"], member != .null {
      if let listed = member.array, listed.allSatisfy({ $0.string != nil }) {
        modifiers = listed.compactMap(\.string)
      } else {
        inner.refuse("modifiers", "invalid_type", "A list of texts is needed.")
      }
    }
    let note = inner.text("note")
    let unitPrice = inner.text("unit_price")
    for fault in inner.faults { fields.refuse("\(path).\(fault.field)", fault.code, fault.detail) }
    return OrderDraft.Line(
      productID: item["product_id"]?.string.flatMap { Identifier($0) },
      quantity: item["quantity"]?.int64.flatMap { Int(exactly: $0) }, modifiers: modifiers, note: note,
      unitPrice: unitPrice)
  }
}
