// Restaurants and stations: domain.md §2, and the tenancy of every path below them.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct RestaurantsTests {
  @Test func `The platform's owner opens a restaurant with the standard rates`() async throws {
    let business = try await Business.shared()
    let reply = await business.call(
      "POST", "/restaurants", ["name": "Chez X", "time_zone": "Europe/Paris", "currency": "EUR"],
      as: .of(.platformOwner))
    #expect(reply.status == 201)
    #expect(reply["vat_rate"] == "0.2000")
    #expect(reply["service_rate"] == "0.1250")
    #expect(reply["version"] == 1)
    #expect(reply.events.map(\.channel).sorted() == ["platform", "restaurant:\(reply.id)"])
  }

  @Test func `Nobody else opens a restaurant`() async throws {
    let house = try await House.open()
    for role in [Role.restaurantOwner, .manager, .employee, .till, .kitchen] {
      #expect(await house.call("POST", "/restaurants", [:], as: role).status == 403)
    }
  }

  @Test func `All faults of a restaurant are named together`() async throws {
    let reply = try await Business.shared().call(
      "POST", "/restaurants", ["name": "", "time_zone": "BST", "currency": "eur", "vat_rate": "20%"],
      as: .of(.platformOwner))
    #expect(reply.status == 422)
    #expect(
      reply.faults == [
        "name text_missing", "time_zone invalid_time_zone", "currency invalid_currency", "vat_rate invalid_rate",
      ])
  }

  @Test func `A zone that the database does not have is refused`() async throws {
    let reply = try await Business.shared().call(
      "POST", "/restaurants", ["name": "X", "time_zone": "Europe/Nowhere", "currency": "EUR"],
      as: .of(.platformOwner))
    #expect(reply.faults == ["time_zone invalid_time_zone"])
  }

  @Test func `Two who change it together: the second is told the current state`() async throws {
    let house = try await House.open()
    let first = await house.call("PATCH", "/restaurants/\(house.id)", ["name": "One", "version": 1], as: .manager)
    #expect(first["version"] == 2)
    let second = await house.call("PATCH", "/restaurants/\(house.id)", ["name": "Two", "version": 1], as: .manager)
    #expect(second.status == 409)
    #expect(second.code == "stale_version")
    #expect(second["current"]?["name"] == "One")
  }

  @Test func `A restaurant keeps its currency, and only the platform suspends it`() async throws {
    let house = try await House.open()
    let path = "/restaurants/\(house.id)"
    #expect(await house.call("PATCH", path, ["currency": "EUR"], as: .manager).faults == ["currency currency_fixed"])
    #expect(await house.call("PATCH", path, ["active": false], as: .restaurantOwner).status == 403)
    let suspended = await house.business.call("PATCH", path, ["active": false], as: .of(.platformOwner))
    #expect(suspended.status == 200)
    #expect(suspended.events(on: "pos") == ["restaurant.suspended", "access.revoked"])
    #expect(await house.place(house.steak).code == "restaurant_suspended")
  }

  @Test func `Stations are listed in their order and have different names`() async throws {
    let house = try await House.open()
    let path = "/restaurants/\(house.id)/stations"
    #expect(await house.call("POST", path, ["name": "Grill"], as: .manager).code == "name_taken")
    let made = await house.call("POST", path, ["name": "Bar", "position": 0], as: .manager)
    #expect(made.events(on: "kitchen") == ["station.created"])
    let listed = await house.call("GET", path, as: .kitchen)
    #expect(listed["items"]?.array?.compactMap { $0["name"]?.string } == ["Bar", "Grill", "Cold"])
  }

  @Test func `To another restaurant's people nothing of this one exists`() async throws {
    let house = try await House.open()
    let other = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    let paths: [(String, String)] = [
      ("GET", "/restaurants/\(house.id)"), ("PATCH", "/restaurants/\(house.id)"),
      ("GET", "/restaurants/\(house.id)/stations"), ("POST", "/restaurants/\(house.id)/stations"),
      ("GET", "/restaurants/\(house.id)/menu"), ("POST", "/restaurants/\(house.id)/categories"),
      ("GET", "/restaurants/\(house.id)/products"), ("POST", "/restaurants/\(house.id)/products"),
      ("GET", "/products/\(house.steak)"), ("PATCH", "/products/\(house.steak)"),
      ("GET", "/orders?restaurant_id=\(house.id)"), ("GET", "/orders/today?restaurant_id=\(house.id)"),
      ("GET", "/orders/\(order)"), ("GET", "/orders/\(order)/history"), ("DELETE", "/orders/\(order)"),
      ("POST", "/orders/\(order)/confirm"), ("POST", "/orders/\(order)/prepare"), ("POST", "/orders/\(order)/ready"),
      ("POST", "/orders/\(order)/complete"), ("POST", "/orders/\(order)/cancel"),
      ("GET", "/tickets?restaurant_id=\(house.id)"), ("GET", "/tickets/\(tickets[0])"),
      ("POST", "/tickets/\(tickets[0])/start"), ("POST", "/tickets/\(tickets[0])/bump"),
      ("POST", "/tickets/\(tickets[0])/recall"), ("POST", "/tickets/\(tickets[0])/void-seen"),
    ]
    for (method, path) in paths {
      let reply = await other.call(method, path, as: .restaurantOwner)
      #expect(reply.status == 404, "\(method) \(path)")
      #expect(reply.events.isEmpty)
    }
    let foreign = await other.call("POST", "/orders", ["restaurant_id": .string(house.id), "items": []], as: .manager)
    #expect(foreign.status == 404)
    #expect(await house.status(of: order) == "confirmed")
  }
}
