// domain.md §4: a ticket must be shown on a live screen of its station in time, else it is told, once, whatever becomes of
// the nodes; and again when it is seen.
import Foundation
import Glibc
import Testing
import TestSupport

extension AlarmTests {
  @Suite(.serialized) struct Unseen {
    @Test func `Two nodes look for the same alarms, and each is told once`() throws {
      let scene = try AlarmScene(hubs: 2)
      let tills = try [scene.till(at: 0), scene.till(at: 1)]
      let tickets = try (0..<12).map { try scene.fire($0 % 2, at: $0 % 2) }
      try scene.awaitDeadlines(of: tickets)
      for till in tills {
        #expect(try scene.heard(by: till).sorted() == tickets.map { "ticket.unseen \($0)" }.sorted())
      }
      // More when one has met what the other held, and came back.
      let fired = try scene.hubs.map { try $0.metric("hub_deadlines_fired_total") }
      #expect(fired.reduce(0, +) >= tickets.count, "\(fired)")
    }

    @Test func `A node that is killed with alarms pending leaves them to another, which tells each once`() throws {
      let scene = try AlarmScene(hubs: 2, unseen: 2)
      let till = try scene.till(at: 1)
      let screen = try scene.screen(at: 0)
      try eventually("the kitchen is watched") {
        try scene.value("SELECT count(*) FROM hub.deadline WHERE kind = 'kitchen.cover'") == "1"
      }
      let tickets = try (0..<4).map { try scene.fire($0 % 2) }
      scene.hubs[0].stop(with: SIGKILL)
      try scene.awaitDeadlines(of: tickets)
      // Its screen is gone with it, when its lease is over.
      for station in scene.restaurant.stations {
        try eventually("\(station) is uncovered", within: 30) {
          try scene.value("SELECT count(*) FROM app.alarm WHERE subject = '\(station)' AND document IS NOT NULL") == "1"
        }
      }
      let stations = scene.restaurant.stations.map { "station.uncovered \($0)" }
      let unseen = tickets.map { "ticket.unseen \($0)" }
      #expect(try scene.heard(by: till).sorted() == (stations + unseen).sorted())
      _ = screen
    }

    @Test func `A ticket shown in time raises nothing, one shown late is told of twice`() throws {
      let scene = try AlarmScene(unseen: 600)
      let (till, screen) = (try scene.till(), try scene.screen())
      let inTime = try scene.fire()
      let offset = try screen.next("event").offset
      try scene.seen(offset, on: screen)
      try eventually("the receipt is stored") {
        try scene.value("SELECT count(*) FROM hub.receipt WHERE shown = \(offset)") == "1"
      }
      try scene.makeDue(inTime)
      try scene.awaitDeadlines(of: [inTime])
      #expect(try scene.heard(by: till) == [])

      let late = try scene.fire()
      let created = try screen.next("event").offset
      try scene.makeDue(late)
      try scene.next("ticket.unseen", late, on: till)
      // That the program has it is not enough.
      try scene.seen(created, "received", on: screen)
      #expect(try scene.heard(by: till) == [])
      let asked = Date()
      try scene.seen(created, on: screen)
      try scene.next("ticket.seen", late, on: till)
      print("receipt to ticket.seen: \(Int(Date().timeIntervalSince(asked) * 1000)) ms")
      #expect(try scene.heard(by: till) == [])
    }

    @Test func `What the screen of another station has shown does not count`() throws {
      let scene = try AlarmScene(unseen: 600)
      let (till, grill, other) = (try scene.till(), try scene.screen(stations: [0]), try scene.screen(stations: [1]))
      let ticket = try scene.fire(0)
      let created = try other.next("event").offset
      try scene.seen(created, on: other)
      try eventually("the receipt is stored") {
        try scene.value("SELECT count(*) FROM hub.receipt WHERE shown = \(created)") == "1"
      }
      try scene.makeDue(ticket)
      try scene.next("ticket.unseen", ticket, on: till)
      #expect(try grill.next("event").offset == created)
      try scene.seen(created, on: grill)
      try scene.next("ticket.seen", ticket, on: till)
    }

    @Test func `An alarm that comes due while the database is away is told when it is back, once`() throws {
      let postgres = try StoppablePostgres()
      let scene = try AlarmScene(database: postgres.connectionString)
      let till = try scene.till()
      let ticket = try scene.fire()
      try postgres.end(.crash)
      try eventually("/ready says no") { try scene.hubs[0].request("GET", "/ready").status == 503 }
      try postgres.start()
      try scene.next("ticket.unseen", ticket, on: till, within: 40)
      let program = try ForeignConnection(postgres.connectionString)
      let told = try program.execute(
        "SELECT count(*) FROM hub.event WHERE channel = '\(scene.pos)' AND name = 'ticket.unseen'")
      #expect(told == [["1"]])
    }

    @Test func `A station without a screen is told of, not a page that is loaded again`() throws {
      let scene = try AlarmScene(unseen: 3)
      let till = try scene.till()
      var both = try scene.screen(at: 0)
      both.cut()
      both = try scene.screen()
      let first = try scene.screen(stations: [0])
      // Changing what a screen shows is subscribing anew.
      try both.send(["type": "unsubscribe", "id": 2, "channel": scene.kitchen])
      try both.send([
        "type": "subscribe", "id": 3, "channel": scene.kitchen, "stations": [scene.restaurant.stations[0]],
      ])
      try scene.next("station.uncovered", scene.restaurant.stations[1], on: till)
      let snapshot = try scene.hubs[0].request("GET", "/api/v1/channels/\(scene.kitchen)", token: scene.token).json
      let stations = (snapshot["snapshot"] as? [String: Any])?["stations"] as? [[String: Any]] ?? []
      #expect(stations.map { $0["screens"] as? Int } == [2, 0])
      let back = try scene.screen(stations: [1])
      try scene.next("station.covered", scene.restaurant.stations[1], on: till)
      #expect(try scene.heard(by: till) == [])
      _ = (first, back)
    }
  }
}
