// Orders: placing them, moving them, looking at them: domain.md §3.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct OrdersTests {
  // MARK: Placing

  @Test func `An order is priced from the menu and counted by restaurant and day`() async throws {
    let house = try await House.open()
    let order = await house.place(house.steak)
    #expect(order.status == 201)
    #expect(order["subtotal"] == "20.00")
    #expect(order["vat"] == "4.00")
    #expect(order["service_charge"] == "2.50")
    #expect(order["total"] == "26.50")
    #expect(order["status"] == "pending")
    #expect(order["number"]?.string?.hasSuffix("-0001") == true)
    #expect(order.events(on: "pos") == ["order.created"])
    #expect(order.events(on: "restaurant") == ["order.created"])
    #expect(order.events(on: "kitchen") == [])
    #expect(await house.place(house.steak)["number"]?.string?.hasSuffix("-0002") == true)
  }

  @Test func `Prices that include VAT keep the total`() async throws {
    let house = try await House.open([("prices_include_vat", true), ("service_enabled", false)])
    let order = await house.place(house.steak)
    #expect([order["subtotal"], order["vat"], order["total"]] == ["16.67", "3.33", "20.00"])
  }

  @Test func `Lines keep their order, their words and their notes`() async throws {
    let house = try await House.open()
    let order = await house.call(
      "POST", "/orders",
      [
        "order_type": "takeaway", "note": "Ring twice",
        "items": [
          ["product_id": .string(house.steak), "quantity": 2, "modifiers": ["No \"onion\"", "{a,b}"], "note": "rare"],
          ["product_id": .string(house.salad), "quantity": 1], ["product_id": .string(house.steak), "quantity": 1],
        ],
      ])
    let items = order["items"]?.array ?? []
    #expect(items.compactMap { $0["name"]?.string } == ["Steak", "Salad", "Steak"])
    #expect(items.first?["modifiers"] == ["No \"onion\"", "{a,b}"])
    #expect(items.first?["note"] == "rare")
    #expect(items.first?["line_total"] == "40.00")
    #expect(order["note"] == "Ring twice")
  }

  @Test func `All faults of an order are named together, and nothing is left of it`() async throws {
    let house = try await House.open()
    let other = try await House.open()
    let order = await house.call(
      "POST", "/orders",
      [
        "order_type": "dine_in", "note": 5,
        "items": [
          ["product_id": .string(house.steak), "quantity": 0], ["product_id": .string(other.steak), "quantity": 1],
          ["product_id": .string(house.salad), "quantity": 1, "unit_price": "1.00", "modifiers": [1]],
        ],
      ])
    #expect(order.status == 422)
    #expect(
      order.faults == [
        "note invalid_type", "items[2].modifiers invalid_type", "table missing_table",
        "items[0].quantity invalid_quantity", "items[1].product_id product_not_found",
        "items[2].unit_price price_mismatch",
      ])
    let rows = try await house.business.value("SELECT count(*) FROM app.order WHERE restaurant_id = '\(house.id)'")
    let events = try await house.business.value("SELECT count(*) FROM hub.event WHERE channel = 'pos:\(house.id)'")
    #expect(rows == "0")
    // Three products and a category were told of when the house opened.
    #expect(events == "4")
  }

  @Test(arguments: [
    (#"{"order_type":"takeaway","items":[]}"#, "items empty_order"), (#"{"items":5}"#, "order_type invalid_order_type"),
    (#"{"restaurant_id":"x"}"#, "restaurant_id invalid_id"), (#"{"restaurant_id":7}"#, "restaurant_id invalid_id"),
    (#"{"order_type":"takeaway","items":[7]}"#, "items[0].product_id product_not_found"),
  ])
  func `A body of wrong shapes is answered with faults`(body: String, fault: String) async throws {
    let house = try await House.open()
    let reply = await house.call("POST", "/orders", try JSON.parse(Array(body.utf8)))
    #expect(reply.status == 422)
    #expect(reply.faults.contains(fault), "\(reply.faults)")
  }

  @Test func `A caller of several restaurants says which`() async throws {
    let reply = try await Business.shared().call("POST", "/orders", [:], as: .of(.platformOwner))
    #expect(reply.faults == ["restaurant_id restaurant_missing"])
  }

  @Test func `A kitchen screen places no orders`() async throws {
    let house = try await House.open()
    #expect(await house.call("POST", "/orders", [:], as: .kitchen).status == 403)
  }

  // MARK: Moving

  @Test func `Confirming makes one ticket a station, and none for what nobody cooks`() async throws {
    let house = try await House.open()
    let order = await house.place(house.steak, house.salad, house.steak, house.card)
    let confirmed = await house.call("POST", "/orders/\(order.id)/confirm", ["version": 1])
    #expect(confirmed["status"] == "confirmed")
    #expect(confirmed["version"] == 2)
    #expect(confirmed["tickets"]?.array?.compactMap { $0["station"]?.string } == ["Grill", "Cold"])
    #expect(confirmed.events(on: "pos") == ["order.confirmed", "ticket.created", "ticket.created"])
    #expect(confirmed.events(on: "kitchen") == ["ticket.created", "ticket.created"])
    let tickets = await house.call("GET", "/tickets?open=true", as: .kitchen)["items"]?.array ?? []
    let grill = tickets.first { $0["station"] == "Grill" }
    #expect(grill?["items"]?.array?.count == 2)
    #expect(grill?["order_number"] == order["number"])
    #expect(grill?["table"] == "12")
  }

  @Test func `By hand an order goes through its states and takes its tickets with it`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak, house.salad)
    let preparing = await house.call("POST", "/orders/\(order)/prepare")
    #expect(preparing.events(on: "pos") == ["order.status_changed"])
    let ready = await house.call("POST", "/orders/\(order)/ready")
    #expect(ready.events(on: "kitchen") == ["ticket.ready", "ticket.ready"])
    #expect(ready["ready_at"]?.string != nil)
    let completed = await house.call("POST", "/orders/\(order)/complete")
    #expect(completed.events(on: "pos") == ["order.completed", "ticket.served", "ticket.served"])
    #expect(await house.call("GET", "/tickets/\(tickets[0])")["open"] == false)
    let history = await house.call("GET", "/orders/\(order)/history")["items"]?.array ?? []
    #expect(
      history.compactMap { $0["to"]?.string } == ["pending", "confirmed", "preparing", "ready", "completed"])
  }

  @Test(arguments: ["prepare", "ready", "complete"])
  func `An order skips no state`(move: String) async throws {
    let house = try await House.open()
    let order = await house.place(house.steak)
    let reply = await house.call("POST", "/orders/\(order.id)/\(move)")
    #expect(reply.status == 409)
    #expect(reply.code == "invalid_status_transition")
    #expect(reply["from"] == "pending")
    #expect(reply.events.isEmpty)
    #expect(await house.status(of: order.id) == "pending")
  }

  @Test func `The same state again is refused`() async throws {
    let house = try await House.open()
    let (order, _) = await house.fire(house.steak)
    let reply = await house.call("POST", "/orders/\(order)/confirm")
    #expect(reply.status == 409)
    #expect([reply["from"], reply["to"]] == ["confirmed", "confirmed"])
  }

  @Test func `Of many who confirm at once one does`() async throws {
    let house = try await House.open()
    let order = await house.place(house.steak, house.salad)
    let confirmed = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask { await house.call("POST", "/orders/\(order.id)/confirm").status == 200 ? 1 : 0 }
      }
      return await group.reduce(0, +)
    }
    #expect(confirmed == 1)
    let tickets = try await house.business.value("SELECT count(*) FROM app.ticket WHERE order_id = '\(order.id)'")
    #expect(tickets == "2")
  }

  @Test func `An old version is refused with the current order`() async throws {
    let house = try await House.open()
    let (order, _) = await house.fire(house.steak)
    let reply = await house.call("POST", "/orders/\(order)/prepare", ["version": 1])
    #expect(reply.code == "stale_version")
    #expect(reply["current"]?["status"] == "confirmed")
  }

  @Test func `A cancelled order's tickets stay on the screen, voided, with its reason told`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    let cancelled = await house.call("POST", "/orders/\(order)/cancel", ["reason": " left \n"])
    #expect(cancelled["cancel_reason"] == "left")
    #expect(cancelled.events(on: "pos") == ["order.cancelled", "ticket.voided"])
    let told = try JSON.parse(cancelled.events.first { $0.name == "order.cancelled" }?.data ?? [])
    #expect(told["reason"] == "left")
    let ticket = await house.call("GET", "/tickets/\(tickets[0])")
    #expect([ticket["status"], ticket["open"], ticket["items"]?[0]?["status"]] == ["voided", true, "voided"])
    #expect(await house.call("POST", "/orders/\(order)/cancel").status == 409)
  }

  // MARK: Looking

  @Test func `Orders are listed newest first, page by page`() async throws {
    let house = try await House.open()
    var placed: [String] = []
    for _ in 0..<5 { placed.append(await house.place(house.steak).id) }
    var listed: [String] = []
    var cursor = ""
    repeat {
      let page = await house.call("GET", "/orders?limit=2\(cursor)")
      listed += (page["items"]?.array ?? []).compactMap { $0["id"]?.string }
      cursor = page["next"]?.string.map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty
    #expect(listed == placed.reversed())
  }

  @Test func `Orders are filtered by status, table and time`() async throws {
    let house = try await House.open()
    let seven = await house.place(house.steak, table: "7").id
    let eight = await house.place(house.steak, table: "8").id
    _ = await house.call("DELETE", "/orders/\(eight)")
    func listed(_ query: String) async -> [String] {
      (await house.call("GET", "/orders?\(query)")["items"]?.array ?? []).compactMap { $0["id"]?.string }
    }
    #expect(await listed("status=pending") == [seven])
    #expect(await listed("status=cancelled") == [eight])
    #expect(await listed("table=7") == [seven])
    #expect(await listed("from=2020-01-01&to=2020-01-02T00:00:00Z") == [])
    #expect(await listed("from=2020-01-01") == [eight, seven])
    let today = await house.call("GET", "/orders/today")
    #expect(today["items"]?.array?.compactMap { $0["id"]?.string } == [seven])
  }

  @Test(arguments: [
    ("status=open", 422), ("from=yesterday", 422), ("to=infinity", 422), ("limit=0", 422), ("limit=x", 422),
    ("cursor=zzz", 400), ("from=2020-01-01T99:00:00Z", 400), ("restaurant_id=x", 422),
  ])
  func `A list's bad questions are refused`(query: String, status: Int) async throws {
    let house = try await House.open()
    #expect(await house.call("GET", "/orders?\(query)").status == status)
  }
}
