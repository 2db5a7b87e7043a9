// A draft is priced from the menu, or refused with all of its faults.
import Domain
import Testing

struct OrderRulesTests {
  static let burger = Identifier(high: 1, low: 1)
  static let salad = Identifier(high: 1, low: 2)
  static let old = Identifier(high: 1, low: 3)
  static let out = Identifier(high: 1, low: 4)
  static let soldOut = Identifier(high: 1, low: 5)
  static let gold = Identifier(high: 1, low: 6)
  static let grill = Identifier(high: 2, low: 1)

  static func menu(acceptsOrders: Bool = true) throws -> MenuFacts {
    MenuFacts(
      rules: try rules(), acceptsOrders: acceptsOrders,
      products: [
        MenuProduct(id: burger, name: "Burger", price: try Money("10.00", in: .GBP), station: grill, stock: 3),
        MenuProduct(id: salad, name: "Salad", price: try Money("7.25", in: .GBP)),
        MenuProduct(id: old, name: "Trifle", price: try Money("5.00", in: .GBP), active: false),
        MenuProduct(id: out, name: "Oysters", price: try Money("30.00", in: .GBP), available: false),
        MenuProduct(id: soldOut, name: "Pie", price: try Money("9.00", in: .GBP), available: false, stock: 0),
        MenuProduct(id: gold, name: "Gold", price: Money(minorUnits: .max / 2, currency: .GBP)),
      ])
  }

  typealias Line = OrderDraft.Line

  static func draft(_ lines: [Line], type: String? = "takeaway", table: String? = nil, note: String? = nil)
    -> OrderDraft
  {
    OrderDraft(orderType: type, table: table, note: note, lines: lines)
  }

  /// The faults as `field code`, empty when the draft is good.
  static func faults(_ draft: OrderDraft, acceptsOrders: Bool = true) throws -> [String] {
    let menu = try menu(acceptsOrders: acceptsOrders)
    do {
      _ = try draft.priced(from: menu)
      return []
    } catch {
      #expect(!error.all.isEmpty)
      #expect(error.all.allSatisfy { !$0.detail.isEmpty })
      return error.all.map { "\($0.field) \($0.code.rawValue)" }
    }
  }

  @Test func `A good draft is priced from the menu`() throws {
    let draft = OrderRulesTests.draft(
      [
        Line(productID: OrderRulesTests.burger, quantity: 2, modifiers: [" No onion ", " "], note: "well done\n"),
        Line(productID: OrderRulesTests.salad, quantity: 1, unitPrice: "7.25"),
      ], type: "dine_in", table: " 12 ", note: "  ")
    let order = try draft.priced(from: OrderRulesTests.menu())
    #expect(order.orderType == .dineIn)
    #expect(order.table == "12")
    #expect(order.note == nil)
    #expect(order.lines.map(\.name) == ["Burger", "Salad"])
    #expect(order.lines.map(\.unitPrice.description) == ["10.00", "7.25"])
    #expect(order.lines.map(\.lineTotal.description) == ["20.00", "7.25"])
    #expect(order.lines.map(\.station) == [OrderRulesTests.grill, nil])
    #expect(order.lines[0].modifiers == ["No onion"])
    #expect(order.lines[0].note == "well done")
    #expect(order.pricing.subtotal.description == "27.25")
    #expect(order.pricing.total.description == "36.11")
    #expect(order.reservations.map(\.productID) == [OrderRulesTests.burger])
    #expect(order.reservations.map(\.quantity) == [2])
  }

  @Test func `A product on two lines reserves its stock once, for both`() throws {
    let line = Line(productID: OrderRulesTests.burger, quantity: 1)
    let order = try OrderRulesTests.draft([line, line, line]).priced(from: OrderRulesTests.menu())
    #expect(order.lines.count == 3)
    #expect(order.reservations.map(\.quantity) == [3])
  }

  struct Refusal: Sendable {
    let draft: OrderDraft
    var acceptsOrders = true
    let faults: [String]
  }

  @Test(arguments: [
    Refusal(draft: draft([]), faults: ["items empty_order"]),
    Refusal(draft: draft([Line(productID: nil, quantity: 1)]), faults: ["items[0].product_id product_not_found"]),
    Refusal(
      draft: draft([Line(productID: grill, quantity: 1)]), faults: ["items[0].product_id product_not_found"]),
    Refusal(draft: draft([Line(productID: old, quantity: 1)]), faults: ["items[0].product_id product_inactive"]),
    Refusal(draft: draft([Line(productID: out, quantity: 1)]), faults: ["items[0].product_id product_unavailable"]),
    Refusal(draft: draft([Line(productID: soldOut, quantity: 1)]), faults: ["items[0].quantity insufficient_stock"]),
    Refusal(draft: draft([Line(productID: salad, quantity: nil)]), faults: ["items[0].quantity invalid_quantity"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 0)]), faults: ["items[0].quantity invalid_quantity"]),
    Refusal(draft: draft([Line(productID: salad, quantity: -1)]), faults: ["items[0].quantity invalid_quantity"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 1000)]), faults: ["items[0].quantity invalid_quantity"]),
    Refusal(draft: draft([Line(productID: salad, quantity: .max)]), faults: ["items[0].quantity invalid_quantity"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 999)]), faults: []),
    Refusal(draft: draft([Line(productID: burger, quantity: 4)]), faults: ["items[0].quantity insufficient_stock"]),
    Refusal(
      draft: draft([Line(productID: burger, quantity: 2), Line(productID: burger, quantity: 2)]),
      faults: ["items[1].quantity insufficient_stock"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)], type: "drive_in"), faults: ["order_type invalid_order_type"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 1)], type: nil), faults: ["order_type invalid_order_type"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 1)], type: "dine_in"), faults: ["table missing_table"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)], type: "dine_in", table: " \n"),
      faults: ["table missing_table"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)], table: String(repeating: "1", count: 21)),
      faults: ["table text_too_long"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)]), acceptsOrders: false, faults: ["restaurant_id closed"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1, unitPrice: "7.24")]),
      faults: ["items[0].unit_price price_mismatch"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1, unitPrice: "cheap")]),
      faults: ["items[0].unit_price price_mismatch"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1, unitPrice: "7.250")]),
      faults: ["items[0].unit_price price_mismatch"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1, note: String(repeating: "é", count: 201))]),
      faults: ["items[0].note text_too_long"]),
    Refusal(draft: draft([Line(productID: salad, quantity: 1, note: String(repeating: "é", count: 200))]), faults: []),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)], note: "a\u{0}b"), faults: ["note invalid_text"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1)], note: String(repeating: "n", count: 501)),
      faults: ["note text_too_long"]),
    Refusal(
      draft: draft([
        Line(productID: salad, quantity: 1, modifiers: ["ok", String(repeating: "m", count: 101), "two\nlines"])
      ]), faults: ["items[0].modifiers[1] text_too_long", "items[0].modifiers[2] invalid_text"]),
    Refusal(
      draft: draft([Line(productID: salad, quantity: 1, modifiers: Array(repeating: "m", count: 21))]),
      faults: ["items[0].modifiers too_many_modifiers"]),
    Refusal(
      draft: draft([Line(productID: gold, quantity: 3)]), faults: ["items[0].quantity amount_too_large"]),
    Refusal(
      draft: draft(Array(repeating: Line(productID: gold, quantity: 1), count: 3)), faults: ["items amount_too_large"]),
    Refusal(
      draft: draft(Array(repeating: Line(productID: nil, quantity: nil), count: 201)),
      faults: ["items too_many_items"]),
  ])
  func `Each rule refuses with its code at its field`(refusal: Refusal) throws {
    #expect(try OrderRulesTests.faults(refusal.draft, acceptsOrders: refusal.acceptsOrders) == refusal.faults)
  }

  @Test func `All faults are reported together, in the order of the fields`() throws {
    let draft = OrderRulesTests.draft(
      [
        Line(productID: nil, quantity: 0, note: "\u{7}"),
        Line(productID: OrderRulesTests.burger, quantity: 9, unitPrice: "1.00"),
        Line(productID: OrderRulesTests.old, quantity: 1),
      ], type: "dine_in")
    #expect(
      try OrderRulesTests.faults(draft, acceptsOrders: false) == [
        "restaurant_id closed", "table missing_table", "items[0].product_id product_not_found",
        "items[0].quantity invalid_quantity", "items[0].note invalid_text", "items[1].quantity insufficient_stock",
        "items[1].unit_price price_mismatch", "items[2].product_id product_inactive",
      ])
  }
}
