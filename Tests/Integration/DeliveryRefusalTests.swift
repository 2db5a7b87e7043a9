// An order that breaks a rule leaves nothing behind: no row in any table, no event staged or in the log, no stock taken,
// no number used up; and nobody hears of it (domain §3, wire §5).
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Refusals {
    /// An order, as JSON without its restaurant, and the faults that it must be refused for.
    struct Refusal: CustomTestStringConvertible, Sendable {
      let name: String
      let body: String
      let codes: Set<String>
      var testDescription: String { name }

      init(_ name: String, _ body: String, _ codes: Set<String>) {
        self.name = name
        self.body = body
        self.codes = codes
      }
    }

    /// P is a product, S one of which two are left, X one of another restaurant.
    static let refusals = [
      Refusal(
        "unknown product",
        #""order_type":"takeaway","items":[{"product_id":"01900000-0000-7000-8000-0000000fffff","quantity":1}]"#,
        ["product_not_found"]),
      Refusal(
        "another restaurant's product", #""order_type":"takeaway","items":[{"product_id":"X","quantity":1}]"#,
        ["product_not_found"]),
      Refusal(
        "quantity 0", #""order_type":"takeaway","items":[{"product_id":"P","quantity":0}]"#, ["invalid_quantity"]),
      Refusal(
        "more than the stock", #""order_type":"takeaway","items":[{"product_id":"S","quantity":3}]"#,
        ["insufficient_stock"]),
      Refusal(
        "more than the stock on two lines, after a good line",
        #""order_type":"takeaway","items":[{"product_id":"P","quantity":1},{"product_id":"S","quantity":2},{"product_id":"S","quantity":1}]"#,
        ["insufficient_stock"]),
      Refusal("no table", #""order_type":"dine_in","items":[{"product_id":"S","quantity":1}]"#, ["missing_table"]),
      Refusal(
        "another price", #""order_type":"takeaway","items":[{"product_id":"S","quantity":1,"unit_price":"0.01"}]"#,
        ["price_mismatch"]),
      Refusal("no items", #""order_type":"takeaway","items":[]"#, ["empty_order"]),
      Refusal(
        "no such type", #""order_type":"buffet","items":[{"product_id":"P","quantity":1}]"#, ["invalid_order_type"]),
      Refusal(
        "all at once",
        """
        "order_type":"dine_in","items":[{"product_id":"X","quantity":1},{"product_id":"P","quantity":0},
        {"product_id":"S","quantity":3},{"product_id":"P","quantity":1,"unit_price":"99.99"}]
        """,
        ["missing_table", "product_not_found", "invalid_quantity", "insufficient_stock", "price_mismatch"]),
    ]

    @Test func aRefusedOrderLeavesNoRowAndNoEvent() throws {
      let scene = try DeliveryScene()
      let counted = scene.restaurant.products[1]
      try scene.program.execute("UPDATE app.product SET stock = 2 WHERE id = '\(counted.id)'")
      let other = try TestRestaurant(at: scene.hub, products: 1)
      let screens = try [scene.kitchen, scene.pos, scene.restaurant.channel("restaurant")].map { channel in
        let socket = try scene.connect()
        return (channel: channel, socket: socket, offset: try scene.subscribe(socket, channel).offset)
      }
      for (number, refusal) in Self.refusals.enumerated() {
        let items = refusal.body.replacingOccurrences(of: #""P""#, with: "\"\(scene.restaurant.products[0].id)\"")
          .replacingOccurrences(of: #""S""#, with: "\"\(counted.id)\"")
          .replacingOccurrences(of: #""X""#, with: "\"\(other.products[0].id)\"")
        let before = try scene.footprint()
        let answer = try scene.hub.request(
          "POST", "/api/v1/orders", token: scene.token, body: #"{"restaurant_id":"\#(scene.restaurant.id)",\#(items)}"#,
          headers: ["Idempotency-Key": "refused-\(number)"])
        let errors = answer.json["errors"] as? [[String: Any]] ?? []
        #expect(answer.status == 422, "\(refusal.name): \(answer.status) \(answer.text)")
        #expect(Set(errors.compactMap { $0["code"] as? String }) == refusal.codes, "\(refusal.name)")
        #expect(try scene.footprint() == before, "\(refusal.name)")
      }
      // What each screen hears next is the marker, with the next offset.
      try scene.publish("test.marker", on: screens[0].channel, screens[1].channel, screens[2].channel)
      for screen in screens {
        let event = try screen.socket.next("event")
        #expect(event.event == "test.marker" && event.offset == screen.offset + 1)
      }
    }

    @Test func aMoveThatIsNotAllowedLeavesNoTraceEither() throws {
      let scene = try DeliveryScene()
      var random = SeededRandom()
      let till = Till(ports: HubPorts([scene.hub.port]), token: scene.token, random: random)
      let order = try till.sell(scene.restaurant.order(&random).body, key: "one")
      let ticket = try scene.program.execute("SELECT id FROM app.ticket WHERE order_id = '\(order)' LIMIT 1")[0][0]
      let before = try scene.footprint()
      for (path, status) in [
        ("orders/\(order)/confirm", 409), ("orders/\(order)/complete", 409), ("tickets/\(ticket)/recall", 409),
        ("tickets/\(ticket)/void-seen", 409), ("orders/01900000-0000-7000-8000-0000000fffff/confirm", 404),
      ] {
        let answer = try scene.hub.request(
          "POST", "/api/v1/\(path)", token: scene.token, headers: ["Idempotency-Key": path])
        #expect(answer.status == status, "\(path): \(answer.text)")
      }
      let stale = try scene.hub.request(
        "POST", "/api/v1/tickets/\(ticket)/bump", token: scene.token, body: #"{"version": 99}"#)
      #expect(stale.status == 409 && stale.json["code"] as? String == "stale_version")
      #expect(try scene.footprint() == before)
    }

    @Test func ofManyTillsThatSellTheLastPortionOneDoes() throws {
      let scene = try DeliveryScene()
      let product = scene.restaurant.products[0].id
      for round in 0..<5 {
        try scene.program.execute("UPDATE app.product SET stock = 1 WHERE id = '\(product)'")
        let before = try scene.footprint()
        let (port, token) = (scene.hub.port, scene.token)
        let body = """
          {"restaurant_id":"\(scene.restaurant.id)","order_type":"takeaway","items":[{"product_id":"\(product)","quantity":1}]}
          """
        let (sold, refused) = (SharedCount(), SharedCount())
        try runConcurrently(8) { number in
          let answer = try EventSocket(port: port).request(
            "POST", "/api/v1/orders", token: token, body: body, headers: ["Idempotency-Key": "\(round)-\(number)"])
          if answer.status == 201 { sold.add() }
          if answer.status == 422, answer.json["code"] as? String == "insufficient_stock" { refused.add() }
        }
        #expect(sold.value == 1 && refused.value == 7)
        let after = try scene.footprint()
        #expect(after["orders"] == before["orders"].map { $0 + 1 })
        #expect(after["stock"] == before["stock"].map { $0 - 1 })
        // order.created to restaurant: and pos:, menu.item_unavailable to those and kitchen:.
        #expect(after["events"] == before["events"].map { $0 + 5 })
        #expect(after["keys"] == before["keys"].map { $0 + 1 })
      }
    }
  }
}

extension DeliveryScene {
  /// How much there is of everything that an order could leave behind.
  func footprint() throws -> [String: Int] {
    let counts = [
      "orders": "count(*) FROM app.order", "lines": "count(*) FROM app.order_item",
      "history": "count(*) FROM app.order_history", "numbers": "coalesce(sum(last), 0) FROM app.order_counter",
      "tickets": "count(*) FROM app.ticket", "items": "count(*) FROM app.ticket_item",
      "moves": "coalesce(sum(version), 0) FROM app.ticket", "stock": "coalesce(sum(stock), 0) FROM app.product",
      "events": "count(*) FROM hub.event", "staged": "count(*) FROM hub.stage",
      "heads": "coalesce(sum(head), 0) FROM hub.channel", "keys": "count(*) FROM app.idempotency_key",
    ]
    return try counts.mapValues { try program.execute("SELECT \($0)")[0][0] }.compactMapValues { Int($0) }
  }
}
