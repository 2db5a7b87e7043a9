// What a screen shows: a snapshot, and each event folded in by the rules of docs/reference/events.md. It keeps what the
// rules speak of: open tickets, open orders with where their tickets stand, products that are out, alarms. Two folds at
// the same offset must be equal, wherever each of them began.

package struct Fold: Sendable {
  private let kind: Substring
  private var tickets: [String: Document] = [:]
  private var orders: [String: Document] = [:]
  private var out: [String: Document] = [:]
  private var alarms: [String: Document] = [:]
  /// How much of each product is still to be made, as the snapshot says; nil once it has to be counted.
  private var stated: Document?

  package init(channel: String, snapshot: Document) {
    kind = channel.prefix { $0 != ":" }
    tickets = Self.byIdentifier(snapshot["tickets"], "id")
    orders = Self.byIdentifier(snapshot["orders"], "id")
    alarms = Self.byIdentifier(snapshot["alarms"], "id")
    out = Self.byIdentifier(snapshot["out_of_stock"], "product_id")
    if kind == "kitchen" {
      stated = .object(Self.byIdentifier(snapshot["all_day"], "product_id").compactMapValues { $0["quantity"] })
    }
  }

  package mutating func apply(_ event: String, _ data: Document) {
    switch event {
    case "ticket.created", "ticket.started", "ticket.ready", "ticket.served", "ticket.recalled", "ticket.voided",
      "ticket.void_seen":
      guard let id = data["id"]?.text else { return }
      stated = nil
      if kind == "kitchen" || kind == "restaurant" { tickets[id] = data["open"] == .flag(true) ? data : nil }
      if kind == "pos" || kind == "restaurant" { move(id, data) }
    case "order.created", "order.confirmed", "order.status_changed", "order.completed", "order.cancelled":
      guard let id = data["id"]?.text, kind == "pos" || kind == "restaurant" else { return }
      let isOver = data["status"] == .text("completed") || data["status"] == .text("cancelled")
      orders[id] = isOver ? nil : .object(data.object.filter { !["from", "to", "reason"].contains($0.key) })
    case "ticket.unseen", "station.uncovered":
      if let id = data["id"]?.text, kind != "kitchen" { alarms[id] = data["alarm"] }
    case "ticket.seen", "station.covered":
      if let id = data["id"]?.text { alarms[id] = nil }
    case "menu.item_unavailable", "menu.item_available":
      guard let id = data["product_id"]?.text, kind == "kitchen" else { return }
      out[id] = event == "menu.item_unavailable" ? data : nil
    default: break
    }
  }

  /// Where a ticket of an order stands now.
  private mutating func move(_ id: String, _ ticket: Document) {
    guard let order = ticket["order_id"]?.text, var members = orders[order]?.object else { return }
    members["tickets"] = .list(
      (members["tickets"]?.list ?? []).map { known in
        guard known["id"] == .text(id) else { return known }
        let moved = ticket.object.filter { ["status", "started_at", "ready_at"].contains($0.key) }
        return .object(known.object.merging(moved) { $1 })
      })
    orders[order] = .object(members)
  }

  /// The state in one form, whatever the order of the lists it was made from.
  package var state: Document {
    .object([
      "tickets": .object(tickets), "orders": .object(orders), "out_of_stock": .object(out),
      "alarms": .object(alarms),
      "all_day": stated ?? (kind == "kitchen" ? needed : .null),
    ])
  }

  private var needed: Document {
    var quantities: [String: Int64] = [:]
    for item in tickets.values.flatMap({ $0["items"]?.list ?? [] }) where item["status"] == .text("new") {
      quantities[item["product_id"]?.text ?? "", default: 0] += item["quantity"]?.integer ?? 0
    }
    return .object(quantities.mapValues { .integer($0) })
  }

  private static func byIdentifier(_ list: Document?, _ member: String) -> [String: Document] {
    Dictionary((list?.list ?? []).map { ($0[member]?.text ?? "", $0) }) { $1 }
  }
}
