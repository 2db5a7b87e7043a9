// The database goes away and comes back: the hub says so (503 with Retry-After, /ready), keeps its sockets, recovers by
// itself, and its subscribers get what was committed meanwhile and afterwards without a gap.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Outages {
    @Test func theHubAnswers503WhileTheDatabaseIsAwayAndGoesOnByItself() throws {
      let postgres = try StoppablePostgres()
      let scene = try DeliveryScene(database: postgres.connectionString)
      let order = { () throws -> String in
        var random = SeededRandom()
        return scene.restaurant.order(&random).body
      }
      let stays = try scene.connect()
      var last = try scene.subscribe(stays, scene.kitchen).offset
      for end in [StoppablePostgres.End.stop, .crash] {
        let goes = try scene.connect()
        try scene.subscribe(goes, scene.kitchen)
        let epoch = try ForeignConnection(postgres.connectionString).execute("SELECT epoch FROM hub.epoch")[0][0]
        try scene.publish("test.before", on: scene.kitchen, by: ForeignConnection(postgres.connectionString))
        last += 1
        for socket in [stays, goes] { #expect(try socket.next("event").offset == last) }

        try postgres.end(end)
        try eventually("/ready says no") { try scene.hub.request("GET", "/ready").status == 503 }
        let unready = try scene.hub.request("GET", "/ready")
        #expect(
          unready.status == 503 && unready.header("Retry-After") != nil && unready.json["database"] as? Bool == false)
        #expect(try scene.hub.request("GET", "/health").status == 200)
        let calls: [(method: String, path: String, body: String?)] = [
          ("POST", "orders", try order()), ("GET", "orders?restaurant_id=\(scene.restaurant.id)", nil),
          ("GET", "channels/\(scene.kitchen)", nil),
        ]
        let (port, token) = (scene.hub.port, scene.token)
        // At once, since each may wait some seconds for the database to come back.
        let callers = calls.map { call in
          Worker(call.path) {
            let answer = try EventSocket(port: port).request(
              call.method, "/api/v1/\(call.path)", token: token, body: call.body)
            #expect(
              answer.status == 503 && answer.json["code"] as? String == "unavailable", "\(call.path): \(answer.text)")
            #expect(answer.header("Retry-After") != nil, "\(call.path)")
          }
        }
        // The sockets stay and are told.
        try stays.send(["type": "ping", "id": 1])
        #expect(try stays.next("pong").json["id"] as? Int == 1)
        try stays.send(["type": "command", "id": 2, "method": "GET", "path": "/api/v1/orders/today"])
        try stays.send(["type": "subscribe", "id": 3, "channel": scene.pos])
        #expect(try stays.nextError()["status"] as? Int == 503)
        #expect(try stays.next("reply").json["status"] as? Int == 503)
        goes.cut()
        for caller in callers { try caller.wait(within: 15) }

        try postgres.start()
        try eventually("/ready says yes", within: 30) { try scene.hub.request("GET", "/ready").status == 200 }
        let program = try ForeignConnection(postgres.connectionString)
        for _ in 0..<3 { try scene.publish("test.after", on: scene.kitchen, by: program) }
        let back = try scene.connect()
        let resumed = try scene.subscribe(back, scene.kitchen, since: last, epoch: epoch)
        #expect(resumed.json["recovered"] as? Bool == true)
        for _ in 0..<3 {
          last += 1
          for socket in [stays, back] { try #require(try socket.next("event").offset == last) }
        }
        let placed = try scene.hub.request("POST", "/api/v1/orders", token: scene.token, body: try order())
        #expect(placed.status == 201, "\(placed.text)")
      }
    }

    /// architecture §3, point 6: a writer that does not wait for the disk must not make screens show what a crash undoes.
    @Test func whatWasShownSurvivesACrashWhateverTheWriterHasSet() throws {
      let postgres = try StoppablePostgres()
      let scene = try DeliveryScene(database: postgres.connectionString)
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      let hasty = try ForeignConnection(postgres.connectionString)
      try hasty.execute("SET synchronous_commit = off")
      var ids: [String] = []
      for number in 1...Int64(20) {
        try scene.publish("test.hasty", on: scene.kitchen, by: hasty)
        let event = try socket.next("event")
        #expect(event.offset == start + number)
        ids.append(event.string("id"))
      }
      try postgres.end(.crash)
      try postgres.start()
      let program = try ForeignConnection(postgres.connectionString)
      let kept = try program.execute(#"SELECT id FROM hub.event WHERE name = 'test.hasty' ORDER BY "offset""#).map {
        $0[0]
      }
      #expect(kept == ids, "\(ids.count) were shown, \(kept.count) are there")
      try scene.publish("test.after", on: scene.kitchen, by: program)
      #expect(try socket.next("event").offset == start + 21)
    }
  }
}
