// Receipts over the wire (wire.md §2 `seen`): stored together however many come, kept over an outage, and never believed
// about what a connection cannot have seen.
import Foundation
import Testing
import TestSupport

extension AlarmTests {
  @Suite(.serialized) struct Receipts {
    @Test func `Thousands of receipts are a few writes, and delivery goes on meanwhile`() throws {
      let scene = try AlarmScene()
      for _ in 0..<200 { try scene.program.execute("SELECT hub.publish('\(scene.kitchen)', 'test.step', '{}')") }
      let screens = try (0..<4).map { _ in try scene.screen() }
      let head = Int64(try scene.value("SELECT head FROM hub.channel WHERE name = '\(scene.kitchen)'")) ?? 0
      let before = try scene.hubs[0].metric("hub_receipt_batches_total")
      let begun = Date()
      let (each, kitchen) = (2_500, scene.kitchen)
      try runConcurrently(screens.count) { number in
        for step in 1...each {
          let offset = min(head, Int64(step * 200 / each + 1))
          try screens[number].send([
            "type": "seen", "channel": kitchen, "offset": offset,
            "level": ["received", "shown", "accepted"][step % 3],
          ])
        }
        try screens[number].send(["type": "ping", "id": "end"])
        _ = try screens[number].next("pong")
      }
      try scene.program.execute("SELECT hub.publish('\(scene.kitchen)', 'test.last', '{}')")
      for screen in screens { #expect(try screen.next("event").event == "test.last") }
      for screen in screens { try scene.seen(head, "accepted", on: screen) }
      let stored = "SELECT count(*) FROM hub.receipt WHERE channel = '\(scene.kitchen)' AND accepted = \(head)"
      try eventually("every screen's last receipt is stored") { try scene.value(stored) == "4" }
      let seconds = Date().timeIntervalSince(begun)
      let writes = try scene.hubs[0].metric("hub_receipt_batches_total") - before
      print("\(try scene.hubs[0].metric("hub_receipts_total")) receipts in \(writes) writes and \(seconds) s")
      #expect(try scene.hubs[0].metric("hub_receipts_total") >= 4 * each)
      // At most one write a reactor each tenth of a second; there are as many reactors as processors.
      let reactors = ProcessInfo.processInfo.activeProcessorCount
      #expect(Double(writes) <= Double(reactors) * (seconds * 10 + 2), "\(writes) in \(seconds) s")
    }

    @Test func `What was said while the database was away is stored when it is back`() throws {
      let postgres = try StoppablePostgres()
      let scene = try AlarmScene(database: postgres.connectionString)
      try scene.program.execute("SELECT hub.publish('\(scene.kitchen)', 'test.step', '{}')")
      let screen = try scene.screen()
      let head = Int64(try scene.value("SELECT head FROM hub.channel WHERE name = '\(scene.kitchen)'")) ?? 0
      try postgres.end(.stop)
      try eventually("/ready says no") { try scene.hubs[0].request("GET", "/ready").status == 503 }
      for offset in 1...head { try scene.seen(offset, on: screen) }
      try screen.send(["type": "ping", "id": 1])
      _ = try screen.next("pong")
      try postgres.start()
      let program = try ForeignConnection(postgres.connectionString)
      try eventually("the receipt is stored", within: 40) {
        try program.execute("SELECT shown FROM hub.receipt WHERE channel = '\(scene.kitchen)'") == [["\(head)"]]
      }
    }

    @Test func `A receipt that cannot be true is ignored, a malformed one is an error, the connection stays`() throws {
      let scene = try AlarmScene()
      let other = try TestRestaurant(at: scene.hubs[0], stations: 1, products: 1)
      let screen = try scene.screen()
      try scene.program.execute("SELECT hub.publish('\(scene.kitchen)', 'test.step', '{}')")
      let head = try screen.next("event").offset
      let before = try scene.hubs[0].metric("hub_receipts_ignored_total")
      let untrue: [[String: Any]] = [
        ["channel": scene.kitchen, "offset": head + 1], ["channel": scene.kitchen, "offset": Int64.max],
        ["channel": scene.kitchen, "offset": 0], ["channel": scene.pos, "offset": 1],
        ["channel": other.channel("kitchen"), "offset": 1], ["channel": "kitchen:nobody", "offset": 1],
        ["channel": "platform", "offset": 1], ["channel": "'; DROP TABLE hub.receipt; --", "offset": 1],
      ]
      for receipt in untrue { try screen.send(["type": "seen", "level": "shown"].merging(receipt) { $1 }) }
      for malformed: [String: Any] in [
        ["channel": scene.kitchen, "offset": -1, "level": "shown"], ["channel": scene.kitchen, "level": "shown"],
        ["channel": scene.kitchen, "offset": 1.5, "level": "shown"],
        ["channel": scene.kitchen, "offset": 1, "level": "read"],
      ] {
        try screen.send(["type": "seen"].merging(malformed) { $1 })
        #expect(try screen.nextError()["code"] as? String == "bad_message")
      }
      try screen.send(["type": "ping", "id": 9])
      #expect(try screen.next("pong").json["id"] as? Int == 9)
      #expect(try scene.hubs[0].metric("hub_receipts_ignored_total") == before + untrue.count)
      // One that is true, behind them: when it is there, they would be.
      try scene.seen(head, on: screen)
      try eventually("the true one is stored") {
        try scene.program.execute("SELECT channel, shown FROM hub.receipt") == [[scene.kitchen, "\(head)"]]
      }
      let listed = try scene.hubs[0].request(
        "GET", "/api/v1/channels/\(scene.kitchen)/receipts", token: scene.token)
      #expect((listed.json["items"] as? [[String: Any]])?.first?["shown"] as? Int64 == head, "\(listed.text)")
      try scene.seen(head, on: screen)
    }

    @Test func `Before it has signed in nobody gives a receipt`() throws {
      let scene = try AlarmScene()
      let socket = try RawWebSocket(port: scene.hubs[0].port, path: "/ws")
      let before = try scene.hubs[0].metric("hub_receipts_ignored_total")
      try socket.send(#"{"type":"seen","channel":"\#(scene.kitchen)","offset":1,"level":"shown"}"#)
      try socket.send(#"{"type":"ping","id":1}"#)
      _ = try socket.next("pong")
      #expect(try scene.hubs[0].metric("hub_receipts_ignored_total") == before + 1)
    }
  }
}
