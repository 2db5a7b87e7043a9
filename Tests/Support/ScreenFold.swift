// What a screen shows, kept as a screen keeps it: a snapshot, then each event by the rules that every client follows. A
// ticket or an order is put in its place by its id and taken out when it is no longer open; a till's orders carry where
// their tickets stand. Two folds at the same offset must read alike, wherever each of them began.
package import Foundation

package struct ScreenFold {
  package private(set) var offset: Int64
  private let isKitchen: Bool
  private var restaurant: [String: Any]
  private var tickets: [String: [String: Any]] = [:]
  private var orders: [String: [String: Any]] = [:]
  private var out: [String: [String: Any]] = [:]
  private var alarms: [String: [String: Any]] = [:]
  /// Members of the snapshot that no event here changes.
  private var rest: [String: Any] = [:]

  package init(_ subscribed: HubMessage) throws {
    guard let snapshot = subscribed.snapshot else { throw SupportError("no snapshot in \(subscribed.json)") }
    self.init(
      snapshot: snapshot, offset: subscribed.offset, isKitchen: subscribed.string("channel").hasPrefix("kitchen:"))
  }

  package init(snapshot: [String: Any], offset: Int64, isKitchen: Bool) {
    self.offset = offset
    self.isKitchen = isKitchen
    restaurant = snapshot["restaurant"] as? [String: Any] ?? [:]
    for ticket in snapshot["tickets"] as? [[String: Any]] ?? [] { tickets[Self.id(ticket)] = ticket }
    for order in snapshot["orders"] as? [[String: Any]] ?? [] { orders[Self.id(order)] = order }
    for product in snapshot["out_of_stock"] as? [[String: Any]] ?? [] { out[Self.id(product, "product_id")] = product }
    for alarm in snapshot["alarms"] as? [[String: Any]] ?? [] { alarms[Self.id(alarm)] = alarm }
    rest = Self.withoutScreens(snapshot).filter { ["stations", "thresholds"].contains($0.key) }
  }

  package mutating func apply(_ event: HubMessage) throws {
    guard event.offset == offset + 1 else { throw SupportError("event \(event.offset) came after \(offset)") }
    offset = event.offset
    let data = event.data
    switch event.event {
    case "ticket.unseen", "station.uncovered": alarms[Self.id(data)] = data["alarm"] as? [String: Any]
    case "ticket.seen", "station.covered": alarms[Self.id(data)] = nil
    default: break
    }
    switch event.event.split(separator: ".").first {
    case "ticket":
      if isKitchen {
        tickets[Self.id(data)] = data["open"] as? Bool == true ? data : nil
      } else {
        move(data)
      }
    case "order":
      let isOver = ["completed", "cancelled"].contains(data["status"] as? String)
      orders[Self.id(data)] = isOver ? nil : data.filter { !["from", "to", "reason"].contains($0.key) }
    case "menu" where isKitchen:
      out[Self.id(data, "product_id")] = event.event == "menu.item_unavailable" ? data : nil
    case "restaurant":
      for (name, value) in data where restaurant[name] != nil { restaurant[name] = value }
    default: break
    }
  }

  /// The checksum of the open tickets: their ids' last 32 bits times twice their version plus one, summed modulo 2^32.
  package var ticketSum: String {
    let sum = tickets.values.reduce(UInt32(0)) { sum, ticket in
      let tail = UInt32(Self.id(ticket).suffix(8), radix: 16) ?? 0
      let version = (ticket["version"] as? NSNumber)?.uint32Value ?? 0
      return sum &+ tail &* (2 &* version &+ 1)
    }
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Where a ticket of an order stands now.
  private mutating func move(_ ticket: [String: Any]) {
    guard let id = ticket["order_id"] as? String, var order = orders[id] else { return }
    order["tickets"] = (order["tickets"] as? [[String: Any]] ?? []).map { known in
      guard Self.id(known) == Self.id(ticket) else { return known }
      return known.merging(ticket.filter { ["status", "started_at", "ready_at"].contains($0.key) }) { $1 }
    }
    orders[id] = order
  }

  /// The state as a snapshot has it, in one form: members sorted, lists in the snapshot's own order.
  package func text() throws -> String {
    var state = rest
    state["restaurant"] = restaurant
    if isKitchen {
      state["tickets"] = Self.sorted(Array(tickets.values), by: "fired_at", "id")
      state["out_of_stock"] = Self.sorted(Array(out.values), by: "name", "product_id")
      state["all_day"] = allDay
    } else {
      state["orders"] = Self.sorted(Array(orders.values), by: "created_at", "id")
      state["alarms"] = Self.sorted(Array(alarms.values), by: "since", "id")
    }
    return try Self.text(of: state)
  }

  /// A snapshot in the same form, as it came.
  package static func text(of snapshot: [String: Any]) throws -> String {
    let state = withoutScreens(snapshot)
    return String(decoding: try JSONSerialization.data(withJSONObject: state, options: [.sortedKeys]), as: UTF8.self)
  }

  /// How many screens show a station is true of the moment, not of the offset: no event tells of it.
  private static func withoutScreens(_ snapshot: [String: Any]) -> [String: Any] {
    guard let stations = snapshot["stations"] as? [[String: Any]] else { return snapshot }
    return snapshot.merging(["stations": stations.map { $0.filter { $0.key != "screens" } }]) { $1 }
  }

  /// How much of each product the open tickets still need.
  private var allDay: [[String: Any]] {
    var needed: [String: (name: String, quantity: Int)] = [:]
    for item in tickets.values.flatMap({ $0["items"] as? [[String: Any]] ?? [] })
    where item["status"] as? String == "new" {
      let id = Self.id(item, "product_id")
      needed[id] = (item["name"] as? String ?? "", (needed[id]?.quantity ?? 0) + (item["quantity"] as? Int ?? 0))
    }
    let listed = needed.map {
      ["product_id": $0.key, "name": $0.value.name, "quantity": $0.value.quantity] as [String: Any]
    }
    return Self.sorted(listed, by: "name", "product_id")
  }

  private static func id(_ document: [String: Any], _ member: String = "id") -> String {
    document[member] as? String ?? ""
  }

  private static func sorted(_ documents: [[String: Any]], by members: String...) -> [[String: Any]] {
    documents.sorted { left, right in
      for member in members where id(left, member) != id(right, member) { return id(left, member) < id(right, member) }
      return false
    }
  }
}

/// One screen: a connection and what it has folded so far.
package final class Screen {
  package private(set) var fold: ScreenFold
  /// The snapshot that it began with, as it came.
  package let beginning: String
  private let socket: EventSocket

  package init(_ channel: String, port: UInt16, token: String) throws {
    let parts = channel.split(separator: ":")
    socket = try EventSocket(webSocket: "/ws/\(parts[0])/\(parts[1])", port: port, token: token)
    let subscribed = try socket.next("subscribed")
    fold = try ScreenFold(subscribed)
    beginning = try ScreenFold.text(of: subscribed.snapshot ?? [:])
  }

  /// Folds until it has reached the offset.
  package func follow(to offset: Int64) throws {
    while fold.offset < offset { try fold.apply(try socket.next("event", within: 15)) }
  }

  /// Folds some more events, as many as come in the time.
  package func follow(_ events: Int, within seconds: TimeInterval) throws {
    let limit = Date(timeIntervalSinceNow: seconds)
    for _ in 0..<events {
      guard case .message(let message) = socket.next(within: max(0, limit.timeIntervalSinceNow)) else { return }
      if message.type == "event" { try fold.apply(message) }
    }
  }
}
