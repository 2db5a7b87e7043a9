// Kitchen tickets over HTTP: one a station, every move, and the order that follows them (domain.md §4).
import Foundation
import Testing
import TestSupport

@Suite struct RestTicketsTests {
  private func ticket(_ order: Document, at station: String) -> String {
    order["tickets"].array.first { $0["station"].string == station }?["id"].string ?? ""
  }

  private func move(_ house: RestHouse, _ ticket: String, _ move: String, _ body: String? = nil) throws -> RawAnswer {
    try house.call("POST", "tickets/\(ticket)/\(move)", body, as: house.tokens["kitchen"])
  }

  private func orderStatus(_ house: RestHouse, _ order: Document) throws -> String {
    try house.call("GET", "orders/\(order["id"].string ?? "")").document["status"].string ?? ""
  }

  @Test func `Confirming makes one ticket a station with copies of the lines, and none for what needs no kitchen`()
    throws
  {
    let house = try RestHouse(at: RestHub.shared)
    let order = try house.order([house.burger, house.burger, house.soda, house.wine], then: ["confirm"])
    #expect(order["tickets"].array.map { $0["station"].string } == ["Grill", "Bar"])
    let id = ticket(order, at: "Grill")
    let document = try house.call("GET", "tickets/\(id)").document
    #expect(
      document.names == [
        "id", "restaurant_id", "order_id", "order_number", "table", "order_type", "station_id", "station", "status",
        "open", "recalled", "priority", "course", "note", "items", "version", "fired_at", "started_at", "ready_at",
        "served_at", "voided_at",
      ])
    #expect(document["status"].string == "new" && document["open"].boolean == true && document["version"].integer == 1)
    #expect(document["order_number"].string == order["number"].string && document["station_id"].string == house.grill)
    #expect(document["items"].array.map { "\($0["name"].string ?? "") \($0["quantity"].integer ?? 0)" } == ["Burger 2"])
    #expect(document["items"][0].names == ["id", "product_id", "name", "quantity", "modifiers", "note", "status"])
    let created = try house.events("kitchen").filter { $0["event"].string == "ticket.created" }
    #expect(created.count == 2 && created.contains { "\($0["data"])" == "\(document)" })
  }

  /// What each move does to a ticket in each state: the next status, or nothing when it is refused.
  private static let table: [(state: [String], status: String, moves: [String: String])] = [
    ([], "new", ["start": "started", "bump": "ready"]),
    (["start"], "started", ["bump": "ready"]),
    (["bump"], "ready", ["bump": "served", "recall": "started"]),
    (["bump", "bump"], "served", ["recall": "started"]),
    (["bump", "recall"], "started", ["bump": "ready"]),
    (["cancel"], "voided", ["bump": "voided", "void-seen": "voided"]),
    (["cancel", "void-seen"], "voided", [:]),
  ]

  @Test(arguments: 0..<7)
  func `In each state a ticket takes exactly its moves, the others are refused and change nothing`(row: Int) throws {
    let (way, status, moves) = Self.table[row]
    let house = try RestHouse(at: RestHub.shared)
    for command in ["start", "bump", "recall", "void-seen"] {
      // A second ticket keeps the order from being ready.
      let order = try house.order([house.burger, house.soda], then: ["confirm"])
      let id = ticket(order, at: "Grill")
      for step in way {
        let answer =
          try step == "cancel"
          ? house.call("POST", "orders/\(order["id"].string ?? "")/cancel") : move(house, id, step)
        try #require(answer.status == 200, "\(step): \(answer.text)")
      }
      let before = try house.call("GET", "tickets/\(id)").document
      #expect(before["status"].string == status)
      let (offset, answer) = (try house.head("kitchen"), try move(house, id, command))
      let after = try house.call("GET", "tickets/\(id)").document
      guard let next = moves[command] else {
        expectProblem(answer, 409, "invalid_status_transition", "\(status) \(command)")
        #expect(answer.document["from"].string == status)
        #expect("\(after)" == "\(before)")
        #expect(try house.head("kitchen") == offset)
        continue
      }
      #expect(answer.status == 200, "\(status) \(command): \(answer.text)")
      #expect("\(answer.document)" == "\(after)")
      #expect(after["status"].string == next && after["version"].integer == (before["version"].integer ?? 0) + 1)
      #expect(after["open"].boolean == !(next == "served" || status == "voided"))
      if command == "recall" {
        #expect(after["recalled"].boolean == true && after["items"][0]["status"].string == "new")
      }
      #expect(try house.head("kitchen") == offset + 1)
      let event = try house.events("kitchen", after: offset)[0]
      #expect("\(event["data"])" == "\(after)", "\(event["event"].string ?? "")")
    }
  }

  @Test func `The order follows its tickets: begun, ready with the last, back with a recall`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let order = try house.order([house.burger, house.soda], then: ["confirm"])
    let (grill, bar) = (ticket(order, at: "Grill"), ticket(order, at: "Bar"))
    let steps = [
      (grill, "start", "preparing"), (grill, "bump", "preparing"), (bar, "bump", "ready"), (bar, "recall", "preparing"),
      (bar, "bump", "ready"), (grill, "bump", "ready"), (bar, "bump", "ready"), (grill, "recall", "preparing"),
      (grill, "bump", "ready"),
    ]
    for (id, command, status) in steps {
      #expect(try move(house, id, command).status == 200)
      #expect(try orderStatus(house, order) == status, "after \(command)")
    }
    let changes = try house.events("pos").filter { $0["event"].string == "order.status_changed" }
      .map { "\($0["data"]["from"].string ?? "")→\($0["data"]["to"].string ?? "")" }
    #expect(
      changes == [
        "confirmed→preparing", "preparing→ready", "ready→preparing", "preparing→ready", "ready→preparing",
        "preparing→ready",
      ])
    #expect(try house.call("POST", "orders/\(order["id"].string ?? "")/complete").status == 200)
    expectProblem(try move(house, grill, "recall"), 409, "invalid_status_transition", "the order is completed")
  }

  @Test func `People move a whole order and its tickets go with it`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let ready = try house.order([house.burger, house.soda], then: ["confirm", "prepare", "ready"])
    #expect(ready["tickets"].array.allSatisfy { $0["status"].string == "ready" })
    let done = try house.call("POST", "orders/\(ready["id"].string ?? "")/complete").document
    #expect(done["tickets"].array.allSatisfy { $0["status"].string == "served" })
    let cancelled = try house.order([house.burger, house.soda], then: ["confirm", "cancel"])
    #expect(cancelled["tickets"].array.allSatisfy { $0["status"].string == "voided" })
    // Voided tickets stay on the screen until somebody has seen them.
    let open = try house.call("GET", "tickets?open=true&restaurant_id=\(house.id)").document["items"].array
    #expect(open.map { $0["status"].string } == ["voided", "voided"])
    for ticket in open { #expect(try move(house, ticket["id"].string ?? "", "void-seen").status == 200) }
    #expect(try house.call("GET", "tickets?open=true").document["items"].array.isEmpty)
    #expect(try house.call("GET", "tickets").document["items"].array.count == 4)
  }

  @Test func `A bump sent late is refused with the ticket as it is, or already done`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let id = ticket(try house.order([house.burger], then: ["confirm"]), at: "Grill")
    #expect(try move(house, id, "bump", #"{"version":1}"#).status == 200)
    let late = try move(house, id, "bump", #"{"version":1}"#)
    expectProblem(late, 409, "stale_version")
    #expect("\(late.document["current"])" == "\(try house.call("GET", "tickets/\(id)").document)")
    #expect(try move(house, id, "bump", #"{"version":2}"#).document["status"].string == "served")
  }

  @Test func `Two cooks who bump the last two tickets at once make the order ready exactly once`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<10 {
      let order = try house.order([house.burger, house.soda], then: ["confirm"])
      let tickets = [ticket(order, at: "Grill"), ticket(order, at: "Bar")]
      let offset = try house.head("pos")
      try runConcurrently(2) { cook in
        let answer = try house.call("POST", "tickets/\(tickets[cook])/bump")
        guard answer.status == 200 else { throw SupportError(answer.text) }
      }
      let changes = try house.events("pos", after: offset).filter { $0["event"].string == "order.status_changed" }
      #expect(changes.map { $0["data"]["to"].string } == ["preparing", "ready"])
      #expect(try orderStatus(house, order) == "ready")
    }
  }

  @Test func `The kitchen's snapshot has what is open in fire order, and how much of each is to be made`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let first = try house.order([house.burger, house.burger, house.soda], then: ["confirm"])
    _ = try house.order([house.burger], then: ["confirm"])
    #expect(try move(house, ticket(first, at: "Bar"), "bump").status == 200)
    let answer = try house.call("GET", "channels/kitchen:\(house.id)", as: house.tokens["kitchen"]).document
    #expect(answer.names == ["channel", "epoch", "offset", "snapshot"])
    let snapshot = answer["snapshot"]
    #expect(
      snapshot.names == ["restaurant", "stations", "tickets", "all_day", "out_of_stock", "thresholds"])
    #expect(
      snapshot["thresholds"]["amber_seconds"].integer == 900 && snapshot["thresholds"]["red_seconds"].integer == 1200)
    #expect(snapshot["stations"].array.map { $0["name"].string } == ["Grill", "Bar"])
    let tickets = snapshot["tickets"].array
    #expect(
      tickets.count == 3
        && tickets.map { $0["fired_at"].string ?? "" } == tickets.map { $0["fired_at"].string ?? "" }.sorted())
    // The soda is ready, so it is not counted any more.
    #expect(
      snapshot["all_day"].array.map { "\($0["name"].string ?? "") \($0["quantity"].integer ?? 0)" } == ["Burger 3"])
    #expect(try answer["offset"].integer == house.events("kitchen").last?["offset"].integer)
  }
}
