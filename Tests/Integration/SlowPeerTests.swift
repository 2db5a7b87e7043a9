// Peers that send too slowly, not at all, or do not read: each has a limit of its own, and a large body over a slow line
// is none of them. The limits are short here, and counted by a clock that ticks once a second.
import Foundation
import Glibc
import Testing
import TestSupport

/// A hub with short limits.
private enum ImpatientHub {
  private static let started = Result {
    try SharedHub(arguments: [
      "--head-timeout", "2s", "--body-timeout", "2s", "--idle-timeout", "3s", "--sign-in-timeout", "2s",
      "--write-timeout", "3s",
    ])
  }
  static var shared: SharedHub { get throws { try started.get() } }
}

@Suite struct SlowPeerTests {
  private var hub: HubUnderTest { get throws { try ImpatientHub.shared.hub } }

  /// How long until the peer ends the stream, and what came before.
  private func lifetime(_ socket: RawSocket) throws -> (seconds: Double, text: String) {
    let start = Date()
    let text = String(decoding: try socket.receiveAll(), as: UTF8.self)
    return (Date().timeIntervalSince(start), text)
  }

  /// Sends one piece after another, with a pause between, until the peer answers or ends; answers how many went out.
  private func drip(_ pieces: [String], every milliseconds: Int32, on socket: RawSocket) throws -> Int {
    for (number, piece) in pieces.enumerated() {
      try socket.send(piece)
      var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&waiting, 1, milliseconds) > 0 { return number + 1 }
    }
    return pieces.count
  }

  @Test func `A peer that says nothing is left without a word`() throws {
    let (seconds, text) = try lifetime(RawSocket(port: hub.port))
    #expect(text.isEmpty)
    #expect((1...4).contains(seconds), "\(seconds) s")
  }

  @Test func `A head that drips is 408 after its time, whatever drips`() throws {
    let hub = try hub
    let before = try hub.metric("hub_requests_timed_out_total")
    let begun = ["GET /health HTTP/1.1\r\nHost: a\r\nX: ", "G", "GET /health HTTP/1.1\r\nHost: a\r\n"]
    try runConcurrently(begun.count) { number in
      let socket = try RawSocket(port: hub.port)
      try socket.send(begun[number])
      let start = Date()
      let sent = try drip(Array(repeating: "X", count: 100), every: 100, on: socket)
      let seconds = Date().timeIntervalSince(start)
      expectProblem(try socket.answer(), 408, "request_timeout", begun[number])
      #expect(try socket.endsHere())
      #expect(sent < 60 && (1...4.5).contains(seconds), "\(seconds) s")
    }
    #expect(try hub.metric("hub_requests_timed_out_total") >= before + 3)
  }

  @Test func `A head has its time on a connection that has been used before`() throws {
    let socket = try RawSocket(port: hub.port)
    for _ in 0..<2 { #expect(try socket.request("GET", "/health").status == 200) }
    try socket.send("GET /hea")
    let start = Date()
    expectProblem(try socket.answer(), 408, "request_timeout")
    #expect((1...4).contains(Date().timeIntervalSince(start)))
    #expect(try socket.endsHere())
  }

  @Test func `A connection that asks nothing more is closed without a word`() throws {
    let socket = try RawSocket(port: hub.port)
    #expect(try socket.request("GET", "/health").status == 200)
    let (seconds, text) = try lifetime(socket)
    #expect(text.isEmpty)
    #expect((2...5).contains(seconds), "\(seconds) s")
  }

  @Test func `A body that stops or drips is 408 after its time`() throws {
    let hub = try hub
    let rows = [
      ("Content-Length: 5000\r\n", ""), ("Content-Length: 5000\r\n", " "), ("Transfer-Encoding: chunked\r\n", ""),
      ("Transfer-Encoding: chunked\r\n", "1\r\n \r\n"),
    ]
    try runConcurrently(rows.count) { number in
      let (length, piece) = rows[number]
      let socket = try RawSocket(port: hub.port)
      try socket.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\(length)\r\n")
      let start = Date()
      let sent = try drip(Array(repeating: piece, count: 100), every: 100, on: socket)
      expectProblem(try socket.answer(), 408, "request_timeout", length)
      #expect(try socket.endsHere())
      #expect(sent < 60 && (1...4.5).contains(Date().timeIntervalSince(start)))
    }
  }

  @Test func `A large body over a slow line arrives, long after the time for a body`() throws {
    let socket = try RawSocket(port: hub.port)
    // 2,000 bytes a second for five seconds: over the time for head and body together, and four times the least rate.
    let body = "{" + String(repeating: " ", count: 10_000) + "}"
    try socket.send(
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    )
    let start = Date()
    let pieces = stride(from: 0, to: body.utf8.count, by: 200).map { String(body.dropFirst($0).prefix(200)) }
    #expect(try drip(pieces, every: 100, on: socket) == pieces.count)
    #expect(Date().timeIntervalSince(start) > 4.5)
    expectProblem(try socket.answer(), 422, nil, "the whole body was read")
    #expect(try socket.request("GET", "/health").status == 200)
  }

  @Test func `A socket that does not sign in is closed with 4408`() throws {
    let socket = try RawWebSocket(port: hub.port, path: "/ws")
    let start = Date()
    #expect(try socket.receiveClose().closeCode == 4408)
    #expect((1...4).contains(Date().timeIntervalSince(start)))
  }
}

/// Peers that do not read; one after another, since they are told apart by a counter of the hub.
@Suite(.serialized) struct StuckPeerTests {
  /// More answers than the systems' buffers on both sides hold.
  private func askMuch(_ socket: RawSocket, of hub: HubUnderTest) throws -> (requests: Int, length: Int) {
    let path = "/clients/js/hub.js"
    let length = try hub.request("GET", path).body.count
    let count = 24_000_000 / length
    try socket.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
    return (count, length)
  }

  @Test func `A peer that does not read its answers is cut off`() throws {
    let hub = try ImpatientHub.shared.hub
    let before = try hub.metric("hub_connections_stuck_total")
    let socket = try RawSocket(port: hub.port, receiveBuffer: 4096)
    let start = Date()
    // The hub takes no more requests than it can hold answers for: sending ends when it cuts the connection.
    #expect(throws: SupportError.self) {
      _ = try askMuch(socket, of: hub)
      try socket.send(String(repeating: "x", count: 20_000_000))
    }
    #expect((2...12).contains(Date().timeIntervalSince(start)))
    #expect(try hub.metric("hub_connections_stuck_total") == before + 1)
  }

  @Test func `A peer that reads slowly gets all its answers, however long it takes`() throws {
    let hub = try ImpatientHub.shared.hub
    let before = try hub.metric("hub_connections_stuck_total")
    let socket = try RawSocket(port: hub.port, receiveBuffer: 256 * 1024)
    let path = "/clients/js/hub.js"
    let length = try hub.request("GET", path).body.count
    let count = 12_000_000 / length
    let sending = Worker("requests") { [socket = Unshared(socket)] in
      try socket.value.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
    }
    let start = Date()
    for number in 0..<count {
      let answer = try socket.answer()
      try #require(answer.status == 200 && answer.body.count == length)
      // A pause after each twentieth part: twice the time for a peer that does not read, and for an idle one.
      if number % (count / 20) == 0 { poll(nil, 0, 300) }
    }
    try sending.wait(within: 10)
    #expect(Date().timeIntervalSince(start) > 6)
    #expect(try hub.metric("hub_connections_stuck_total") == before)
  }

  @Test func `A WebSocket that does not read is cut off, and one beside it is not`() throws {
    let house = try RestHouse(at: ImpatientHub.shared)
    let hub = house.hub
    let before = try hub.metric("hub_connections_stuck_total")
    let channel = "kitchen:\(house.id)"
    let token = try #require(house.tokens["kitchen"])
    let reader = try RawWebSocket(port: hub.port, path: "/ws/kitchen/\(house.id)", token: token)
    _ = try reader.receive("subscribed")
    let stuck = try RawWebSocket(
      port: hub.port, path: "/ws/kitchen/\(house.id)", token: token, receiveBuffer: 4096)
    _ = try stuck.receive("subscribed")
    try house.shared.foreign().execute(
      """
      SELECT hub.publish('\(channel)', 'test.large', jsonb_build_object('x', repeat('x', 8000)))
      FROM generate_series(1, 1500)
      """)
    for _ in 0..<1500 { _ = try reader.receive("event") }
    try eventually("the stuck socket is cut off", within: 12) {
      try hub.metric("hub_connections_stuck_total") == before + 1
    }
    try reader.send(["type": "ping", "id": 1])
    _ = try reader.receive("pong")
  }
}

/// A socket that one thread writes to while another reads.
private struct Unshared: @unchecked Sendable {
  let value: RawSocket
  init(_ value: RawSocket) { self.value = value }
}
