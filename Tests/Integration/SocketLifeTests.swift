// What happens to a WebSocket by the clock and at the end of the hub (wire.md §2, Liveness and goaway).
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct SocketLifeTests {
  // One test for all that waits, since waiting costs no more for many sockets than for one.
  @Test func `Heartbeats tell what has moved, and who is silent is pinged, who does not sign in or finish is let go`()
    throws
  {
    let house = try RestHouse(at: RestHub.shared)
    let other = try RestHouse(at: RestHub.shared)
    let port = house.hub.port
    let began = Date()
    let (silent, halfHead, nothing) = (
      try RawWebSocket(port: port, path: "/ws", patience: 40), try RawSocket(port: port, patience: 40),
      try RawSocket(port: port, patience: 40)
    )
    let badToken = try RawWebSocket(port: port, path: "/ws/kitchen/\(house.id)", patience: 40)
    try halfHead.send("GET /health HTTP/1.1\r\nHost: local")
    let kitchen = try RawWebSocket(port: port, path: "/ws/kitchen/\(house.id)", token: house.manager, patience: 40)
    _ = try kitchen.next("subscribed")
    try kitchen.send(["type": "subscribe", "id": 1, "channel": "pos:\(house.id)"])
    let pos = try kitchen.next("subscribed")["offset"].integer ?? -1

    // The first heartbeat has the heads of all channels of the socket, the next only those that moved.
    let first = try kitchen.next("heartbeat")
    #expect(Date().timeIntervalSince(began) < 14)
    // A kitchen's checksum may be among it (ChecksumTests).
    #expect(first.names.subtracting(["sums"]) == ["type", "at", "fresh", "heads"])
    #expect(isInstant(first["at"].string) && isInstant(first["fresh"].string))
    #expect((first["fresh"].string ?? "") <= (first["at"].string ?? "~"))
    #expect(first["heads"].names == ["kitchen:\(house.id)", "pos:\(house.id)"])
    #expect(first["heads"]["pos:\(house.id)"].integer == pos)
    try house.publish("pos")
    try other.publish("kitchen")
    #expect(try kitchen.next("event")["offset"].integer == pos + 1)
    let second = try kitchen.next("heartbeat")
    #expect(second["heads"].names == ["pos:\(house.id)"] && second["heads"]["pos:\(house.id)"].integer == pos + 1)

    // By now the ten seconds for signing in and for a head are over.
    for socket in [silent, badToken] {
      let close = try socket.receiveClose()
      #expect(close.closeCode == 4408 && String(decoding: close.payload.dropFirst(2), as: UTF8.self).contains("10 s"))
    }
    let timeout = try halfHead.answer()
    expectProblem(timeout, 408, "request_timeout")
    #expect(timeout.header("Connection") == "close")
    #expect(try halfHead.receiveMore() == false && nothing.receiveAll().isEmpty)

    // 25 s without a byte from the client bring a ping; a client that answers it stays.
    var frame = try kitchen.receiveFrame()
    while frame.opcode != 9 { frame = try kitchen.receiveFrame() }
    #expect((24...32).contains(Date().timeIntervalSince(began)))
    try kitchen.socket.send(RawWebSocket.frame(opcode: 10, frame.payload))
    try kitchen.expectSilence()
  }

  @Test func `SIGTERM: goaway and 1012 for every socket, running commands are answered, no new ones are taken, exit 0`()
    throws
  {
    let house = try RestHouse(at: SharedHub())
    let order = try house.order([house.burger])["id"].string ?? ""
    let second = try house.order([house.burger])["id"].string ?? ""
    let holder = try house.shared.foreign()
    try holder.execute("BEGIN; SELECT 1 FROM app.order FOR UPDATE")
    let sockets = try [house.socket("/ws/kitchen/\(house.id)"), house.socket(), house.socket(as: "till")]
    let stranger = try RawWebSocket(port: house.hub.port, path: "/ws")
    let idle = try RawSocket(port: house.hub.port)
    #expect(try idle.request("GET", "/health").status == 200)
    let running = sockets[1]
    try running.send(["type": "command", "id": 7, "method": "POST", "path": "/api/v1/orders/\(order)/confirm"])
    let posting = try RawSocket(port: house.hub.port)
    try posting.send(
      "POST /api/v1/orders/\(second)/confirm HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\nContent-Length: 0\r\n\r\n"
    )
    let watcher = try house.shared.foreign()
    try eventually("both commands wait for their locks") {
      try watcher.execute(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
      ).count == 2
    }

    let began = Date()
    let status = SharedCount()
    let stopping = Worker("the drain") { status.add(Int(house.hub.stop(with: SIGTERM)) + 1000) }
    for socket in sockets + [stranger] {
      let goaway = try socket.next("goaway")
      #expect(goaway.names == ["type", "reason", "reconnect"] && goaway["reason"].string == "drain")
      #expect((0.1...3).contains(Double("\(goaway["reconnect"])") ?? -1), "\(goaway)")
    }
    for socket in [sockets[0], sockets[2], stranger] { #expect(try socket.receiveClose().closeCode == 1012) }
    #expect(try idle.receiveMore() == false)
    try eventually("the listener is closed") { (try? RawSocket(port: house.hub.port)) == nil }
    #expect(!stopping.hasEnded, "two commands still run")

    try holder.execute("ROLLBACK")
    let reply = try running.next("reply")
    #expect(reply["id"].integer == 7 && reply["status"].integer == 200 && reply["body"]["status"].string == "confirmed")
    #expect(try running.receiveClose().closeCode == 1012)
    let answer = try posting.answer()
    #expect(answer.status == 200 && answer.header("Connection") == "close")
    #expect(try posting.receiveMore() == false)
    for socket in sockets + [stranger] { try socket.socket.send(RawWebSocket.frame(opcode: 8, [0x03, 0xF4])) }
    try stopping.wait(within: 15)
    #expect(status.value == 1000, "exit status 0")
    #expect(Date().timeIntervalSince(began) < 10)
    let states = try watcher.execute("SELECT status FROM app.order")
    #expect(states == [["confirmed"], ["confirmed"]])
  }

  @Test func `A drain ends in time although peers neither answer nor close, and a command hangs`() throws {
    let house = try RestHouse(at: SharedHub())
    let order = try house.order([house.burger])["id"].string ?? ""
    let holder = try house.shared.foreign()
    try holder.execute("BEGIN; SELECT 1 FROM app.order FOR UPDATE")
    let socket = try house.socket()
    try socket.send(["type": "command", "id": 7, "method": "POST", "path": "/api/v1/orders/\(order)/confirm"])
    let half = try RawSocket(port: house.hub.port)
    try half.send("POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    try socket.expectSilence()
    let began = Date()
    let status = SharedCount()
    try Worker("the drain") { status.add(Int(house.hub.stop(with: SIGTERM)) + 1000) }.wait(within: 20)
    #expect(status.value == 1000, "exit status 0")
    #expect(Date().timeIntervalSince(began) < 10)
    // What was not answered did not happen by halves.
    try holder.execute("ROLLBACK")
    let row = try holder.execute(
      "SELECT o.status, (SELECT count(*) FROM app.ticket AS t WHERE t.order_id = o.id) FROM app.order AS o")[0]
    #expect(row == ["pending", "0"] || row == ["confirmed", "1"])
  }
}
