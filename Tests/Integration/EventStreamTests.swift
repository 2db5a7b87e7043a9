// Server-Sent Events by wire.md §4: how a stream begins, what is in it, how it resumes and how it ends.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct EventStreamTests {
  private func stream(
    _ house: RestHouse, _ kind: String = "kitchen", query: String = "", after id: String? = nil, token: String? = nil
  ) throws -> RawEventStream {
    try RawEventStream(
      port: house.hub.port, path: "/sse/\(kind):\(house.id)\(query)", token: token ?? house.manager,
      headers: id.map { ["Last-Event-ID": $0] } ?? [:])
  }

  @Test func `The first is a snapshot with the position that it is of, and the events begin behind it`() throws {
    let house = try RestHouse(at: RestHub.shared)
    try house.order([house.burger], then: ["confirm"])
    let stream = try stream(house)
    #expect(stream.head.header("Cache-Control") == "no-store" && stream.head.header("Connection") == "close")
    #expect(stream.head.header("Content-Length") == nil && stream.head.header("Transfer-Encoding") == nil)
    #expect(stream.head.header("X-Accel-Buffering") == "no" && stream.head.header("X-Request-Id") != nil)

    let snapshot = try #require(try stream.next())
    let state = Document(snapshot.json)
    #expect(snapshot.name == "snapshot" && state["type"].string == "subscribed")
    #expect(state.names == ["type", "channel", "epoch", "offset", "recovered", "snapshot"])
    #expect(snapshot.streamID == "\(snapshot.string("epoch"))/\(snapshot.offset)")
    #expect(try snapshot.offset == Int64(house.head("kitchen")) && state["recovered"].boolean == false)
    let read = try house.call("GET", "channels/kitchen:\(house.id)").document
    #expect("\(read["snapshot"])" == "\(state["snapshot"])")

    let welcome = try #require(try stream.next())
    #expect(welcome.name == "welcome" && welcome.streamID == nil && Document(welcome.json)["heartbeat"].integer == 10)

    let order = try house.order([house.soda], then: ["confirm"])
    let event = try stream.next("event")
    #expect(event.name == "ticket.created" && event.event == "ticket.created")
    #expect(event.offset == snapshot.offset + 1 && event.streamID == "\(snapshot.string("epoch"))/\(event.offset)")
    #expect(Document(event.json).names == ["type", "channel", "offset", "id", "event", "at", "data"])
    #expect(Document(event.json)["data"]["order_id"].string == order["id"].string)
  }

  @Test func `A WebSocket and a stream of one channel hear the same events in the same order`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket()
    _ = try socket.subscribe("kitchen:\(house.id)")
    let stream = try stream(house)
    _ = try stream.next("subscribed")
    for number in 0..<20 { try house.publish("kitchen", "test.told", #"{"n": \#(number), "text": "é\n\r\u2028"}"#) }
    for _ in 0..<20 {
      let heard = try socket.next("event")
      #expect(try "\(Document(stream.next("event").json))" == "\(heard)")
    }
  }

  // MARK: Resuming

  @Test func `Last-Event-ID gives the missed events and then the live ones, without a snapshot`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let first = try stream(house)
    let base = try first.next("subscribed")
    for _ in 0..<5 { try house.publish("kitchen") }
    let seen = try first.next(5, "event")
    #expect(seen.map(\.offset) == (1...5).map { base.offset + $0 })

    for (index, missed) in [(1, 3), (4, 0)] {
      let resumed = try stream(house, after: seen[index].streamID)
      let told = try #require(try resumed.next())
      #expect(told.name == "subscribed" && told.streamID == nil && Document(told.json)["recovered"].boolean == true)
      #expect(told.snapshot == nil && told.offset == seen[index].offset)
      let events = try resumed.next(missed, "event")
      #expect(events.map(\.offset) == seen[(index + 1)...].map(\.offset))
      #expect(events.map(\.streamID) == seen[(index + 1)...].map(\.streamID))
    }
    let resumed = try stream(house, after: seen[4].streamID)
    try house.publish("kitchen", "test.live")
    let live = try resumed.next("event")
    #expect(live.offset == base.offset + 6 && live.name == "test.live")
  }

  @Test func `A position of another epoch, beyond the head or no longer kept gets a snapshot`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<5 { try house.publish("kitchen") }
    let first = try stream(house)
    let head = try first.next("subscribed")
    let epoch = head.string("epoch")
    try house.shared.foreign().execute(
      #"DELETE FROM hub.event WHERE channel = 'kitchen:\#(house.id)' AND "offset" <= 3"#)
    for id in ["0123456789ab/\(head.offset)", "\(epoch)/\(head.offset + 100)", "\(epoch)/1"] {
      let stream = try stream(house, after: id)
      let told = try #require(try stream.next())
      #expect(told.name == "snapshot" && told.streamID == head.streamID && told.snapshot != nil, "\(id)")
      try house.publish("pos")
    }
  }

  // MARK: Keeping open

  @Test func `Heartbeats say how fresh the hub's knowledge is, and a comment comes every 15 s`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let stream = try stream(house)
    let start = try stream.next("subscribed").offset
    try house.publish("kitchen")
    let heartbeat = try stream.next("heartbeat")
    #expect(heartbeat.name == "heartbeat" && heartbeat.streamID == nil)
    let document = Document(heartbeat.json)
    #expect(isInstant(document["at"].string) && isInstant(document["fresh"].string))
    #expect(document["heads"]["kitchen:\(house.id)"].integer == Int(start) + 1)
    let next = try stream.next("heartbeat")
    #expect(Document(next.json)["heads"].names.isEmpty, "only heads that have moved")
    #expect(stream.reader.comments >= 1)
  }

  @Test func `What comes behind the request is not answered, and the stream goes on`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let stream = try RawEventStream(
      port: house.hub.port, path: "/sse/kitchen:\(house.id)", token: house.manager,
      behind: "GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try stream.next("subscribed")
    try stream.socket.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n\u{0}\u{1}" + String(repeating: "x", count: 100_000))
    for _ in 0..<3 {
      try house.publish("kitchen")
      #expect(try stream.next()?.type != nil)
    }
    #expect(try stream.next("event").event == "test.told")
  }

  @Test func `RFC 9112 §6.3: an HTTP/1.0 client reads until the end as well`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let stream = try RawEventStream(
      port: house.hub.port, path: "/sse/kitchen%3A\(house.id)", token: house.manager,
      headers: ["Accept-Encoding": "gzip", "Accept": "text/*;q=0.5, application/json"], version: "HTTP/1.0")
    #expect(stream.head.header("Connection") == "close" && stream.head.header("Content-Encoding") == nil)
    _ = try stream.next("subscribed")
    try house.publish("kitchen")
    #expect(try stream.next("event").event == "test.told")
  }

  // MARK: Ending

  @Test func `Whoever goes away at any moment leaves nothing behind`() throws {
    let house = try RestHouse(at: SharedHub())
    let request = "GET /sse/kitchen:\(house.id) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\n\r\n"
    for round in 0..<40 {
      let socket = try RawSocket(port: house.hub.port)
      try socket.send(request)
      switch round % 4 {
      // Before it is answered, by a reset and in order.
      case 0: socket.cut()
      case 1: shutdown(socket.descriptor, Int32(SHUT_WR))
      // In the middle of the head, and of the stream.
      case 2: _ = try socket.take(20)
      default: _ = try socket.take(through: "event: welcome")
      }
    }
    let stays = try stream(house)
    _ = try stays.next("welcome")
    try eventually("one stream is left, with one subscription") {
      try house.hub.metric("hub_event_streams") == 1 && house.hub.metric("hub_subscriptions") == 1
    }
    try eventually("one is present") {
      try house.call("GET", "channels/kitchen:\(house.id)/presence").document["items"].array.count == 1
    }
    try house.publish("kitchen")
    #expect(try stays.next("event").event == "test.told")
  }

  @Test func `A token that expires ends the stream with the reason, and none begins with it`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let token = try house.shared.forge.token(role: "kitchen", restaurants: [house.id], lifetime: 3)
    let stream = try stream(house, token: token)
    let close = try stream.next("close")
    #expect(close.name == "close" && close.streamID == nil && Document(close.json)["code"].integer == 4401)
    #expect(try stream.next() == nil)
    let again = try house.hub.request("GET", "/sse/kitchen:\(house.id)", token: token)
    expectProblem(again, 401, "token_expired")
  }

  @Test func `A drain says when to come again, to each stream its own time, and ends it`() throws {
    let house = try RestHouse(at: SharedHub())
    let streams = try (0..<6).map { _ in try stream(house) }
    for stream in streams { _ = try stream.next("welcome") }
    let stopping = Worker("the drain") { house.hub.stop(with: SIGTERM) }
    var waits: Set<Int> = []
    for stream in streams {
      let goaway = Document(try stream.next("goaway").json)
      #expect(goaway["reason"].string == "drain")
      #expect(Document(try stream.next("close").json)["code"].integer == 1012)
      #expect(try stream.next() == nil)
      let retry = try #require(stream.reader.retry)
      #expect((100...3000).contains(retry))
      waits.insert(retry)
    }
    #expect(waits.count > 1)
    try stopping.wait(within: 15)
  }
}
