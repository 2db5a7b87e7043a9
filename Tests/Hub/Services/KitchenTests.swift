// Tickets at the kitchen's screen and what follows for their order: domain.md §4.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct KitchenTests {
  private func move(_ ticket: String, _ move: String, _ body: JSON = .null, in house: House) async -> Reply {
    await house.call("POST", "/tickets/\(ticket)/\(move)", body, as: .kitchen)
  }

  @Test func `The first ticket begun makes the order preparing, the last ready makes it ready`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak, house.salad)
    let started = await move(tickets[0], "start", in: house)
    #expect(started["status"] == "started")
    #expect(started.events(on: "kitchen") == ["ticket.started"])
    #expect(started.events(on: "pos") == ["ticket.started", "order.status_changed"])
    #expect(await house.status(of: order) == "preparing")
    let first = await move(tickets[0], "bump", in: house)
    #expect(first["status"] == "ready")
    #expect(first["items"]?[0]?["status"] == "ready")
    #expect(first.events(on: "pos") == ["ticket.ready"])
    let last = await move(tickets[1], "bump", in: house)
    #expect(last.events(on: "pos") == ["ticket.ready", "order.status_changed"])
    #expect(await house.status(of: order) == "ready")
  }

  @Test func `Bumping the only ticket at once takes the order through both states`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    let bumped = await move(tickets[0], "bump", in: house)
    let steps = try bumped.events.filter { $0.channel.hasPrefix("pos:") && $0.name == "order.status_changed" }
      .map { try JSON.parse($0.data) }
    #expect(steps.map { $0["from"] } == ["confirmed", "preparing"])
    #expect(steps.map { $0["status"] } == ["preparing", "ready"])
    #expect(await house.status(of: order) == "ready")
  }

  @Test func `A ready ticket bumped again is served and leaves the screen`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    _ = await move(tickets[0], "bump", in: house)
    let served = await move(tickets[0], "bump", in: house)
    #expect([served["status"], served["open"]] == ["served", false])
    #expect(await house.status(of: order) == "ready")
    let again = await move(tickets[0], "bump", in: house)
    #expect(again.code == "invalid_status_transition")
  }

  @Test func `A recalled ticket is made again and takes its order back`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    _ = await move(tickets[0], "bump", in: house)
    let recalled = await move(tickets[0], "recall", in: house)
    #expect([recalled["status"], recalled["recalled"], recalled["ready_at"]] == ["started", true, .some(.null)])
    #expect(recalled["items"]?[0]?["status"] == "new")
    #expect(recalled.events(on: "pos") == ["ticket.recalled", "order.status_changed"])
    #expect(await house.status(of: order) == "preparing")
  }

  @Test func `Nothing is recalled from an order that is over`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    _ = await move(tickets[0], "bump", in: house)
    _ = await house.call("POST", "/orders/\(order)/complete")
    let reply = await move(tickets[0], "recall", in: house)
    #expect(reply.status == 409)
    #expect([reply["from"], reply["to"]] == ["served", "started"])
  }

  @Test func `A bump with an old version is refused with the ticket as it is`() async throws {
    let house = try await House.open()
    let (_, tickets) = await house.fire(house.steak)
    _ = await move(tickets[0], "start", ["version": 1], in: house)
    let reply = await move(tickets[0], "bump", ["version": 1], in: house)
    #expect(reply.code == "stale_version")
    #expect(reply["current"]?["status"] == "started")
    #expect(reply["current"]?["version"] == 2)
  }

  @Test(arguments: ["void-seen", "bump"])
  func `A voided ticket leaves the screen when it was seen`(by button: String) async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    _ = await house.call("DELETE", "/orders/\(order)")
    let seen = await move(tickets[0], button, in: house)
    #expect([seen["status"], seen["open"]] == ["voided", false])
    #expect(seen.events(on: "kitchen") == ["ticket.void_seen"])
    #expect(await move(tickets[0], button, in: house).status == 409)
    #expect(await house.call("GET", "/tickets?open=true", as: .kitchen)["items"] == [])
  }

  @Test func `A till looks at tickets and does not move them`() async throws {
    let house = try await House.open()
    let (_, tickets) = await house.fire(house.steak)
    #expect(await house.call("GET", "/tickets/\(tickets[0])", as: .till).status == 200)
    #expect(await house.call("POST", "/tickets/\(tickets[0])/bump", as: .till).status == 403)
  }

  @Test func `Tickets bumped at the same time make their order ready exactly once`() async throws {
    let house = try await House.open()
    for _ in 0..<20 {
      let (order, tickets) = await house.fire(house.steak, house.salad)
      let events = await withTaskGroup(of: [String].self) { group in
        for ticket in tickets { group.addTask { await move(ticket, "bump", in: house).events(on: "pos") } }
        return await group.reduce(into: []) { $0 += $1 }
      }
      #expect(await house.status(of: order) == "ready")
      #expect(events.count(where: { $0 == "order.status_changed" }) == 2)
    }
  }

  @Test func `A cancel and a bump at the same time leave no open dish of a cancelled order`() async throws {
    let house = try await House.open()
    for _ in 0..<20 {
      let (order, tickets) = await house.fire(house.steak)
      async let bumped = move(tickets[0], "bump", in: house)
      async let cancelled = house.call("POST", "/orders/\(order)/cancel")
      _ = await (bumped, cancelled)
      #expect(await house.status(of: order) == "cancelled")
      let ticket = await house.call("GET", "/tickets/\(tickets[0])")
      #expect(ticket["status"] == "voided")
    }
  }

  @Test func `Open tickets are listed in fire order, by station`() async throws {
    let house = try await House.open()
    let first = await house.fire(house.steak, house.salad)
    let second = await house.fire(house.steak)
    let station = await house.call("GET", "/tickets/\(second.tickets[0])")["station_id"]?.string ?? ""
    let listed = await house.call("GET", "/tickets?open=true&station_id=\(station)", as: .kitchen)
    #expect(
      listed["items"]?.array?.compactMap { $0["id"]?.string } == [first.tickets[0], second.tickets[0]])
    let newest = await house.call("GET", "/tickets?limit=1", as: .kitchen)
    #expect(newest["items"]?[0]?["id"]?.string == second.tickets[0])
    #expect(await house.call("GET", "/tickets?open=maybe&station_id=x").faults.count == 2)
  }
}
