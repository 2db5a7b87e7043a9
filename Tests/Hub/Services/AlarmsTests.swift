// Tickets that nobody sees and stations without a screen: domain.md §4 "Receipts". Deadlines are made due instead of
// waited for, and what was told is read from the log, since whoever fires acts for every test.
import Channels
import Domain
import Protocol
import TestSupport
import Testing

@testable import Hub

extension House {
  var kitchenChannel: String { "kitchen:\(id)" }

  /// What was told of alarms on the till's channel, oldest first: event names, each with the subject.
  func alarmsTold(_ pattern: String = "(ticket.(un)?seen|station.(un)?covered)") async throws -> [(String, JSON)] {
    let text = try await business.value(
      """
      SELECT coalesce(jsonb_agg(jsonb_build_array(name, data) ORDER BY "offset"), '[]')
      FROM hub.event WHERE channel = 'pos:\(id)' AND name ~ '^\(pattern)$'
      """)
    return (try JSON.parse(Array(text.utf8)).array ?? []).map { ($0[0]?.string ?? "", $0[1] ?? .null) }
  }

  func alarmNames() async throws -> [String] { try await alarmsTold().map(\.0) }

  /// The alarms that a snapshot carries.
  func standing(_ kind: String = "pos") async throws -> [JSON] {
    let text = try await business.value("SELECT app.snapshot('\(kind)', '\(id)') -> 'alarms'")
    return try JSON.parse(Array(text.utf8)).array ?? []
  }

  /// Makes the deadline of a ticket, or of this kitchen, come and acts on it.
  func comes(_ subject: String) async throws {
    _ = try await business.value(
      "UPDATE hub.deadline SET due_at = clock_timestamp() - interval '1 second' WHERE subject = '\(subject)'")
    try await business.fireAll()
  }

  /// The same until it is over: it is put off for a moment when what it is about is locked.
  func comesAndGoes(_ subject: String) async throws {
    repeat {
      try await comes(subject)
    } while try await business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(subject)'") != "0"
  }

  /// Which station makes the product.
  func station(of product: String) async throws -> Identifier {
    try #require(Identifier(try await business.value("SELECT station_id FROM app.product WHERE id = '\(product)'")))
  }

  func head() async throws -> Int64 {
    Int64(try await business.value("SELECT head FROM hub.channel WHERE name = '\(kitchenChannel)'")) ?? 0
  }

  /// A screen says that it has shown everything up to the offset.
  func shown(_ offset: Int64, by device: Identifier = .fresh(), stations: [Identifier]? = nil) async throws {
    let channel = try #require(ChannelName(kitchenChannel))
    let caller = Caller(
      userID: device, role: .kitchen, restaurants: [], sessionID: nil, expires: .max)
    let reader = ReceiptReader(caller, .fresh(), channel, stations: stations)
    _ = try await business.store([(reader, ReceiptOffsets(received: offset, shown: offset))])
  }
}

@Suite struct AlarmsTests {
  @Test func `A ticket that no screen shows is told once, with its station, and again when it is seen`() async throws {
    let house = try await House.open()
    let (order, tickets) = await house.fire(house.steak)
    try await house.comes(tickets[0])
    try await house.comes(tickets[0])
    let told = try await house.alarmsTold()
    #expect(told.map(\.0) == ["ticket.unseen"])
    let ticket = told[0].1
    #expect([ticket["id"]?.string, ticket["order_id"]?.string] == [tickets[0], order])
    #expect([ticket["station"], ticket["alarm"]?["station"], ticket["status"]] == ["Grill", "Grill", "new"])
    let standing = try await house.standing()
    #expect(standing == [ticket["alarm"] ?? .null])
    #expect(try await house.standing("restaurant") == standing)

    let head = try await house.head()
    try await house.shown(head)
    try await house.shown(head)
    #expect(try await house.alarmNames() == ["ticket.unseen", "ticket.seen"])
    #expect(try await house.alarmsTold()[1].1["by"] == "shown")
    #expect(try await house.standing() == [])
  }

  @Test func `A ticket that was shown in time raises nothing`() async throws {
    let house = try await House.open()
    let (_, tickets) = await house.fire(house.steak, house.salad)
    try await house.shown(try await house.head())
    for ticket in tickets { try await house.comes(ticket) }
    #expect(try await house.alarmNames() == [])
  }

  @Test func `An older receipt does not count, nor one of a screen that shows other stations`() async throws {
    let house = try await House.open()
    _ = await house.fire(house.steak)
    let before = try await house.head()
    let (_, tickets) = await house.fire(house.steak)
    let (grill, cold) = (try await house.station(of: house.steak), try await house.station(of: house.salad))
    try await house.shown(before)
    try await house.shown(try await house.head(), stations: [cold])
    try await house.comes(tickets[0])
    #expect(try await house.alarmNames() == ["ticket.unseen"])
    try await house.shown(try await house.head(), stations: [cold])
    #expect(try await house.alarmNames() == ["ticket.unseen"])
    try await house.shown(try await house.head(), stations: [cold, grill])
    #expect(try await house.alarmNames() == ["ticket.unseen", "ticket.seen"])
  }

  @Test func `A ticket that is moved needs no screen, before the time and after it`() async throws {
    let house = try await House.open()
    let (_, early) = await house.fire(house.steak)
    _ = await house.call("POST", "/tickets/\(early[0])/start", as: .kitchen)
    try await house.comes(early[0])
    #expect(try await house.alarmNames() == [])

    let (_, bumped) = await house.fire(house.steak)
    let (order, voided) = await house.fire(house.salad)
    for ticket in [bumped[0], voided[0]] { try await house.comes(ticket) }
    let reply = await house.call("POST", "/tickets/\(bumped[0])/bump", as: .kitchen)
    #expect(reply.events(on: "pos").prefix(2) == ["ticket.seen", "ticket.ready"])
    let cancelled = await house.call("POST", "/orders/\(order)/cancel")
    #expect(cancelled.events(on: "pos").contains("ticket.seen"))
    let told = try await house.alarmsTold()
    #expect(told.map(\.0) == ["ticket.unseen", "ticket.unseen", "ticket.seen", "ticket.seen"])
    // The document is as it stands after the move, items and all.
    #expect(told[2].1["items"]?[0]?["status"] == "ready")
    #expect(told[2].1["by"] == "moved")
    #expect(try await house.standing() == [])
  }

  @Test func `The time that a transaction was held open is not held against the kitchen`() async throws {
    let house = try await House.open()
    let ticket = await house.fire(house.steak).tickets[0]
    // As if the ticket had been made five minutes before the commit that told of it.
    _ = try await house.business.value(
      """
      UPDATE hub.deadline SET data = data || jsonb_build_object('set_at', clock_timestamp() - interval '5 minutes')
      WHERE subject = '\(ticket)' RETURNING 1
      """)
    try await house.comes(ticket)
    #expect(try await house.alarmNames() == [])
    let isLater = try await house.business.value(
      "SELECT due_at > clock_timestamp() + interval '4 minutes' FROM hub.deadline WHERE subject = '\(ticket)'")
    #expect(isLater == "t")
    try await house.comes(ticket)
    #expect(try await house.alarmNames() == ["ticket.unseen"])
  }

  @Test func `A ticket that was written by hand, without an event, is told of all the same`() async throws {
    let house = try await House.open()
    let order = await house.fire(house.card).order
    let ticket = Identifier.fresh()
    _ = try await house.business.value(
      """
      INSERT INTO app.ticket (id, restaurant_id, order_id, station_id)
      VALUES ('\(ticket)', '\(house.id)', '\(order)', '\(try await house.station(of: house.steak))') RETURNING 1
      """)
    try await house.shown(try await house.head())
    try await house.comes(ticket.description)
    #expect(try await house.alarmNames() == ["ticket.unseen"])
  }

  @Test func `A recalled ticket has no deadline: somebody has just touched it`() async throws {
    let house = try await House.open()
    let (_, tickets) = await house.fire(house.steak)
    try await house.shown(try await house.head())
    try await house.comes(tickets[0])
    _ = await house.call("POST", "/tickets/\(tickets[0])/bump", as: .kitchen)
    _ = await house.call("POST", "/tickets/\(tickets[0])/recall", as: .kitchen)
    let rows = try await house.business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(tickets[0])'")
    #expect(rows == "0")
  }

  @Test func `How long a ticket may go unseen is the restaurant's to set, and 0 means that nobody minds`() async throws
  {
    let house = try await House.open([("unseen_seconds", 0)])
    let (_, tickets) = await house.fire(house.steak)
    #expect(try await house.business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(tickets[0])'") == "0")
    for wrong in [JSON.integer(-1), .integer(601), "10"] {
      let reply = await house.call("PATCH", "/restaurants/\(house.id)", ["unseen_seconds": wrong], as: .manager)
      #expect(reply.faults == ["unseen_seconds invalid_number"])
    }
    let set = await house.call("PATCH", "/restaurants/\(house.id)", ["unseen_seconds": 600], as: .manager)
    #expect(set["unseen_seconds"] == 600)
    let (_, next) = await house.fire(house.steak)
    let isFar = try await house.business.value(
      "SELECT due_at > clock_timestamp() + interval '9 minutes' FROM hub.deadline WHERE subject = '\(next[0])'")
    #expect(isFar == "t")
  }

  @Test func `Of many that look at once one raises the alarm`() async throws {
    let house = try await House.open()
    var tickets: [String] = []
    for _ in 0..<8 { tickets += await house.fire(house.steak, house.salad).tickets }
    await withTaskGroup(of: Void.self) { group in
      for ticket in tickets + tickets { group.addTask { try? await house.comesAndGoes(ticket) } }
    }
    let subjects = try await house.alarmsTold().map { $0.1["id"]?.string ?? "" }
    #expect(subjects.sorted() == tickets.sorted())
  }

  @Test func `An alarm and the receipt that answers it, at the same moment, leave nothing standing`() async throws {
    let house = try await House.open()
    for _ in 0..<15 {
      let tickets = await house.fire(house.steak, house.salad).tickets
      let head = try await house.head()
      await withTaskGroup(of: Void.self) { group in
        for ticket in tickets { group.addTask { try? await house.comesAndGoes(ticket) } }
        group.addTask { try? await house.shown(head) }
        group.addTask { try? await house.shown(head) }
      }
      #expect(try await house.standing() == [])
    }
    let told = try await house.alarmsTold()
    let unseen = told.filter { $0.0 == "ticket.unseen" }.map { $0.1["id"]?.string ?? "" }
    let seen = told.filter { $0.0 == "ticket.seen" }.map { $0.1["id"]?.string ?? "" }
    #expect(Set(unseen).count == unseen.count)
    #expect(unseen.sorted() == seen.sorted())
  }

  @Test func `A receipt that meets an alarm not yet committed waits for it and answers it`() async throws {
    let house = try await House.open()
    try await house.shown(try await house.head())
    let ticket = await house.fire(house.steak).tickets[0]
    let store = "SELECT app.store_receipts('\(try await receipt(in: house))')"
    let (alarming, storing) = (try ForeignConnection(house.business.database), house.business.database)
    // Due in its own transaction only, so that no other test acts on it first.
    try alarming.execute(
      """
      BEGIN; UPDATE hub.deadline SET due_at = now() - interval '1 hour' WHERE subject = '\(ticket)';
      SELECT hub.fire_deadlines(1)
      """)
    let receipt = Worker("receipt") { try ForeignConnection(storing).execute(store) }
    let watch = try ForeignConnection(storing)
    try eventually("the receipt waits, or is through") {
      try receipt.hasEnded
        || !watch.execute(
          "SELECT FROM pg_stat_activity WHERE query = $1 AND wait_event_type = 'Lock'", [store]
        ).isEmpty
    }
    try alarming.execute("COMMIT")
    try receipt.wait(within: 10)
    #expect(try await house.alarmNames() == ["ticket.unseen", "ticket.seen"])
    #expect(try await house.standing() == [])
  }

  @Test func `An alarm that meets a receipt not yet committed comes back and finds it`() async throws {
    let house = try await House.open()
    try await house.shown(try await house.head())
    let ticket = await house.fire(house.steak).tickets[0]
    let storing = try ForeignConnection(house.business.database)
    try storing.execute("BEGIN; SELECT app.store_receipts('\(try await receipt(in: house))')")
    try await house.comes(ticket)
    try storing.execute("COMMIT")
    try await house.comesAndGoes(ticket)
    #expect(try await house.alarmNames() == [])
  }

  /// What a screen of all stations says that has shown everything.
  private func receipt(in house: House) async throws -> String {
    let head = try await house.head()
    return """
      [{"channel": "\(house.kitchenChannel)", "device": "\(Identifier.fresh())", "user": "\(Identifier.fresh())",
        "role": "kitchen", "stations": null, "received": \(head), "shown": \(head), "accepted": 0}]
      """
  }

  @Test func `A ticket moved and its alarm, at the same moment, leave nothing standing`() async throws {
    let house = try await House.open()
    for _ in 0..<15 {
      let ticket = await house.fire(house.steak).tickets[0]
      async let alarm: Void = house.comesAndGoes(ticket)
      async let moved = house.call("POST", "/tickets/\(ticket)/bump", as: .kitchen)
      _ = try await (alarm, moved)
      #expect(try await house.standing() == [])
    }
    let names = try await house.alarmNames()
    #expect(names.count(where: { $0 == "ticket.unseen" }) == names.count(where: { $0 == "ticket.seen" }))
  }
}
