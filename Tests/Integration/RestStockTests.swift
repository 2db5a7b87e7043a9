// Stock and what is out ("86"): counted stock is taken by the order itself, at once for all tills, and given back by a
// cancel as far as the kitchen has not begun (domain.md §2).
import Foundation
import Testing
import TestSupport

@Suite struct RestStockTests {
  private func stock(_ house: RestHouse, _ product: String) throws -> Document {
    try house.call("GET", "products/\(product)").document
  }

  private func set(_ house: RestHouse, _ product: String, _ body: String) throws {
    let answer = try house.call("PATCH", "products/\(product)", body)
    try #require(answer.status == 200, "\(answer.text)")
  }

  /// The names of the events about what is out, in order.
  private func turns(_ house: RestHouse, _ kind: String) throws -> [String] {
    try house.events(kind).compactMap { $0["event"].string }.filter { $0.hasPrefix("menu.item_") }
  }

  @Test
  func `Of tills that race for the last portion one sells it, each time, and everybody hears once that it is gone`()
    throws
  {
    let house = try RestHouse(at: RestHub.shared)
    let tills = try (0..<4).map { _ in try house.shared.forge.token(role: "till", restaurants: [house.id]) }
    let rounds = 15
    for _ in 0..<rounds {
      try set(house, house.soda, #"{"stock":1}"#)
      let (sold, refused) = (SharedCount(), SharedCount())
      try runConcurrently(tills.count) { till in
        let answer = try house.call("POST", "orders", house.orderBody([house.soda, house.burger]), as: tills[till])
        switch answer.status {
        case 201: sold.add()
        case 422 where answer.faults == ["items[0].quantity insufficient_stock"]: refused.add()
        default: throw SupportError("till \(till): \(answer.status) \(answer.text)")
        }
      }
      #expect(sold.value == 1 && refused.value == tills.count - 1)
      let left = try stock(house, house.soda)
      #expect(left["stock"].integer == 0 && left["available"].boolean == false)
    }
    for kind in ["restaurant", "pos", "kitchen"] {
      let turns = try turns(house, kind)
      #expect(turns.filter { $0 == "menu.item_unavailable" }.count == rounds, "\(kind)")
      #expect(turns.filter { $0 == "menu.item_available" }.count == rounds - 1, "\(kind): set back between the rounds")
    }
    #expect(try house.call("GET", "orders?limit=100").document["items"].array.count == rounds)
  }

  @Test func `Stock taken in parts by many tills never falls below zero`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try set(house, house.burger, #"{"stock":17}"#)
    try set(house, house.soda, #"{"stock":9}"#)
    let sold = SharedCount()
    try runConcurrently(6) { number in
      for round in 0..<4 {
        // Both products in both orders of naming: a deadlock would be a 5xx.
        let products = (number + round) % 2 == 0 ? [house.burger, house.soda] : [house.soda, house.burger]
        let answer = try house.call("POST", "orders", house.orderBody(products))
        guard answer.status == 201 || answer.code == "insufficient_stock" || answer.code == "validation_failed" else {
          throw SupportError("\(answer.status) \(answer.text)")
        }
        if answer.status == 201 { sold.add() }
      }
    }
    #expect(sold.value == 9)
    #expect(try stock(house, house.soda)["stock"].integer == 0)
    #expect(try stock(house, house.burger)["stock"].integer == 8)
  }

  @Test func `A cancel gives back what the kitchen has not begun, and says that it is there again`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try set(house, house.burger, #"{"stock":2}"#)
    try set(house, house.soda, #"{"stock":1}"#)
    let order = try house.order([house.burger, house.burger, house.soda], then: ["confirm"])
    #expect(try turns(house, "kitchen") == ["menu.item_unavailable", "menu.item_unavailable"])
    // The grill begins, the bar does not.
    let ticket = order["tickets"].array.first { $0["station"].string == "Grill" }?["id"].string ?? ""
    #expect(try house.call("POST", "tickets/\(ticket)/start").status == 200)
    #expect(try house.call("POST", "orders/\(order["id"].string ?? "")/cancel").status == 200)
    #expect(try stock(house, house.burger)["stock"].integer == 0)
    #expect(try stock(house, house.soda)["stock"].integer == 1)
    let last = try #require(try house.events("kitchen").last { $0["event"].string == "menu.item_available" })
    #expect(last["data"]["product_id"].string == house.soda && last["data"]["name"].string == "Soda")
    #expect(try turns(house, "kitchen").count == 3, "the burger stays out")
  }

  @Test func `A person says that something is out and back; the menu's page and the kitchen know at once`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let cook = house.tokens["kitchen"]
    func say(_ available: Bool) throws -> RawAnswer {
      try house.call("PATCH", "products/\(house.soda)", #"{"available":\#(available)}"#, as: cook)
    }
    let menu = try house.call("GET", "restaurants/\(house.id)/menu")
    #expect(try say(false).document["available"].boolean == false)
    #expect(try say(false).status == 200, "saying it again is no news")
    expectProblem(try house.call("POST", "orders", house.orderBody([house.soda])), 422, "product_unavailable")
    let snapshot = try house.call("GET", "channels/kitchen:\(house.id)", as: cook).document["snapshot"]
    #expect(snapshot["out_of_stock"].array.map { $0["name"].string } == ["Soda"])
    let changed = try house.call(
      "GET", "restaurants/\(house.id)/menu", headers: ["If-None-Match": menu.header("ETag") ?? ""])
    #expect(changed.status == 200 && changed.header("ETag") != menu.header("ETag"))
    #expect(try say(true).document["available"].boolean == true)
    #expect(try house.call("POST", "orders", house.orderBody([house.soda])).status == 201)
    for kind in ["restaurant", "pos", "kitchen"] {
      #expect(try turns(house, kind) == ["menu.item_unavailable", "menu.item_available"], "\(kind)")
    }
  }

  @Test func `A product that is no longer sold cannot be ordered and leaves the menu, not the list`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try set(house, house.wine, #"{"active":false}"#)
    expectProblem(try house.call("POST", "orders", house.orderBody([house.wine])), 422, "product_inactive")
    #expect(try !house.call("GET", "restaurants/\(house.id)/menu").text.contains(house.wine))
    #expect(try house.call("GET", "restaurants/\(house.id)/products").text.contains(house.wine))
  }
}
