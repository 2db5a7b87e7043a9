// One restaurant of the played evening: a till and a kitchen, each a socket. The kitchen cooks what it is shown and
// nothing else, so an order that reaches no screen is never completed.
import Domain
import EventLoop
import Protocol

final class DemoRestaurant {
  private let door: Doors.Door
  private let till: HubClient
  private let kitchen: HubClient
  private(set) var tally = Tally()
  /// Nanoseconds from sending `confirm` to the ticket's arrival at the kitchen.
  private(set) var latencies: [Int64] = []
  private(set) var failure: String?
  private var nextID: Int64 = 1
  private var replies: [Int64: (Int, JSON) -> Void] = [:]
  private var confirmedAt: [String: MonotonicTime] = [:]
  private var placed: Set<String> = []
  private var shown: Set<String> = []
  private var offsets: [String: Int64] = [:]

  init(loop: EventLoop, address: SocketAddress, door: Doors.Door) throws {
    self.door = door
    till = try HubClient(loop: loop, address: address)
    kitchen = try HubClient(loop: loop, address: address)
  }

  var isDone: Bool { tally.completed + tally.refused == tally.sent }

  func open() async throws {
    for client in [till, kitchen] {
      client.onClose = { [weak self] reason in self?.failure = reason }
      try await client.connect()
    }
    till.onMessage = { [weak self] message in self?.tillHears(message) }
    kitchen.onMessage = { [weak self] message in self?.kitchenHears(message) }
    try await till.upgrade("/ws/pos/\(door.restaurant)", token: door.tillToken)
    try await kitchen.upgrade("/ws/kitchen/\(door.restaurant)", token: door.kitchenToken)
  }

  func close() {
    for client in [till, kitchen] {
      client.onClose = nil
      client.close()
    }
  }

  // MARK: The till

  func placeOrder() {
    tally.sent += 1
    let lines = (1...Int.random(in: 1...3)).map { _ in
      JSON(members: [
        ("product_id", .string(door.products.randomElement() ?? "")), ("quantity", .integer(Int64.random(in: 1...2))),
      ])
    }
    let order = JSON(members: [
      ("restaurant_id", .string(door.restaurant)), ("order_type", .string("dine_in")),
      ("table", .string(String(Int.random(in: 1...20)))), ("items", .array(lines)),
    ])
    command(till, "/api/v1/orders", order, key: "evening-\(door.run)-\(tally.sent)") { [weak self] status, body in
      guard let self else { return }
      guard status == 201, let id = body["id"]?.string else {
        tally.refused += 1
        failure = failure ?? "an order was refused: \(body["detail"]?.string ?? String(status))"
        return
      }
      tally.placed += 1
      placed.insert(id)
      confirmedAt[id] = MonotonicTime.now()
      command(till, "/api/v1/orders/\(id)/confirm") { _, _ in }
    }
  }

  private func tillHears(_ message: JSON) {
    guard let data = event(message), let id = data["id"]?.string, placed.contains(id) else { return }
    switch message["event"]?.string {
    case "order.status_changed" where data["status"]?.string == "ready":
      command(till, "/api/v1/orders/\(id)/complete") { _, _ in }
    case "order.completed":
      tally.completed += 1
    default: break
    }
  }

  // MARK: The kitchen

  private func kitchenHears(_ message: JSON) {
    guard let data = event(message), message["event"]?.string == "ticket.created", let ticket = data["id"]?.string,
      let order = data["order_id"]?.string, let sent = confirmedAt[order]
    else { return }
    if shown.insert(order).inserted {
      tally.shown += 1
      latencies.append(MonotonicTime.now().nanoseconds - sent.nanoseconds)
    }
    command(kitchen, "/api/v1/tickets/\(ticket)/start") { [weak self] _, _ in
      guard let self else { return }
      command(kitchen, "/api/v1/tickets/\(ticket)/bump") { _, _ in }
    }
  }

  // MARK: Both

  /// The data of an event; replies are handed to whoever waits; offsets are checked.
  private func event(_ message: JSON) -> JSON? {
    switch message["type"]?.string {
    case "subscribed":
      if let channel = message["channel"]?.string { offsets[channel] = message["offset"]?.int64 }
      return nil
    case "reply":
      if let id = message["id"]?.int64, let waiting = replies.removeValue(forKey: id) {
        waiting(message["status"]?.int64.map { Int($0) } ?? 0, message["body"] ?? .null)
      }
      return nil
    case "error":
      // Too many at once: the answer is to try again; here it is a failure of the evening.
      failure = failure ?? message["detail"]?.string
      return nil
    case "event":
      guard let channel = message["channel"]?.string, let offset = message["offset"]?.int64 else { return nil }
      let expected = (offsets[channel] ?? 0) + 1
      if offset > expected { tally.gaps += 1 }
      if offset < expected { tally.repeats += 1 }
      offsets[channel] = max(offset, expected - 1)
      tally.events += 1
      return message["data"]
    default:
      return nil
    }
  }

  private func command(
    _ client: HubClient, _ path: String, _ body: JSON = JSON(members: []), key: String? = nil,
    _ then: @escaping (Int, JSON) -> Void
  ) {
    let id = nextID
    nextID += 1
    replies[id] = then
    var message: [(String, JSON)] = [
      ("type", .string("command")), ("id", .integer(id)), ("method", .string("POST")), ("path", .string(path)),
      ("body", body),
    ]
    if let key { message.append(("key", .string(key))) }
    client.send(JSON(members: message))
  }
}
