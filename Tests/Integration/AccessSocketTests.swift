// What an ended right means to one connection (wire §2, close codes and `unsubscribed`): the whole of it, one channel of it,
// or nothing; and to the next one that its token would open, on every node.
import Foundation
import Testing
import TestSupport

@Suite struct AccessSocketTests {
  private func post(_ path: String, _ token: String, _ method: String = "POST") throws -> RawAnswer {
    try AccessHubs.shared.hubs[0].request(method, "/api/v1/\(path)", token: token)
  }

  /// Whatever comes until the close; answers its code.
  private func close(of socket: EventSocket, within seconds: Double = 10) throws -> Int {
    let end = Date(timeIntervalSinceNow: seconds * Patience.factor)
    while Date() < end {
      if case .ended(let code, _) = socket.next(within: 1) { return code }
    }
    throw SupportError("no close within \(seconds) s")
  }

  private func subscribe(_ socket: EventSocket, _ channel: String, since: Int64? = nil) throws -> HubMessage {
    var message: [String: Any] = ["type": "subscribe", "id": 1, "channel": channel]
    if let since { message["since"] = since }
    try socket.send(message)
    return try socket.next("subscribed")
  }

  private func publish(_ event: String, on channel: String) throws {
    try AccessHubs.shared.foreign().execute("SELECT hub.publish('\(channel)', '\(event)', '{}')")
  }

  @Test func `Signing out closes sockets that listen to nothing, and no node takes the token any more`() throws {
    let shared = try AccessHubs.shared
    let restaurant = try TestRestaurant(at: shared.hubs[0], products: 1)
    let holder = try Holder(shared, [restaurant.id])
    let idle = try shared.hubs.map { try EventSocket(webSocket: "/ws", port: $0.port, token: holder.token) }
    for socket in idle { _ = try socket.next("welcome") }
    #expect(try post("auth/logout", holder.token).status == 204)
    for socket in idle { #expect(try close(of: socket) == 4401) }
    for hub in shared.hubs {
      for path in ["/ws", "/ws/kitchen/\(restaurant.id)", "/sse/kitchen:\(restaurant.id)", "/api/v1/restaurants"] {
        let answer = try hub.request("GET", path, token: holder.token, headers: handshake)
        expectProblem(answer, 401, "session_ended", path)
      }
      let late = try RawWebSocket(port: hub.port, path: "/ws")
      try late.send(["type": "auth", "id": 1, "token": holder.token])
      #expect(try late.receiveClose().closeCode == 4401)
    }
  }

  private var handshake: [String: String] {
    [
      "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]
  }

  @Test func `Who leaves one of two restaurants keeps the socket, the session and the other`() throws {
    let shared = try AccessHubs.shared
    let (left, kept) = (
      try TestRestaurant(at: shared.hubs[0], products: 1), try TestRestaurant(at: shared.hubs[0], products: 1)
    )
    let holder = try Holder(shared, [left.id, kept.id])
    let sockets = try shared.hubs.map { try EventSocket(webSocket: "/ws", port: $0.port, token: holder.token) }
    for socket in sockets {
      _ = try subscribe(socket, left.channel("kitchen"))
      _ = try subscribe(socket, kept.channel("kitchen"))
    }
    let owner = try shared.forge.token(role: "restaurant_owner", restaurants: [left.id])
    #expect(try post("restaurants/\(left.id)/members/\(holder.user)", owner, "DELETE").status == 204)
    try publish("test.hidden", on: left.channel("kitchen"))
    try publish("test.seen", on: kept.channel("kitchen"))
    for (hub, socket) in zip(shared.hubs, sockets) {
      let message = try socket.next("unsubscribed")
      #expect(message.string("channel") == left.channel("kitchen") && message.string("reason") == "member_removed")
      #expect(try socket.next("event").event == "test.seen")
      try socket.send(["type": "subscribe", "id": 2, "channel": left.channel("kitchen")])
      #expect(try socket.nextError()["status"] as? Int == 404)
      let (path, body) = ("/api/v1/restaurants", #"{"name":"Renamed"}"#)
      try eventually("the node knows that the token is one of the other restaurant only") {
        try hub.request("PATCH", "\(path)/\(kept.id)", token: holder.token, body: body).status == 200
      }
      let gone = try hub.request("PATCH", "\(path)/\(left.id)", token: holder.token, body: body)
      expectProblem(gone, 404, "not_found")
    }
    // Taken back, the same token is good for it again.
    try shared.foreign().execute("INSERT INTO app.membership VALUES ('\(holder.user)', '\(left.id)')")
    for hub in shared.hubs {
      try eventually("the node knows that they are back") {
        try hub.request("GET", "/api/v1/restaurants/\(left.id)", token: holder.token).status == 200
      }
    }
  }

  @Test func `A suspended restaurant is one channel less to who has others; resumed, it is read on from before`() throws
  {
    let shared = try AccessHubs.shared
    let (turned, other) = (
      try TestRestaurant(at: shared.hubs[0], products: 1), try TestRestaurant(at: shared.hubs[0], products: 1)
    )
    let both = try shared.forge.token(role: "restaurant_owner", restaurants: [turned.id, other.id])
    let platform = try shared.forge.token(role: "platform_owner")
    let kitchen = turned.channel("kitchen")
    let sockets = try shared.hubs.map { try EventSocket(webSocket: "/ws", port: $0.port, token: both) }
    let watching = try EventSocket(webSocket: "/ws/\(turned.id)", port: shared.hubs[1].port, token: platform)
    var since: Int64 = 0
    for socket in sockets { since = try subscribe(socket, kitchen).offset }
    #expect(try post("restaurants/\(turned.id)/suspend", platform).status == 200)
    for (hub, socket) in zip(shared.hubs, sockets) {
      #expect(try socket.next("event").event == "restaurant.suspended")
      let message = try socket.next("unsubscribed")
      #expect(message.string("channel") == kitchen && message.string("reason") == "suspended")
      try socket.send(["type": "subscribe", "id": 2, "channel": kitchen])
      #expect(try socket.nextError()["code"] as? String == "restaurant_suspended")
      for path in ["channels/\(kitchen)", "channels/\(kitchen)/events"] {
        expectProblem(try hub.request("GET", "/api/v1/\(path)", token: both), 403, "restaurant_suspended")
      }
      let refused = try hub.request("GET", "/ws/kitchen/\(turned.id)", token: both, headers: handshake)
      expectProblem(refused, 403, "restaurant_suspended")
    }
    for name in ["restaurant.suspended", "access.revoked"] { #expect(try watching.next("event").event == name) }
    #expect(try post("restaurants/\(turned.id)/resume", platform).status == 200)
    for socket in sockets {
      // Past its own revocation, which counts no more.
      try eventually("the node lets its people listen again") {
        guard let answer = try? subscribe(socket, kitchen, since: since) else { return false }
        return answer.json["recovered"] as? Bool == true
      }
      for name in ["restaurant.suspended", "access.revoked", "restaurant.resumed"] {
        #expect(try socket.next("event").event == name)
      }
    }
    #expect(try watching.next("event").event == "restaurant.resumed")
  }

  @Test func `A platform owner's session ends in every restaurant's channel`() throws {
    let shared = try AccessHubs.shared
    let restaurants = try (0..<2).map { _ in try TestRestaurant(at: shared.hubs[0], products: 1) }
    let holder = try Holder(shared, [], role: "platform_owner")
    let channels = ["platform"] + restaurants.map { $0.channel("restaurant") }
    let sockets = try channels.map { channel in
      let socket = try EventSocket(webSocket: "/ws", port: shared.hubs[1].port, token: holder.token)
      _ = try subscribe(socket, channel)
      return socket
    }
    for channel in channels { try publish("test.before", on: channel) }
    #expect(try post("auth/logout", holder.token).status == 204)
    for channel in channels { try publish("test.after", on: channel) }
    for socket in sockets {
      // Other tests' restaurants are told on `platform` too.
      var event = try socket.next("event").event
      while event != "test.before" {
        #expect(event != "test.after")
        event = try socket.next("event").event
      }
      #expect(try close(of: socket) == 4401)
    }
  }
}
