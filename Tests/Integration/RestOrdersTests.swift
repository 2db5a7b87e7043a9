// Orders over HTTP: every move of their state machine, their sums, and all of their faults (domain.md §3).
import Foundation
import Testing
import TestSupport

@Suite struct RestOrdersTests {
  /// How to bring a fresh order to each state.
  private static let ways: [String: [String]] = [
    "pending": [], "confirmed": ["confirm"], "preparing": ["confirm", "prepare"],
    "ready": ["confirm", "prepare", "ready"], "completed": ["confirm", "prepare", "ready", "complete"],
    "cancelled": ["cancel"],
  ]
  /// What each command leads to, and from where (domain.md §3).
  private static let moves: [(command: String, to: String, from: Set<String>)] = [
    ("confirm", "confirmed", ["pending"]), ("prepare", "preparing", ["confirmed"]), ("ready", "ready", ["preparing"]),
    ("complete", "completed", ["ready"]), ("cancel", "cancelled", ["pending", "confirmed", "preparing", "ready"]),
    ("DELETE", "cancelled", ["pending", "confirmed", "preparing", "ready"]),
  ]

  @Test(arguments: ways.keys.sorted())
  func `From each state exactly the moves of the table are made, the others are refused and change nothing`(
    _ state: String
  ) throws {
    let house = try RestHouse(at: RestHub.shared)
    for move in Self.moves {
      // With a kitchen, and without: there nothing moves the order but people.
      for products in [[house.burger, house.soda], [house.wine]] {
        let before = try house.order(products, then: Self.ways[state] ?? [])
        #expect(before["status"].string == state)
        let id = before["id"].string ?? ""
        let offset = try house.head("pos")
        let answer =
          try move.command == "DELETE"
          ? house.call("DELETE", "orders/\(id)") : house.call("POST", "orders/\(id)/\(move.command)")
        let after = try house.call("GET", "orders/\(id)").document
        if move.from.contains(state) {
          #expect(answer.status == 200, "\(state) \(move.command): \(answer.text)")
          #expect(after["status"].string == move.to)
          #expect(after["version"].integer == (before["version"].integer ?? 0) + 1)
          #expect("\(answer.document)" == "\(after)")
        } else {
          expectProblem(answer, 409, "invalid_status_transition", "\(state) \(move.command)")
          #expect(answer.document["from"].string == state && answer.document["to"].string == move.to)
          #expect("\(after)" == "\(before)", "a refused move changes nothing")
          #expect(try house.head("pos") == offset, "a refused move has no event")
        }
      }
    }
  }

  @Test func `An order goes its whole way with its events, times, history and sums`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let placed = try house.call("POST", "orders", house.orderBody([house.burger, house.burger]))
    let order = placed.document
    let id = try #require(order["id"].string)
    #expect(placed.header("Location") == "/api/v1/orders/\(id)")
    // domain.md §3: 20.00 → 4.00 + 2.50 → 26.50.
    let sums = ["subtotal", "vat", "service_charge", "discount", "total"].map { order[$0].string ?? "" }
    #expect(sums == ["20.00", "4.00", "2.50", "0.00", "26.50"])
    #expect(order["items"][0]["line_total"].string == "20.00" && order["items"][0]["unit_price"].string == "10.00")
    #expect(order["currency"].string == "GBP" && order["status"].string == "pending" && order["version"].integer == 1)
    #expect(order["tickets"].array.isEmpty && order["confirmed_at"].isNull && order["completed_at"].isNull)
    for move in ["confirm", "prepare", "ready", "complete"] {
      #expect(try house.call("POST", "orders/\(id)/\(move)").status == 200)
    }
    let done = try house.call("GET", "orders/\(id)").document
    let times = ["created_at", "confirmed_at", "ready_at", "completed_at"].map { done[$0].string ?? "" }
    #expect(
      times == times.sorted() && times.allSatisfy { $0.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil }
    )
    #expect(done["cancelled_at"].isNull)
    let names = try house.events("pos").filter { $0["data"]["number"].string != nil }.map { $0["event"].string ?? "" }
    #expect(
      names == [
        "order.created", "order.confirmed", "order.status_changed", "order.status_changed", "order.completed",
      ])
    let history = try house.call("GET", "orders/\(id)/history").document["items"].array
    #expect(history.map { $0["to"].string ?? "" } == ["pending", "confirmed", "preparing", "ready", "completed"])
    #expect(history.map { $0["from"].string } == [nil, "pending", "confirmed", "preparing", "ready"])
  }

  @Test func `A cancelled order tells why, in the order, its event and its history`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let id = try house.order([house.burger], then: ["confirm"])["id"].string ?? ""
    let answer = try house.call("POST", "orders/\(id)/cancel", #"{"reason":"  No more buns "}"#)
    #expect(answer.status == 200 && answer.document["cancel_reason"].string == "No more buns")
    #expect(answer.document["tickets"][0]["status"].string == "voided")
    let event = try #require(try house.events("pos").first { $0["event"].string == "order.cancelled" })
    #expect(event["data"]["reason"].string == "No more buns" && event["data"]["id"].string == id)
    #expect(
      try house.call("GET", "orders/\(id)/history").document["items"].array.last?["reason"].string == "No more buns")
    expectProblem(try house.call("POST", "orders/\(id)/cancel", #"{"reason":7}"#), 422, "invalid_type")
  }

  /// Settings of the restaurant → subtotal, VAT, service, total of two burgers and a soda (22.50 on the menu).
  @Test(arguments: [
    ("", ["22.50", "4.50", "2.81", "29.81"]),
    (#","vat_enabled":false"#, ["22.50", "0.00", "2.81", "25.31"]),
    (#","service_enabled":false"#, ["22.50", "4.50", "0.00", "27.00"]),
    (#","prices_include_vat":true,"service_enabled":false"#, ["18.75", "3.75", "0.00", "22.50"]),
    (#","vat_rate":"0.0700","service_rate":"0""#, ["22.50", "1.58", "0.00", "24.08"]),
  ])
  func `Sums follow the restaurant's settings and are rounded half up, once`(settings: String, sums: [String]) throws {
    let house = try RestHouse(at: RestHub.shared, settings: settings)
    let order = try house.order([house.burger, house.burger, house.soda])
    #expect(["subtotal", "vat", "service_charge", "total"].map { order[$0].string ?? "" } == sums)
  }

  @Test func `A price that the menu does not have is refused, the menu's own is taken`() throws {
    let house = try RestHouse(at: RestHub.shared)
    func place(_ price: String) throws -> RawAnswer {
      try house.call(
        "POST", "orders",
        #"{"order_type":"takeaway","items":[{"product_id":"\#(house.burger)","quantity":1,"unit_price":\#(price)}]}"#)
    }
    for price in [#""10.00""#, #""10""#, "null"] { #expect(try place(price).status == 201, "\(price)") }
    for price in [#""9.99""#, #""10.001""#, #""""#, #""free""#, #""1e1""#] {
      let refused = try place(price)
      expectProblem(refused, 422, "price_mismatch", price)
      #expect(refused.faults == ["items[0].unit_price price_mismatch"])
    }
    expectProblem(try place("10.00"), 422, "invalid_type", "a price is text, since numbers lose digits")
  }

  @Test func `Sums that no number holds are refused, those that one does are exact`() throws {
    let house = try RestHouse(at: RestHub.shared, settings: #","service_enabled":false,"vat_enabled":false"#)
    func dear(_ price: String) throws -> String {
      let body = #"{"name":"Dear \#(price)","price":"\#(price)","category_id":"\#(house.category)"}"#
      let made = try house.call("POST", "restaurants/\(house.id)/products", body)
      try #require(made.status == 201, "\(made.text)")
      return made.document["id"].string ?? ""
    }
    let (most, half) = (try dear("92233720368547758.07"), try dear("46116860184273879.03"))
    let single = try house.order([most])
    #expect(single["total"].string == "92233720368547758.07" && single["subtotal"].string == single["total"].string)
    #expect(try house.order([half, half])["total"].string == "92233720368547758.06")
    for products in [[most, most], [most, house.soda], [half, half, half]] {
      expectProblem(try house.call("POST", "orders", house.orderBody(products)), 422, "amount_too_large")
    }
  }

  @Test func `All faults of an order come together, and nothing is left of it`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let other = try RestHouse(at: RestHub.shared)
    #expect(try house.call("PATCH", "products/\(house.soda)", #"{"stock":3}"#).status == 200)
    let (posBefore, listBefore) = (try house.head("pos"), try house.call("GET", "orders").text)
    let answer = try house.call(
      "POST", "orders",
      """
      {"order_type":"dine_in","customer_id":7,"items":[
        {"product_id":"\(other.burger)","quantity":1},{"product_id":"\(house.burger)","quantity":0},
        {"product_id":"\(house.soda)","quantity":2},{"product_id":"\(house.soda)","quantity":2},
        {"product_id":"\(house.wine)","quantity":1.5,"unit_price":"1.00","note":5}]}
      """)
    expectProblem(answer, 422, "validation_failed")
    #expect(
      Set(answer.faults) == [
        "customer_id invalid_id", "items[4].note invalid_type", "table missing_table",
        "items[0].product_id product_not_found", "items[1].quantity invalid_quantity",
        "items[3].quantity insufficient_stock", "items[4].quantity invalid_quantity",
        "items[4].unit_price price_mismatch",
      ])
    #expect(try house.head("pos") == posBefore)
    #expect(try house.call("GET", "orders").text == listBefore)
    #expect(try house.call("GET", "products/\(house.soda)").document["stock"].integer == 3)
  }

  @Test func `A suspended restaurant takes no orders`() throws {
    let house = try RestHouse(at: RestHub.shared)
    expectProblem(try house.call("PATCH", "restaurants/\(house.id)", #"{"active":false}"#), 403, "forbidden")
    #expect(try house.call("PATCH", "restaurants/\(house.id)", #"{"active":false}"#, as: house.platform).status == 200)
    let refused = try house.call("POST", "orders", house.orderBody([house.burger]))
    expectProblem(refused, 403, "restaurant_suspended")
    #expect(try house.call("PATCH", "restaurants/\(house.id)", #"{"active":true}"#, as: house.platform).status == 200)
    #expect(try house.call("POST", "orders", house.orderBody([house.burger])).status == 201)
  }

  /// These two zones are 25 hours apart, so their dates always differ.
  @Test(arguments: ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
  func `Order numbers count by restaurant and local day`(zone: String) throws {
    let house = try RestHouse(at: RestHub.shared, timeZone: zone)
    func day() throws -> String {
      try house.shared.foreign().execute("SELECT to_char(now() AT TIME ZONE $1, 'YYYYMMDD')", [zone])[0][0]
    }
    let before = try day()
    let numbers = try (0..<3).map { _ in try house.order([house.wine])["number"].string ?? "" }
    // A midnight in between would begin again at 1.
    guard try day() == before else { return }
    #expect(numbers == ["ORD-\(before)-0001", "ORD-\(before)-0002", "ORD-\(before)-0003"])
  }

  @Test func `Orders placed at once get numbers without gap or repeat`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try runConcurrently(8) { _ in
      for _ in 0..<5 { try house.order([house.wine]) }
    }
    let numbers = try house.call("GET", "orders?limit=100").document["items"].array.map { $0["number"].string ?? "" }
    #expect(numbers.count == 40)
    // Around midnight there are two days; each counts from 1.
    for (_, day) in Dictionary(grouping: numbers, by: { $0.prefix(12) }) {
      #expect(Set(day.map { String($0.suffix(4)) }) == Set((1...day.count).map { String(format: "%04d", $0) }))
    }
  }

  @Test func `A version that is not the newest is refused with the order as it is`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let id = try house.order([house.burger], then: ["confirm"])["id"].string ?? ""
    let stale = try house.call("POST", "orders/\(id)/prepare", #"{"version":1}"#)
    expectProblem(stale, 409, "stale_version")
    #expect("\(stale.document["current"])" == "\(try house.call("GET", "orders/\(id)").document)")
    #expect(stale.document["current"]["version"].integer == 2)
    #expect(try house.call("POST", "orders/\(id)/prepare", #"{"version":2}"#).document["version"].integer == 3)
    for version in [#""2""#, "0", "2.5", "true", "1e-9223372036854775808"] {
      expectProblem(
        try house.call("POST", "orders/\(id)/ready", #"{"version":\#(version)}"#), 422, "invalid_number", version)
    }
  }
}
