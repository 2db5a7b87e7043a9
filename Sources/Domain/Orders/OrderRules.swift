// From a draft to a priced order, or to all of its faults at once (domain.md §3). The menu is the only source of names
// and prices. Stock is counted over the whole order, since the same product may stand on two lines; the check here
// tells people early, the conditional update in the database is what keeps two tills from selling the last portion.

extension OrderDraft {
  /// Prices the draft from the menu; throws every fault found, in the order of the fields.
  package func priced(from menu: MenuFacts) throws(Faults) -> PricedOrder {
    var rules = OrderRules(menu: menu)
    rules.checkRestaurant()
    let type = rules.checkType(orderType)
    let table = rules.checkTable(table, for: type)
    let note = rules.checkText(note, .orderNote, at: "note")
    rules.checkCount(lines.count)
    var pricedLines: [PricedLine] = []
    // A draft over the limit is refused by its count alone: a million lines must not cost a million faults.
    if lines.count <= OrderDraft.maximumLines {
      for (index, line) in lines.enumerated() {
        if let priced = rules.price(line, at: "items[\(index)]") { pricedLines.append(priced) }
      }
    }
    let pricing = rules.total(pricedLines)
    guard rules.faults.isEmpty, let type, let pricing else { throw Faults(rules.faults) }
    return PricedOrder(
      orderType: type, table: table, note: note, lines: pricedLines, pricing: pricing,
      reservations: rules.reservations)
  }
}

/// The faults found so far and the stock that the lines so far would take.
private struct OrderRules {
  let menu: MenuFacts
  var faults: [Fault] = []
  var demand: [Identifier: Int] = [:]

  init(menu: MenuFacts) {
    self.menu = menu
  }

  mutating func report(_ code: FaultCode, _ field: String, _ detail: String) {
    faults.append(Fault(field: field, code: code, detail: detail))
  }

  mutating func checkRestaurant() {
    if !menu.acceptsOrders { report(.closed, "restaurant_id", "The restaurant does not take orders now.") }
  }

  mutating func checkType(_ text: String?) -> OrderType? {
    let type = text.flatMap(OrderType.init(rawValue:))
    if type == nil { report(.invalidOrderType, "order_type", "Use dine_in, takeaway or delivery.") }
    return type
  }

  mutating func checkTable(_ text: String?, for type: OrderType?) -> String? {
    let faultsBefore = faults.count
    let table = checkText(text, .table, at: "table")
    if table == nil, faults.count == faultsBefore, type?.needsTable == true {
      report(.missingTable, "table", "A dine_in order needs a table.")
    }
    return table
  }

  mutating func checkCount(_ count: Int) {
    if count == 0 { report(.emptyOrder, "items", "An order needs at least one item.") }
    if count > OrderDraft.maximumLines {
      report(.tooManyItems, "items", "An order has at most \(OrderDraft.maximumLines) items.")
    }
  }

  /// The text trimmed, or nil when it is absent, empty or at fault.
  mutating func checkText(_ text: String?, _ rule: PlainText, at field: String) -> String? {
    guard let text else { return nil }
    do {
      let accepted = try rule.accept(text)
      return accepted.isEmpty ? nil : accepted
    } catch {
      let detail =
        error == .textTooLong ? "At most \(rule.maximum) characters." : "Control characters are not allowed."
      report(error, field, detail)
      return nil
    }
  }

  mutating func price(_ line: OrderDraft.Line, at field: String) -> PricedLine? {
    let faultsBefore = faults.count
    let product = checkProduct(line, at: field)
    let quantity = checkQuantity(line.quantity, at: field)
    if let product, let quantity { checkStock(of: product, taking: quantity, at: field) }
    if let product { checkPrice(line.unitPrice, of: product, at: field) }
    let modifiers = checkModifiers(line.modifiers, at: field)
    let note = checkText(line.note, .lineNote, at: "\(field).note")
    guard faults.count == faultsBefore, let product, let quantity else { return nil }
    guard let lineTotal = try? product.price * quantity else {
      report(.amountTooLarge, "\(field).quantity", "The line's total is too large.")
      return nil
    }
    return PricedLine(
      productID: product.id, name: product.name, quantity: quantity, unitPrice: product.price, lineTotal: lineTotal,
      modifiers: modifiers, note: note, station: product.station)
  }

  mutating func checkProduct(_ line: OrderDraft.Line, at field: String) -> MenuProduct? {
    guard let id = line.productID, let product = menu.products[id] else {
      report(.productNotFound, "\(field).product_id", "The restaurant has no such product.")
      return nil
    }
    if !product.active {
      report(.productInactive, "\(field).product_id", "\(product.name) is no longer on the menu.")
    } else if !product.available, product.stock != 0 {
      // At a stock of 0 the product is unavailable for that reason, which `insufficient_stock` says.
      report(.productUnavailable, "\(field).product_id", "\(product.name) is not available now.")
    }
    return product
  }

  mutating func checkQuantity(_ quantity: Int?, at field: String) -> Int? {
    guard let quantity, OrderDraft.quantities ~= quantity else {
      let range = OrderDraft.quantities
      report(
        .invalidQuantity, "\(field).quantity", "A whole number from \(range.lowerBound) to \(range.upperBound).")
      return nil
    }
    return quantity
  }

  mutating func checkStock(of product: MenuProduct, taking quantity: Int, at field: String) {
    guard let stock = product.stock else { return }
    let wanted = demand[product.id, default: 0] + quantity
    demand[product.id] = wanted
    if wanted > stock {
      report(
        .insufficientStock, "\(field).quantity",
        "The order takes \(wanted) of \(product.name), \(max(stock, 0)) are left.")
    }
  }

  mutating func checkPrice(_ text: String?, of product: MenuProduct, at field: String) {
    guard let text else { return }
    if (try? Money(text, in: product.price.currency)) != product.price {
      report(.priceMismatch, "\(field).unit_price", "The price of \(product.name) is \(product.price).")
    }
  }

  mutating func checkModifiers(_ modifiers: [String], at field: String) -> [String] {
    guard modifiers.count <= OrderDraft.maximumModifiers else {
      report(.tooManyModifiers, "\(field).modifiers", "At most \(OrderDraft.maximumModifiers) modifiers.")
      return []
    }
    var accepted: [String] = []
    for (index, modifier) in modifiers.enumerated() {
      if let text = checkText(modifier, .modifier, at: "\(field).modifiers[\(index)]") { accepted.append(text) }
    }
    return accepted
  }

  mutating func total(_ lines: [PricedLine]) -> OrderPricing? {
    do {
      return try OrderPricing(lineTotals: lines.map(\.lineTotal), rules: menu.rules)
    } catch {
      report(.amountTooLarge, "items", "The order's total cannot be computed.")
      return nil
    }
  }

  var reservations: [StockReservation] {
    demand.map { StockReservation(productID: $0.key, quantity: $0.value) }.sorted { $0.productID < $1.productID }
  }
}
