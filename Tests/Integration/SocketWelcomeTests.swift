// The beginning of a WebSocket by wire.md §2: handshake, subprotocol, welcome, auth, and the ids of messages.
import Foundation
import Testing
import TestSupport

@Suite struct SocketWelcomeTests {
  private static let members: Set<String> = ["type", "connection", "node", "epoch", "heartbeat", "user", "expires"]

  @Test func `The handshake is answered as RFC 6455 §4.2.2 says`() throws {
    let port = try RestHub.shared.hub.port
    let socket = try RawSocket(port: port)
    try socket.send(RawHandshake(path: "/ws").text)
    let answer = try socket.answer()
    #expect(answer.status == 101 && answer.header("Sec-WebSocket-Accept") == RawHandshake.acceptance)
    #expect(
      answer.header("Upgrade")?.lowercased() == "websocket" && answer.header("Connection")?.lowercased() == "upgrade")
    #expect(answer.header("Sec-WebSocket-Protocol") == nil && answer.header("Sec-WebSocket-Extensions") == nil)
  }

  @Test func `Welcome is the first message, with the user and the token's end, or with null for both`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let user = UUID().uuidString.lowercased()
    let token = try house.shared.forge.token(role: "till", restaurants: [house.id], user: user, lifetime: 300)
    let signedIn = try RawWebSocket(port: house.hub.port, path: "/ws", token: token).next()
    let stranger = try RawWebSocket(port: house.hub.port, path: "/ws").next()
    for welcome in [signedIn, stranger] {
      #expect(welcome.names == Self.members && welcome["type"].string == "welcome")
      #expect(welcome["heartbeat"].integer == 10)
      for name in ["connection", "node", "epoch"] { #expect(welcome[name].string?.isEmpty == false) }
    }
    #expect(signedIn["user"].names == ["id", "role"])
    #expect(signedIn["user"]["id"].string == user && signedIn["user"]["role"].string == "till")
    #expect(isInstant(signedIn["expires"].string))
    #expect(stranger["user"].isNull && stranger["expires"].isNull)
    #expect(signedIn["connection"].string != stranger["connection"].string)
    #expect(signedIn["epoch"].string == stranger["epoch"].string)
  }

  @Test func `hub.v1 is selected when offered, a bearer subprotocol signs in and is never selected`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let bearer = "bearer.\(house.manager)"
    for (offered, selected, isSignedIn) in [
      ("hub.v1", "hub.v1", false), ("hub.v1, \(bearer)", "hub.v1", true), ("\(bearer),hub.v1", "hub.v1", true),
      (bearer, nil, true), ("chat, superchat", nil, false), ("hub.v2, hub.v1", "hub.v1", false),
    ] as [(String, String?, Bool)] {
      let socket = try RawWebSocket(port: house.hub.port, path: "/ws", headers: ["Sec-WebSocket-Protocol": offered])
      #expect(socket.header("Sec-WebSocket-Protocol") == selected, "\(offered.prefix(30))")
      #expect(!socket.head.contains("bearer"))
      #expect(try socket.next()["user"]["role"].string == (isSignedIn ? "manager" : nil))
    }
    // The first that is present: the header stands before the subprotocol.
    let both = try RawWebSocket(
      port: house.hub.port, path: "/ws", token: house.tokens["till"],
      headers: ["Sec-WebSocket-Protocol": "hub.v1, \(bearer)"])
    #expect(try both.next()["user"]["role"].string == "till")
  }

  @Test func `Before signing in a socket may only ping and sign in`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try RawWebSocket(port: house.hub.port, path: "/ws")
    _ = try socket.next("welcome")
    let channel = "kitchen:\(house.id)"
    for message: [String: Any] in [
      ["type": "subscribe", "id": 2, "channel": channel],
      ["type": "command", "id": 2, "method": "GET", "path": "/api/v1/auth/me"],
    ] {
      try socket.send(message)
      let error = try socket.next()
      #expect(error.names == ["type", "id", "code", "status", "detail"])
      #expect(error["type"].string == "error" && error["id"].integer == 2)
      #expect(error["code"].string == "unauthorized" && error["status"].integer == 401)
    }
    try socket.expectSilence()
    try socket.send(["type": "auth", "id": "in", "token": house.manager])
    let welcome = try socket.next()
    #expect(welcome.names == Self.members.union(["id"]) && welcome["id"].string == "in")
    #expect(welcome["user"]["role"].string == "manager" && isInstant(welcome["expires"].string))
    #expect(try socket.subscribe(channel)["type"].string == "subscribed")
  }

  @Test func `auth again keeps the subscriptions, takes away what the new token may not, and never changes the user`()
    throws
  {
    let house = try RestHouse(at: RestHub.shared)
    let user = UUID().uuidString.lowercased()
    func token(_ role: String, _ lifetime: Int = 600) throws -> String {
      try house.shared.forge.token(role: role, restaurants: [house.id], user: user, lifetime: lifetime)
    }
    let socket = try RawWebSocket(port: house.hub.port, path: "/ws", token: token("employee"))
    let first = try socket.next("welcome")
    for kind in ["kitchen", "pos"] {
      #expect(try socket.subscribe("\(kind):\(house.id)")["type"].string == "subscribed")
    }
    try socket.send(["type": "auth", "id": 9, "token": try token("employee", 900)])
    let again = try socket.next()
    #expect(again["id"].integer == 9 && again["connection"].string == first["connection"].string)
    #expect((again["expires"].string ?? "") > (first["expires"].string ?? ""))
    for kind in ["kitchen", "pos"] {
      try house.publish(kind)
      #expect(try socket.next()["channel"].string == "\(kind):\(house.id)")
    }
    try socket.send(["type": "auth", "token": try token("till")])
    #expect(try socket.next()["user"]["role"].string == "till")
    let withdrawn = try socket.next()
    #expect(withdrawn.names == ["type", "channel", "reason"] && withdrawn["type"].string == "unsubscribed")
    #expect(withdrawn["channel"].string == "kitchen:\(house.id)" && withdrawn["reason"].string == "forbidden")
    try house.publish("kitchen")
    try house.publish("pos")
    #expect(try socket.next()["channel"].string == "pos:\(house.id)")
    try socket.send(["type": "auth", "token": house.manager])
    #expect(try socket.receiveClose().closeCode == 4401)
  }

  @Test func `A socket ends with its token, unless that was replaced in time`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let user = UUID().uuidString.lowercased()
    let short = try house.shared.forge.token(role: "till", restaurants: [house.id], user: user, lifetime: 2)
    let (ending, renewed) = (
      try RawWebSocket(port: house.hub.port, path: "/ws/pos-updates", token: short),
      try RawWebSocket(port: house.hub.port, path: "/ws/pos-updates", token: short)
    )
    try renewed.send([
      "type": "auth", "token": try house.shared.forge.token(role: "till", restaurants: [house.id], user: user),
    ])
    #expect(try ending.receiveClose().closeCode == 4401)
    // Its two welcomes, and what the shortcut subscribed to.
    let said = try (0..<3).map { _ in try renewed.next()["type"].string ?? "" }
    #expect(said.sorted() == ["subscribed", "welcome", "welcome"])
    try renewed.expectSilence()
    expectProblem(try house.call("GET", "orders", as: short), 401, "token_expired")
  }

  @Test(arguments: [
    "5", "-7", "0", "9223372036854775807", "\"a\"", "\"\"", "\"caf\\u00e9 ☕\"",
    "\"\(String(repeating: "é", count: 64))\"",
  ])
  func `An id is repeated as it came`(id: String) throws {
    let socket = try RawWebSocket(port: RestHub.shared.hub.port, path: "/ws")
    _ = try socket.next("welcome")
    try socket.send(#"{"type":"ping","id":\#(id)}"#)
    let frame = try socket.receiveFrame()
    let expected = Document(Array(id.utf8))
    let pong = Document(frame.payload)
    #expect(pong.names == ["type", "id", "at"] && pong["type"].string == "pong" && isInstant(pong["at"].string))
    #expect("\(pong["id"])" == "\(expected)")
    if id.first != "\"" { #expect(frame.text.contains(#""id":\#(id),"#), "an integer stays an integer") }
  }

  @Test(arguments: [
    "1.5", "1e3", "-0", "true", "[1]", "{}", "9223372036854775808", "\"\(String(repeating: "x", count: 65))\"",
  ])
  func `An id that is none is refused, and the connection stays`(id: String) throws {
    let socket = try RawWebSocket(port: RestHub.shared.hub.port, path: "/ws")
    _ = try socket.next("welcome")
    try socket.send(#"{"type":"ping","id":\#(id)}"#)
    let error = try socket.next()
    #expect(error.names == ["type", "code", "status", "detail"])
    #expect(error["code"].string == "bad_message" && error["status"].integer == 400)
    for absent in [#"{"type":"ping"}"#, #"{"type":"ping","id":null,"more":{"a":[1]}}"#] {
      try socket.send(absent)
      #expect(try socket.next().names == ["type", "at"])
    }
  }
}
