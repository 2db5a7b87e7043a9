// The documents and snapshots that Postgres makes (Sources/Hub/SQL): that they agree with Domain, and with the events.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct SnapshotTests {
  private func snapshot(_ kind: String, _ id: String) async throws -> JSON {
    let text = try await Business.shared().value("SELECT app.snapshot('\(kind)', '\(id)')")
    return text.isEmpty ? .null : try JSON.parse(Array(text.utf8))
  }

  @Test func `The kitchen sees open tickets in fire order, what is to be made, and what is out`() async throws {
    let house = try await House.open()
    _ = await house.fire(house.steak, house.salad, house.steak)
    let second = await house.fire(house.steak)
    _ = await house.call("POST", "/tickets/\(second.tickets[0])/bump", as: .kitchen)
    _ = await house.call("PATCH", "/products/\(house.card)", ["available": false], as: .manager)
    let state = try await snapshot("kitchen", house.id)
    #expect(state["tickets"]?.array?.count == 3)
    #expect(state["tickets"]?[2]?["id"]?.string == second.tickets[0])
    #expect(state["stations"]?.array?.compactMap { $0["name"]?.string } == ["Grill", "Cold"])
    // Members in jsonb's own order: by length, then by bytes.
    #expect(
      state["all_day"] == [
        ["name": "Salad", "quantity": 1, "product_id": .string(house.salad)],
        ["name": "Steak", "quantity": 2, "product_id": .string(house.steak)],
      ])
    #expect(state["out_of_stock"] == [["name": "Card", "product_id": .string(house.card)]])
    #expect(state["thresholds"] == ["red_seconds": 1200, "amber_seconds": 900])
  }

  @Test func `The till sees open orders, oldest first, as their events carry them`() async throws {
    let house = try await House.open()
    let first = await house.place(house.steak)
    let second = await house.place(house.salad)
    let gone = await house.place(house.salad)
    _ = await house.call("DELETE", "/orders/\(gone.id)")
    let state = try await snapshot("pos", house.id)
    #expect(state["orders"] == [first.body, second.body])
    #expect(state["restaurant"]?["currency"] == "GBP")
    let told = try JSON.parse(second.events.first?.data ?? [])
    #expect(told == second.body)
  }

  @Test func `The office sees the restaurant, its stations, orders and tickets`() async throws {
    let house = try await House.open()
    _ = await house.fire(house.steak)
    let state = try await snapshot("restaurant", house.id)
    #expect(state["restaurant"]?["vat_rate"] == "0.2000")
    #expect(["stations", "orders", "tickets"].map { state[$0]?.array?.count } == [2, 1, 1])
    #expect(try await snapshot("payments", house.id)["payments"] == [])
    let platform = try await snapshot("platform", "")
    #expect(platform["restaurants"]?.array?.contains { $0["id"]?.string == house.id } == true)
  }

  @Test(arguments: [
    ("kitchen", "01900000-0000-7000-8000-00000000ffff"), ("pos", "x"), ("restaurant", ""), ("ramp", "x"),
    ("payments", "01900000-0000-7000-8000-00000000fff"), ("nonsense", "01900000-0000-7000-8000-000000000001"),
  ])
  func `What does not exist has no snapshot`(kind: String, id: String) async throws {
    #expect(try await snapshot(kind, id) == .null)
  }

  @Test func `A ramp's phase is told by whoever writes the row`() async throws {
    let business = try await Business.shared()
    let id = Identifier.fresh()
    _ = try await business.value("INSERT INTO app.ramp (id) VALUES ('\(id)') RETURNING id")
    _ = try await business.value("UPDATE app.ramp SET phase = 'funding' WHERE id = '\(id)' RETURNING id")
    _ = try await business.value("UPDATE app.ramp SET phase = 'funding' WHERE id = '\(id)' RETURNING id")
    let told = try JSON.parse(
      Array(try await business.value("SELECT jsonb_agg(data) FROM hub.event WHERE channel = 'ramp:\(id)'").utf8))
    #expect(told.array?.count == 1)
    #expect([told[0]?["from"], told[0]?["phase"]] == ["initiated", "funding"])
    #expect(try await snapshot("ramp", id.description)["phase"] == "funding")
  }

  @Test(arguments: Currency.allCases)
  func `Money is written as Domain writes it`(currency: Currency) async throws {
    for amount in [0, 5, 1234, -50, Int64.max] {
      let text = try await Business.shared().value("SELECT app.money(\(amount), '\(currency.code)')")
      #expect(text == Money(minorUnits: amount, currency: currency).description)
    }
  }

  @Test(arguments: [1, 9999, 10_000, 123_456])
  func `Order numbers are written as Domain writes them`(counter: Int) async throws {
    let text = try await Business.shared().value("SELECT app.order_number('2026-03-09', \(counter))")
    let date = try #require(LocalDate(year: 2026, month: 3, day: 9))
    #expect(text == OrderNumber(date: date, counter: counter)?.description)
  }
}
