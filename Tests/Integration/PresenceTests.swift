// Who listens, by wire.md §2 and §5: members that come and go on one node and on two, nodes that die, drain and are taken
// for dead, a database that is away, and many who come at once.
import Foundation
import Testing
import TestSupport

@Suite(.serialized) struct PresenceTests {
  /// Subscribes and asks to be told; answers who was there.
  private func watch(_ socket: EventSocket, _ channel: String, stations: [String]? = nil) throws -> HubMessage {
    var message: [String: Any] = ["type": "subscribe", "id": 1, "channel": channel, "presence": true]
    if let stations { message["stations"] = stations }
    try socket.send(message)
    _ = try socket.next("subscribed")
    let list = try socket.next("presence")
    #expect(list.event == "list", "\(list.json)")
    return list
  }

  private func connections(_ list: HubMessage) -> Set<String> {
    Set((list.json["members"] as? [[String: Any]] ?? []).compactMap { $0["connection"] as? String })
  }

  private func member(_ message: HubMessage) -> Document { Document(message.json)["member"] }

  private func listed(_ scene: DeliveryScene, _ channel: String) throws -> [Document] {
    try scene.hub.request("GET", "/api/v1/channels/\(channel)/presence", token: scene.token).document["items"].array
  }

  // MARK: One node

  @Test func whoComesAndGoesIsToldToThoseWhoAskedAndListedToAllWhoMayListen() throws {
    let scene = try DeliveryScene()
    let watcher = try scene.connect()
    let own = try watcher.next("welcome").string("connection")
    let first = try watch(watcher, scene.kitchen)
    #expect(connections(first) == [own] && first.json["count"] as? Int == 1)
    // One that did not ask.
    let quiet = try scene.connect()
    try scene.subscribe(quiet, scene.kitchen)
    let second = try watcher.next("presence")
    #expect(second.event == "join" && second.json["count"] as? Int == 2)

    let screen = try scene.hub.token(role: "kitchen", restaurant: scene.restaurant.id)
    let stations = Array(scene.restaurant.stations.prefix(2))
    let stream = try EventSocket(
      eventStream: "/sse/\(scene.kitchen)?stations=\(stations.joined(separator: ","))&presence=true",
      port: scene.hub.port, token: screen)
    let third = try watcher.next("presence")
    let device = member(third)
    #expect(third.event == "join" && third.json["count"] as? Int == 3)
    #expect(device.names == ["connection", "user", "role", "device", "name", "stations", "since"])
    #expect(device["role"].string == "kitchen" && device["device"].string == device["user"].string)
    #expect(device["stations"].array.compactMap(\.string) == stations && isInstant(device["since"].string))
    #expect(device["name"].isNull && member(second)["stations"].isNull && member(second)["device"].isNull)
    let list = try stream.next("presence")
    #expect(list.name == "presence" && list.streamID == nil && connections(list).isSuperset(of: [own]))

    let items = try listed(scene, scene.kitchen)
    #expect(
      items.count == 3
        && items.map { $0["connection"].string ?? "" } == items.map { $0["connection"].string ?? "" }.sorted())
    #expect(items.contains { "\($0)" == "\(device)" })

    stream.cut()
    let left = try watcher.next("presence")
    #expect(left.event == "leave" && left.json["count"] as? Int == 2 && "\(member(left))" == "\(device)")
    try watcher.send(["type": "unsubscribe", "id": 2, "channel": scene.kitchen])
    _ = try watcher.next("unsubscribed")
    try eventually("it is listed no more") { try listed(scene, scene.kitchen).count == 1 }
    // To one that did not ask nothing was said of all this.
    try scene.publish("test.told", on: scene.kitchen)
    while case .message(let message) = quiet.next(within: 5), message.type != "event" {
      #expect(message.type != "presence")
    }
  }

  @Test func aShortcutSaysItsStationsInItsAddressAndAUsersNameIsKnown() throws {
    let shared = try RestHub.shared
    let house = try RestHouse(at: shared)
    let watcher = try EventSocket(
      webSocket: "/ws/kitchen/\(house.id)?presence=true&stations=\(house.grill)", port: house.hub.port,
      token: house.manager)
    let list = try watcher.next("presence")
    #expect(Document(list.json)["members"][0]["stations"][0].string == house.grill)

    let login = try house.hub.request(
      "POST", "/api/v1/auth/login", body: #"{"email": "kitchen@demo.test", "password": "demo-demo-demo"}"#)
    let token = try #require(login.json["access_token"] as? String)
    let demo = try EventSocket(
      webSocket: "/ws/kitchen/\(SharedHub.demoRestaurant)?presence=true", port: house.hub.port, token: token)
    // Itself: it stands in the list, or joins a moment after it.
    var own = Document(try demo.next("presence").json)["members"][0]
    if own.isNull { own = member(try demo.next("presence")) }
    #expect(own["name"].string?.isEmpty == false, "\(own)")
  }

  @Test func faultyWishesAreRefusedAndTheConnectionStays() throws {
    let scene = try DeliveryScene()
    let socket = try scene.connect()
    let rows: [(members: [String: Any], code: String)] = [
      (["stations": ["grill"]], "invalid_stations"), (["stations": [String]()], "invalid_stations"),
      (["stations": Array(repeating: scene.restaurant.stations[0], count: 101)], "invalid_stations"),
      (["stations": "grill"], "bad_message"), (["stations": [1]], "bad_message"), (["presence": 1], "bad_message"),
    ]
    for row in rows {
      try socket.send(row.members.merging(["type": "subscribe", "id": 1, "channel": scene.kitchen]) { a, _ in a })
      let error = try socket.nextError()
      #expect(error["code"] as? String == row.code && error["status"] as? Int == 400, "\(row.members) \(error)")
    }
    try scene.subscribe(socket, scene.kitchen)
    for query in ["presence=maybe", "stations=x", "stations="] {
      #expect(throws: SupportError.self, "\(query)") {
        try EventSocket(
          webSocket: "/ws/kitchen/\(scene.restaurant.id)?\(query)", port: scene.hub.port, token: scene.token)
      }
    }
  }

  @Test func theListIsForThoseWhoMayListenAndComesInPages() throws {
    let house = try RestHouse(at: RestHub.shared)
    let sockets = try (0..<5).map { _ in
      let socket = try house.socket()
      _ = try socket.subscribe("kitchen:\(house.id)")
      return socket
    }
    let path = "channels/kitchen:\(house.id)/presence"
    try eventually("all are listed") { try house.call("GET", path).document["items"].array.count == sockets.count }
    var seen: [String] = []
    var cursor = ""
    for size in [2, 2, 1] {
      let page = try house.call("GET", "\(path)?limit=2\(cursor)").document
      #expect(page["items"].array.count == size)
      seen += page["items"].array.compactMap { $0["connection"].string }
      cursor = "&cursor=\(page["next"].string ?? "")"
    }
    #expect(Set(seen).count == 5 && cursor == "&cursor=")
    expectProblem(try house.call("GET", path, as: house.tokens["till"]), 403, "forbidden")
    expectProblem(try house.call("GET", path, as: try RestHouse(at: RestHub.shared).manager), 404, "not_found")
    expectProblem(try house.call("GET", "channels/kitchen:x/presence"), 404, "not_found")
    expectProblem(try house.call("GET", "\(path)?cursor=x"), 400, "invalid_cursor")
    expectProblem(try house.hub.request("GET", "/api/v1/\(path)"), 401, "unauthorized")
  }

  // MARK: Two nodes

  @Test func nodesHearOfEachOthersMembersAndOfTheirDeathAndTheirDrain() throws {
    let scene = try DeliveryScene()
    let second = try HubUnderTest(database: scene.database, data: scene.hub.data)
    let watcher = try scene.connect()
    _ = try watch(watcher, scene.kitchen)
    func join(overStream: Bool) throws -> EventSocket {
      let socket =
        overStream
        ? try EventSocket(eventStream: "/sse/\(scene.kitchen)?presence=true", port: second.port, token: scene.token)
        : try EventSocket(
          webSocket: "/ws/kitchen/\(scene.restaurant.id)?presence=true", port: second.port, token: scene.token)
      // Also there it is known who is on the first node.
      #expect(try connections(socket.next("presence")).count >= 2)
      let told = try watcher.next("presence")
      #expect(told.event == "join")
      return socket
    }
    let members = [try join(overStream: false), try join(overStream: true)]
    #expect(try listed(scene, scene.kitchen).count == 3)

    second.stop(with: SIGKILL)
    let killed = Date()
    // No ghosts: announced once each, as soon as the lease is over.
    for count in [2, 1] {
      let told = try watcher.next("presence", within: 20)
      #expect(told.event == "leave" && told.json["count"] as? Int == count)
    }
    #expect(Date().timeIntervalSince(killed) < 12 * Patience.factor)
    #expect(try listed(scene, scene.kitchen).count == 1)
    #expect(try scene.program.execute("SELECT count(*) FROM hub.node") == [["1"]])
    #expect(try scene.hub.metric("hub_presence_leases_ended_total") == 1)
    withExtendedLifetime(members) {}

    let third = try HubUnderTest(database: scene.database, data: scene.hub.data)
    let guest = try EventSocket(webSocket: "/ws/kitchen/\(scene.restaurant.id)", port: third.port, token: scene.token)
    #expect(try watcher.next("presence").event == "join")
    let drained = Date()
    #expect(third.stop() == 0)
    #expect(try watcher.next("presence").event == "leave")
    #expect(Date().timeIntervalSince(drained) < 5 * Patience.factor, "at once, not when the lease is over")
    #expect(try scene.program.execute("SELECT count(*) FROM hub.node") == [["1"]])
    withExtendedLifetime(guest) {}
  }

  @Test func aNodeThatWasTakenForDeadWritesItsMembersAgain() throws {
    let scene = try DeliveryScene()
    let second = try HubUnderTest(database: scene.database, data: scene.hub.data)
    let watcher = try scene.connect()
    _ = try watch(watcher, scene.kitchen)
    let far = try EventSocket(webSocket: "/ws/kitchen/\(scene.restaurant.id)", port: second.port, token: scene.token)
    let node = try far.next("welcome").string("node")
    let joined = try watcher.next("presence")
    #expect(joined.event == "join")
    try scene.program.execute("SELECT hub.end_lease('\(node)')")
    #expect(try watcher.next("presence").event == "leave")
    let back = try watcher.next("presence", within: 10)
    #expect(back.event == "join" && member(back)["connection"].string == member(joined)["connection"].string)
    // Rows that are lost without a word, as in a server's crash: found by reading, and written again by their node.
    try scene.program.execute("DELETE FROM hub.presence WHERE node = '\(node)'")
    try eventually("the member is there again") { try listed(scene, scene.kitchen).count == 2 }
  }

  /// architecture §3.4: a notification is a hint; what it said is found without it.
  @Test func whatNobodyIsNotifiedOfIsFoundByReadingAgain() throws {
    let scene = try DeliveryScene()
    let watcher = try scene.connect()
    _ = try watch(watcher, scene.kitchen)
    try scene.program.execute(
      """
      INSERT INTO hub.node (name, lease_until) VALUES ('silent', clock_timestamp() + interval '1 minute');
      INSERT INTO hub.presence VALUES ('\(scene.kitchen)', gen_random_uuid(), 'silent', gen_random_uuid(), 'kitchen',
        NULL, 'A screen', NULL, clock_timestamp())
      """)
    let told = try watcher.next("presence", within: 15)
    #expect(told.event == "join" && member(told)["name"].string == "A screen")
    // And a lease that is over ends it, whoever made it.
    try scene.program.execute("UPDATE hub.node SET lease_until = clock_timestamp() WHERE name = 'silent'")
    #expect(try watcher.next("presence", within: 15).event == "leave")
  }

  // MARK: The database

  @Test(arguments: StoppablePostgres.End.allCases)
  func anOutageOfTheDatabaseMakesNobodyLeave(_ end: StoppablePostgres.End) throws {
    let postgres = try StoppablePostgres()
    let scene = try DeliveryScene(database: postgres.connectionString)
    let second = try HubUnderTest(database: scene.database, data: scene.hub.data)
    let watcher = try scene.connect()
    _ = try watch(watcher, scene.kitchen)
    let stays = try EventSocket(webSocket: "/ws/kitchen/\(scene.restaurant.id)", port: second.port, token: scene.token)
    let goes = try EventSocket(webSocket: "/ws/kitchen/\(scene.restaurant.id)", port: second.port, token: scene.token)
    let gone = try goes.next("welcome").string("connection")
    for _ in 0..<2 { #expect(try watcher.next("presence").event == "join") }

    // Nobody waits for the disk when members are written; what waits flushes their rows as well, before the crash.
    try scene.publish("test.before", on: scene.kitchen)
    #expect(try watcher.next("event").event == "test.before")
    try postgres.end(end)
    goes.cut()
    try postgres.start()
    let program = try ForeignConnection(postgres.connectionString)
    // As if it had been away for longer than a lease.
    try program.execute("UPDATE hub.node SET lease_until = clock_timestamp() - interval '1 minute'")
    let told = try watcher.next("presence", within: 20)
    #expect(told.event == "leave" && member(told)["connection"].string == gone, "\(told.json)")
    try eventually("both nodes have a lease again") {
      try program.execute("SELECT count(*) FROM hub.node WHERE lease_until > clock_timestamp()") == [["2"]]
    }
    #expect(try program.execute("SELECT count(*) FROM hub.live_presence") == [["2"]])
    try scene.publish("test.after", on: scene.kitchen, by: program)
    guard case .message(let next) = watcher.next(within: 10) else { throw SupportError("the watcher was closed") }
    #expect(["event", "heartbeat"].contains(next.type), "nobody else came or went: \(next.json)")
    withExtendedLifetime(stays) {}
  }

  // MARK: Many

  @Test func manyWhoComeAtOnceAreFewStatementsAndOneMessage() throws {
    let scene = try DeliveryScene()
    let watcher = try scene.connect()
    _ = try watch(watcher, scene.kitchen)
    let before = try scene.hub.metric("hub_presence_writes_total")
    let began = Date()
    let crowd = try (0..<400).map { _ in
      try EventSocket(webSocket: "/ws/kitchen/\(scene.restaurant.id)", port: scene.hub.port, token: scene.token)
    }
    for socket in crowd { _ = try socket.next("subscribed") }
    try eventually("all are there") {
      try scene.program.execute("SELECT count(*) FROM hub.live_presence") == [["401"]]
    }
    let seconds = Date().timeIntervalSince(began)
    let statements = try scene.hub.metric("hub_presence_writes_total") - before
    #expect(Double(statements) <= seconds / 0.075 + 2, "\(statements) statements in \(seconds) s")
    #expect(statements < 40)
    var last: HubMessage?
    var messages = 0
    while last?.json["count"] as? Int != 401 {
      last = try watcher.next("presence")
      messages += 1
    }
    #expect(messages < 200, "\(messages) messages about 400")
    #expect(last?.event == "join" || last?.json["members"] is NSNull, "they are too many to name")
    for socket in crowd { socket.cut() }
    while last?.json["count"] as? Int != 1 { last = try watcher.next("presence") }
  }

  @Test func aWatcherThatDoesNotReadIsToldEverythingAnewWhenItDoes() throws {
    let scene = try DeliveryScene()
    let slow = try scene.connect(receiveBuffer: 4096)
    let own = try slow.next("welcome").string("connection")
    _ = try watch(slow, scene.kitchen)
    let start = try scene.head(scene.kitchen)
    // Fills its socket and what the hub keeps for it.
    let events = Int64(1500)
    try scene.program.execute(
      """
      SELECT hub.publish('\(scene.kitchen)', 'test.large', jsonb_build_object('x', repeat('x', 8000)))
      FROM generate_series(1, \(events))
      """)
    let quick = try scene.connect()
    try scene.subscribe(quick, scene.kitchen, since: start)
    for number in 1...events { try #require(try quick.next("event").offset == start + number) }
    #expect(try scene.hub.metric("hub_subscriptions_lagging_total") > 0)
    let guest = try scene.connect()
    let name = try guest.next("welcome").string("connection")
    try scene.subscribe(guest, scene.kitchen)
    try eventually("the guest is there") { try listed(scene, scene.kitchen).count == 3 }
    var offset = start
    var heard: Set<String> = [own]
    var lists = 0
    let limit = Date(timeIntervalSinceNow: 20 * Patience.factor)
    while offset < start + events || !heard.isSuperset(of: [own, name]) {
      guard Date() < limit, case .message(let message) = slow.next(within: 20) else {
        throw SupportError("\(heard) at \(offset)")
      }
      if message.event == "list" { lists += 1 }
      if message.type == "event" {
        try #require(message.offset == offset + 1)
        offset += 1
      }
      if message.type == "presence" {
        heard =
          message.event == "list" ? connections(message) : heard.union([member(message)["connection"].string ?? ""])
      }
    }
    #expect((1...3).contains(lists), "\(lists) lists")
  }
}
