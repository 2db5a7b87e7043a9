// What people may set of a product, as read from the body of POST and PATCH. In a PATCH a member that is left out
// stays; `station_id` and `stock` may also be null, which says "needs no kitchen" and "not counted".
import Domain
import Protocol

struct ProductRequest {
  let name: String?
  let category: Identifier?
  let price: Money?
  let namesStation: Bool
  let station: Identifier?
  let active: Bool?
  let available: Bool?
  let namesStock: Bool
  let stock: Int64?

  init(_ fields: inout Fields, in currency: Currency, isNew: Bool) {
    name = fields.name("name", required: isNew)
    category = fields.identifier("category_id")
    price = fields.price("price", in: currency)
    if isNew {
      for (field, isMissing) in [("category_id", category == nil), ("price", price == nil)]
      where isMissing && !fields.faults.contains(where: { $0.field == field }) {
        fields.refuse(field, "required", "This member is needed.")
      }
    }
    namesStation = fields.names("station_id")
    station = fields.identifier("station_id")
    active = fields.boolean("active")
    available = fields.boolean("available")
    namesStock = fields.names("stock")
    stock = fields.integer("stock", in: 0...1_000_000)
  }

  /// Whether it says no more than that the product is out or back, for which a smaller right is enough.
  var isAvailabilityOnly: Bool {
    available != nil && name == nil && category == nil && price == nil && !namesStation && active == nil && !namesStock
  }
}
