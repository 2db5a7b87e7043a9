// The shortcuts that subscribe at once, and what a handshake for one is refused with (wire.md §2).
import Foundation
import Testing
import TestSupport

@Suite struct SocketShortcutTests {
  @Test func `Each shortcut subscribes to its channel as soon as the socket is signed in`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let ramp = UUID().uuidString.lowercased()
    try house.shared.foreign().execute("INSERT INTO app.ramp (id) VALUES ($1)", [ramp])
    var claims = TokenForge.claims(role: "ramp")
    claims["ramp"] = ramp
    let rampToken = try house.shared.forge.sign(claims)
    for (path, channel, token) in [
      ("/ws/\(house.id)", "restaurant:\(house.id)", house.manager),
      ("/ws/kitchen/\(house.id)", "kitchen:\(house.id)", house.tokens["kitchen"]),
      ("/ws/kitchen/\(house.id.uppercased())", "kitchen:\(house.id)", house.tokens["kitchen"]),
      ("/ws/pos/\(house.id)", "pos:\(house.id)", house.tokens["till"]),
      ("/ws/pos-updates", "pos:\(house.id)", house.tokens["till"]),
      ("/ws/payments", "payments:\(house.id)", house.tokens["till"]), ("/ws/ramps/\(ramp)", "ramp:\(ramp)", rampToken),
    ] {
      let socket = try RawWebSocket(port: house.hub.port, path: path, token: token)
      #expect(try socket.next()["type"].string == "welcome", "\(path)")
      let subscribed = try socket.next()
      #expect(subscribed.names == ["type", "channel", "epoch", "offset", "recovered", "snapshot"], "\(path)")
      #expect(subscribed["type"].string == "subscribed" && subscribed["channel"].string == channel, "\(path)")
      if channel.hasPrefix("ramp") {
        try house.shared.foreign().execute("UPDATE app.ramp SET phase = 'funding' WHERE id = $1", [ramp])
      } else {
        try house.publish(String(channel.prefix { $0 != ":" }))
      }
      let event = try socket.next()
      #expect(event["channel"].string == channel && event["offset"].integer == (subscribed["offset"].integer ?? 0) + 1)
    }
  }

  @Test func `A shortcut waits for auth, then subscribes`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try RawWebSocket(port: house.hub.port, path: "/ws/kitchen/\(house.id)?snapshot=false")
    #expect(try socket.next()["user"].isNull)
    try socket.expectSilence()
    try socket.send(["type": "auth", "id": 1, "token": house.manager])
    #expect(try socket.next()["id"].integer == 1)
    #expect(try socket.next()["channel"].string == "kitchen:\(house.id)")
  }

  @Test func `since, epoch and snapshot stand in the address`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<4 { try house.publish("kitchen") }
    let read = try house.call("GET", "channels/kitchen:\(house.id)").document
    let (epoch, head) = (read["epoch"].string ?? "", read["offset"].integer ?? 0)
    let path = "/ws/kitchen/\(house.id)"
    let resumed = try house.socket("\(path)?since=\(head - 2)&epoch=\(epoch)")
    let subscribed = try resumed.next()
    #expect(subscribed["recovered"].boolean == true && subscribed["offset"].integer == head - 2)
    #expect(try [resumed.next(), resumed.next()].map { $0["offset"].integer } == [head - 1, head])
    let plain = try house.socket("\(path)?snapshot=false").next()
    #expect(plain.names == ["type", "channel", "epoch", "offset", "recovered"] && plain["offset"].integer == head)
    for query in ["since=\(head + 1)&epoch=\(epoch)", "since=2&epoch=another", "epoch=\(epoch)"] {
      let fresh = try house.socket("\(path)?\(query)").next()
      #expect(
        fresh["recovered"].boolean == false && !fresh["snapshot"].isNull && fresh["offset"].integer == head, "\(query)")
    }
    for query in ["since=-1", "since=x", "since=1.5", "since=", "since=99999999999999999999", "since=%zz"] {
      let answer = try RawHandshake(path: "\(path)?\(query)", headers: ["Authorization": "Bearer \(house.manager)"])
        .send(to: house.hub.port)
      expectProblem(answer, 400, nil, query)
    }
  }

  @Test func `What a shortcut's token may not is refused before the upgrade, with a problem document`() throws {
    let (house, other) = (try RestHouse(at: RestHub.shared), try RestHouse(at: RestHub.shared))
    let never = UUID().uuidString.lowercased()
    let two = try house.shared.forge.token(role: "manager", restaurants: [house.id, other.id])
    // Signed for a restaurant that does not exist: the right is there, the channel is not.
    let ghost = try house.shared.forge.token(role: "manager", restaurants: [never])
    for (path, token, status, code) in [
      ("/ws/pos/\(house.id)", house.tokens["kitchen"], 403, "forbidden"),
      ("/ws/kitchen/\(house.id)", house.tokens["till"], 403, "forbidden"),
      ("/ws/\(house.id)", house.tokens["employee"], 403, "forbidden"),
      ("/ws/kitchen/\(house.id)", house.platform, 403, "forbidden"),
      ("/ws/pos-updates", house.tokens["kitchen"], 403, "forbidden"), ("/ws/pos-updates", two, 403, "forbidden"),
      ("/ws/payments", house.platform, 403, "forbidden"), ("/ws/pos-updates", nil, 401, "unauthorized"),
      ("/ws/payments", nil, 401, "unauthorized"), ("/ws/kitchen/\(other.id)", house.manager, 404, "not_found"),
      ("/ws/\(other.id)", house.manager, 404, "not_found"), ("/ws/kitchen/\(never)", house.manager, 404, "not_found"),
      ("/ws/kitchen/\(never)", ghost, 404, "not_found"), ("/ws/\(never)", house.platform, 404, "not_found"),
      ("/ws/ramps/\(never)", house.manager, 404, "not_found"), ("/ws/accounts/7", house.manager, 404, "not_found"),
      ("/ws/accounts/7", house.platform, 404, "not_found"),
      ("/ws/", house.manager, 404, "not_found"), ("/ws/kitchen", house.manager, 404, "not_found"),
      ("/ws/kitchen/", house.manager, 404, "not_found"), ("/ws/kitchen/7", house.manager, 404, "not_found"),
      ("/ws/kitchen/\(house.id)/more", house.manager, 404, "not_found"), ("/ws/chairs/7", nil, 404, "not_found"),
      ("/wsx", house.manager, 404, "not_found"),
    ] as [(String, String?, Int, String)] {
      let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
      let answer = try RawHandshake(path: path, headers: headers).send(to: house.hub.port)
      expectProblem(answer, status, code, path)
      #expect(answer.header("Sec-WebSocket-Accept") == nil)
    }
  }

  @Test func `What a late token may not closes the socket`() throws {
    let (house, other) = (try RestHouse(at: RestHub.shared), try RestHouse(at: RestHub.shared))
    for (token, code) in [(house.tokens["till"], 4403), (other.manager, 4404), ("nonsense", 4401)] {
      let socket = try RawWebSocket(port: house.hub.port, path: "/ws/kitchen/\(house.id)")
      try socket.send(["type": "auth", "token": token ?? ""])
      #expect(try socket.receiveClose().closeCode == code)
    }
  }
}
