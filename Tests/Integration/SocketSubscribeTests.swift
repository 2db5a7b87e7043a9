// Subscriptions by wire.md §2: snapshot and what follows it, resuming, the shortcuts, and every refusal.
import Foundation
import Testing
import TestSupport

@Suite struct SocketSubscribeTests {
  private func offsets(_ socket: RawWebSocket, _ count: Int) throws -> [Int] {
    try (0..<count).map { _ in
      let message = try socket.next()
      #expect(message["type"].string == "event", "\(message)")
      return message["offset"].integer ?? 0
    }
  }

  @Test func `subscribed carries the state at its offset, and the events begin behind it`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try house.order([house.burger], then: ["confirm"])
    let socket = try house.socket()
    let subscribed = try socket.subscribe("kitchen:\(house.id)")
    #expect(subscribed.names == ["type", "id", "channel", "epoch", "offset", "recovered", "snapshot"])
    #expect(subscribed["id"].integer == 1 && subscribed["channel"].string == "kitchen:\(house.id)")
    #expect(try subscribed["recovered"].boolean == false && subscribed["offset"].integer == house.head("kitchen"))
    #expect(subscribed["snapshot"]["tickets"].array.count == 1)
    let read = try house.call("GET", "channels/kitchen:\(house.id)").document
    #expect("\(read["snapshot"])" == "\(subscribed["snapshot"])" && read["epoch"].string == subscribed["epoch"].string)
    let order = try house.order([house.soda], then: ["confirm"])
    let event = try socket.next()
    #expect(event.names == ["type", "channel", "offset", "id", "event", "at", "data"])
    #expect(
      event["type"].string == "event" && event["event"].string == "ticket.created" && isInstant(event["at"].string))
    #expect(event["offset"].integer == (subscribed["offset"].integer ?? 0) + 1)
    #expect(event["data"]["order_id"].string == order["id"].string)
    // One happening, one id, in whichever channel it is heard.
    let same = try #require(try house.events("pos").first { $0["id"].string == event["id"].string })
    #expect("\(same["data"])" == "\(event["data"])" && same["at"].string == event["at"].string)
  }

  @Test func `Without a snapshot there is none, and the events that follow are the same`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<3 { try house.publish("pos") }
    let socket = try house.socket()
    let subscribed = try socket.subscribe("pos:\(house.id)", ["snapshot": false])
    #expect(subscribed.names == ["type", "id", "channel", "epoch", "offset", "recovered"])
    let head = subscribed["offset"].integer ?? 0
    #expect(try head == house.head("pos") && subscribed["recovered"].boolean == false)
    try house.publish("pos")
    #expect(try offsets(socket, 1) == [head + 1])
  }

  @Test func `since gives the missed events at once and then the live ones`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let channel = "kitchen:\(house.id)"
    let first = try house.socket()
    let subscribed = try first.subscribe(channel)
    let epoch = subscribed["epoch"].string ?? ""
    let base = subscribed["offset"].integer ?? 0
    for _ in 0..<5 { try house.publish("kitchen") }
    let head = base + 5
    #expect(try offsets(first, 5) == Array(base + 1...head))
    for (since, missed) in [(0, Array(1...head)), (head - 2, [head - 1, head]), (head, [])] {
      let socket = try house.socket()
      let subscribed = try socket.subscribe(channel, ["since": since, "epoch": epoch])
      #expect(subscribed.names == ["type", "id", "channel", "epoch", "offset", "recovered"])
      #expect(subscribed["recovered"].boolean == true && subscribed["offset"].integer == since)
      #expect(try offsets(socket, missed.count) == missed)
      try socket.expectSilence()
    }
    // Beyond the head, or of another epoch: a snapshot, whatever else was asked.
    for members: [String: Any] in [
      ["since": head + 1, "epoch": epoch], ["since": 1_000_000, "epoch": epoch, "snapshot": false],
      ["since": 3, "epoch": "another"], ["since": 3, "epoch": "another", "snapshot": false],
      ["since": 9_223_372_036_854_775_807, "epoch": epoch],
    ] {
      let socket = try house.socket()
      let subscribed = try socket.subscribe(channel, members)
      #expect(subscribed["recovered"].boolean == false && subscribed["offset"].integer == head, "\(members)")
      #expect(subscribed.names.contains("snapshot") && subscribed["epoch"].string == epoch, "\(members)")
      try house.publish("pos")
      try socket.expectSilence()
    }
    try house.publish("kitchen")
    #expect(try offsets(first, 1) == [head + 1])
  }

  @Test func `unsubscribe is answered and ends the events; a channel can be taken up again`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let (channel, socket) = ("pos:\(house.id)", try house.socket())
    let base = try socket.subscribe(channel)["offset"].integer ?? 0
    try socket.send(["type": "unsubscribe", "id": "bye", "channel": channel])
    let unsubscribed = try socket.next()
    #expect(unsubscribed.names == ["type", "id", "channel"])
    #expect(unsubscribed["type"].string == "unsubscribed" && unsubscribed["id"].string == "bye")
    #expect(unsubscribed["channel"].string == channel)
    try house.publish("pos")
    try eventually("the event is in the log") { try house.head("pos") == base + 1 }
    try socket.expectSilence()
    try socket.send(["type": "unsubscribe", "id": 3, "channel": channel])
    let error = try socket.next()
    #expect(error["code"].string == "not_subscribed" && error["status"].integer == 404 && error["id"].integer == 3)
    // The event may still be on its way to this hub: then it follows the answer.
    let again = try #require(try socket.subscribe(channel)["offset"].integer)
    #expect(again == base || again == base + 1)
    if again == base { #expect(try offsets(socket, 1) == [base + 1]) }
    let twice = try socket.subscribe(channel)
    #expect(
      twice["type"].string == "error" && twice["code"].string == "already_subscribed" && twice["status"].integer == 409)
    try house.publish("pos")
    #expect(try offsets(socket, 1) == [base + 2], "the first subscription stays")
    try socket.expectSilence()
  }

  @Test func `A receipt has no answer`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket("/ws/kitchen/\(house.id)")
    _ = try socket.next("subscribed")
    for level in ["received", "shown", "accepted"] {
      try socket.send(["type": "seen", "channel": "kitchen:\(house.id)", "offset": 1, "level": level])
    }
    try socket.expectSilence()
  }

  /// Channels and what each role is told: "" when it may listen (wire.md §1).
  @Test func `Who may not listen is told forbidden, and of what is not theirs that there is none`() throws {
    let (house, other) = (try RestHouse(at: RestHub.shared), try RestHouse(at: RestHub.shared))
    let office = ["restaurant_owner", "manager"]
    let allowed = [
      "restaurant": office + ["platform_owner"], "kitchen": office + ["employee", "kitchen"],
      "pos": office + ["employee", "till"], "payments": office + ["employee", "till"],
    ]
    for role in RestHouse.roles + ["platform_owner"] {
      let socket = try house.socket(as: role)
      func code(_ channel: String) throws -> String {
        let answer = try socket.subscribe(channel)
        if answer["type"].string == "subscribed" { return "" }
        #expect(answer.names == ["type", "id", "code", "status", "detail"] && answer["type"].string == "error")
        #expect(answer["status"].integer == (answer["code"].string == "forbidden" ? 403 : 404))
        return answer["code"].string ?? "?"
      }
      for (kind, roles) in allowed {
        #expect(try code("\(kind):\(house.id)") == (roles.contains(role) ? "" : "forbidden"), "\(role) \(kind)")
        let theirs = role == "platform_owner" ? (kind == "restaurant" ? "" : "forbidden") : "not_found"
        #expect(try code("\(kind):\(other.id)") == theirs, "\(role) another's \(kind)")
      }
      #expect(try code("platform") == (role == "platform_owner" ? "" : "forbidden"), "\(role)")
      for channel in [
        "orders:\(house.id)", "kitchen", "kitchen:", "kitchen:7", "kitchen:\(house.id)0", "platform:1", "ramp:7",
        "ramp:\(UUID().uuidString)", "KITCHEN:\(house.id)", "\u{0}", "kitchen:\(house.id)\n",
      ] {
        #expect(try code(channel) == "not_found", "\(role) \(channel)")
      }
      try socket.expectSilence()
    }
  }

  @Test func `A channel's name is the same in either case of its id`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket()
    let subscribed = try socket.subscribe("kitchen:\(house.id.uppercased())")
    #expect(subscribed["channel"].string == "kitchen:\(house.id)")
    #expect(try socket.subscribe("kitchen:\(house.id)")["code"].string == "already_subscribed")
    try house.publish("kitchen")
    #expect(try offsets(socket, 1) == [(subscribed["offset"].integer ?? 0) + 1])
  }

  @Test func `A connection listens to at most a hundred channels`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let rows = try house.shared.foreign().execute(
      "INSERT INTO app.restaurant (id, name, time_zone, currency) SELECT gen_random_uuid(), 'R', 'UTC', 'GBP' FROM generate_series(1, 101) RETURNING id"
    )
    let socket = try house.socket(as: "platform_owner")
    for (number, row) in rows.enumerated() {
      let answer = try socket.subscribe("restaurant:\(row[0])", ["snapshot": false])
      if number < 100 {
        #expect(answer["type"].string == "subscribed")
      } else {
        #expect(answer["code"].string == "too_many_subscriptions" && answer["status"].integer == 429)
      }
    }
  }
}
