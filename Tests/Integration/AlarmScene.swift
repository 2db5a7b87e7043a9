// A restaurant whose tickets must be seen soon, and the hubs, screens and tills around it: what the tests of receipts and
// alarms begin with.
import Foundation
import Testing
import TestSupport

/// Run one after another: each starts hubs of its own, and some kill them.
@Suite(.serialized) enum AlarmTests {}

struct AlarmScene {
  let database: String
  let hubs: [HubUnderTest]
  let restaurant: TestRestaurant
  let token: String
  let program: ForeignConnection

  init(hubs count: Int = 1, unseen seconds: Int = 1, database: String? = nil) throws {
    let database = try database ?? TestPostgres.makeDatabase()
    self.database = database
    let first = try HubUnderTest(database: database)
    hubs = [first] + (try (1..<count).map { _ in try HubUnderTest(database: database, data: first.data) })
    restaurant = try TestRestaurant(at: first, stations: 2, products: 2, unseen: seconds)
    token = try first.token(role: "manager", restaurant: restaurant.id)
    program = try ForeignConnection(database)
  }

  var kitchen: String { restaurant.channel("kitchen") }
  var pos: String { restaurant.channel("pos") }

  /// A screen of the kitchen on one of the hubs, with some of the stations or all.
  func screen(at hub: Int = 0, stations: [Int]? = nil, as token: String? = nil) throws -> EventSocket {
    let socket = try EventSocket(webSocket: "/ws", port: hubs[hub].port, token: token ?? self.token)
    var message: [String: Any] = ["type": "subscribe", "id": 1, "channel": kitchen, "snapshot": false]
    if let stations { message["stations"] = stations.map { restaurant.stations[$0] } }
    try socket.send(message)
    _ = try socket.next("subscribed")
    return socket
  }

  /// A till, which hears alarms.
  func till(at hub: Int = 0) throws -> EventSocket {
    let path = "/ws/pos/\(restaurant.id)?snapshot=false"
    let socket = try EventSocket(webSocket: path, port: hubs[hub].port, token: token)
    _ = try socket.next("subscribed")
    return socket
  }

  /// Places and confirms an order of one product; answers its ticket.
  func fire(_ product: Int = 0, at hub: Int = 0) throws -> String {
    let body = """
      {"restaurant_id": "\(restaurant.id)", "order_type": "takeaway",
       "items": [{"product_id": "\(restaurant.products[product].id)", "quantity": 1}]}
      """
    let order = try hubs[hub].request("POST", "/api/v1/orders", token: token, body: body)
    guard let id = order.json["id"] as? String else { throw SupportError("the order: \(order.text)") }
    let confirmed = try hubs[hub].request("POST", "/api/v1/orders/\(id)/confirm", token: token)
    guard let ticket = (confirmed.json["tickets"] as? [[String: Any]])?.first?["id"] as? String else {
      throw SupportError("confirm: \(confirmed.text)")
    }
    return ticket
  }

  func seen(_ offset: Int64, _ level: String = "shown", on socket: EventSocket) throws {
    try socket.send(["type": "seen", "channel": kitchen, "offset": offset, "level": level])
  }

  /// The one row and column that a query answers with.
  func value(_ sql: String) throws -> String { try program.execute(sql).first?.first ?? "" }

  /// Makes the time of a ticket come now, instead of waiting for it.
  func makeDue(_ ticket: String) throws {
    try program.execute("UPDATE hub.deadline SET due_at = clock_timestamp() WHERE subject = '\(ticket)'")
  }

  /// Waits until nothing is due of these tickets any more.
  func awaitDeadlines(of tickets: [String], within seconds: TimeInterval = 20) throws {
    let list = tickets.map { "'\($0)'" }.joined(separator: ",")
    try eventually("the deadlines of \(tickets.count) tickets are over", within: seconds) {
      try value("SELECT count(*) FROM hub.deadline WHERE subject IN (\(list))") == "0"
    }
  }

  /// Every event of alarms that a till hears until now, as name and subject, in order.
  func heard(by till: EventSocket) throws -> [String] {
    let marker = UUID().uuidString
    try program.execute(#"SELECT hub.publish('\#(pos)', 'test.marker', '{"id": "\#(marker)"}')"#)
    var heard: [String] = []
    while true {
      let event = try till.next("event")
      if event.data["id"] as? String == marker { return heard }
      if event.event.wholeMatch(of: /(ticket\.(un)?seen|station\.(un)?covered)/) != nil {
        heard.append("\(event.event) \(event.data["id"] as? String ?? "")")
      }
    }
  }

  /// Waits for one event on a till; each that comes before it may take as long.
  func next(_ event: String, _ subject: String, on till: EventSocket, within seconds: TimeInterval = 20) throws {
    while true {
      let message = try till.next("event", within: seconds)
      if message.event == event, message.data["id"] as? String == subject { return }
    }
  }
}
