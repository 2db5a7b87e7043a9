// wire §1: an event exists if and only if its transaction committed. Nothing is shown before COMMIT, and what was rolled
// back is never shown; each "nothing" is proved by a later event that comes with the next offset.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Commits {
    @Test func aPublishInAnOpenTransactionIsShownAfterItsCommitAndNotBefore() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      let other = try ForeignConnection(scene.database)

      try scene.program.execute("BEGIN; SELECT hub.publish('\(scene.kitchen)', 'test.held', '{}')")
      // The open transaction holds nobody up, and what is committed meanwhile is shown without it.
      try scene.publish("test.before", on: scene.kitchen, by: other)
      let before = try socket.next("event")
      #expect(before.event == "test.before" && before.offset == start + 1)
      // Not by the re-scan of the heads either.
      try scene.awaitRescan()
      #expect(try other.execute("SELECT count(*) FROM hub.event WHERE name = 'test.held'")[0][0] == "0")
      try scene.publish("test.again", on: scene.kitchen, by: other)
      #expect(try socket.next("event").event == "test.again")

      try scene.program.execute("COMMIT")
      let held = try socket.next("event")
      #expect(held.event == "test.held" && held.offset == start + 3)
      try scene.publish("test.after", on: scene.kitchen, by: other)
      let after = try socket.next("event")
      #expect(after.event == "test.after" && after.offset == start + 4)
    }

    @Test func whatIsRolledBackIsNeverShownAndTakesNoOffset() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset

      try scene.program.execute("BEGIN; SELECT hub.publish('\(scene.kitchen)', 'test.undone', '{}'); ROLLBACK")
      try scene.program.execute(
        """
        BEGIN; SELECT hub.publish('\(scene.kitchen)', 'test.first', '{}');
        SAVEPOINT one; SELECT hub.publish('\(scene.kitchen)', 'test.undone', '{}'); ROLLBACK TO one;
        SAVEPOINT two; SELECT hub.publish('\(scene.kitchen)', 'test.second', '{}'); RELEASE two; COMMIT
        """)
      // A statement that fails takes the whole transaction with it.
      #expect(throws: SupportError.self) {
        try scene.program.execute("SELECT hub.publish('\(scene.kitchen)', 'test.undone', '{}'), 1 / 0")
      }
      // So does a session that ends.
      do {
        let dying = try ForeignConnection(scene.database)
        try dying.execute("BEGIN; SELECT hub.publish('\(scene.kitchen)', 'test.undone', '{}')")
      }
      try scene.publish("test.third", on: scene.kitchen)
      for (index, name) in ["test.first", "test.second", "test.third"].enumerated() {
        let event = try socket.next("event")
        #expect(event.event == name && event.offset == start + Int64(index) + 1)
      }
      try eventually("nothing stays staged") { try scene.program.execute("SELECT FROM hub.stage").isEmpty }
    }

    @Test func aRowAndItsEventBecomeVisibleTogether() throws {
      let scene = try DeliveryScene()
      let ramp = "01900000-0000-7000-8000-00000000abcd"
      try scene.program.execute("INSERT INTO app.ramp (id) VALUES ('\(ramp)')")
      let token = try scene.hub.token(role: "ramp", arguments: ["--ramp", ramp])
      func page() throws -> (socket: EventSocket, subscribed: HubMessage) {
        let socket = try EventSocket(webSocket: "/ws/ramps/\(ramp)", port: scene.hub.port, token: token)
        return (socket, try socket.next("subscribed"))
      }
      let early = try page()
      #expect(early.subscribed.offset == 0 && early.subscribed.snapshot?["phase"] as? String == "initiated")

      // A plain UPDATE by another program: the row's trigger publishes.
      try scene.program.execute("BEGIN; UPDATE app.ramp SET phase = 'funding' WHERE id = '\(ramp)'")
      let meanwhile = try page()
      #expect(meanwhile.subscribed.offset == 0 && meanwhile.subscribed.snapshot?["phase"] as? String == "initiated")
      try scene.awaitRescan()
      let marker = try ForeignConnection(scene.database)
      try scene.publish("test.marker", on: "ramp:\(ramp)", by: marker)
      for page in [early, meanwhile] { #expect(try page.socket.next("event").event == "test.marker") }

      try scene.program.execute("COMMIT")
      for page in [early, meanwhile] {
        let event = try page.socket.next("event")
        #expect(event.event == "ramp.phase_changed" && event.offset == 2 && event.data["phase"] as? String == "funding")
      }
      let late = try page()
      #expect(late.subscribed.offset == 2 && late.subscribed.snapshot?["phase"] as? String == "funding")
    }

    @Test(arguments: ["REPEATABLE READ", "SERIALIZABLE"])
    func aTransactionThatIsRefusedForMeetingAnotherIsNotShown(isolation: String) throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      try scene.publish("test.first", on: scene.kitchen)
      let start = try scene.subscribe(socket, scene.kitchen).offset
      let other = try ForeignConnection(scene.database)

      // Its snapshot is older than the other's commit on the same channel, which it cannot come after.
      try scene.program.execute(
        "BEGIN ISOLATION LEVEL \(isolation); SELECT hub.publish('\(scene.kitchen)', 'test.refused', '{}')")
      try scene.publish("test.quicker", on: scene.kitchen, by: other)
      #expect(throws: SupportError.self) { try scene.program.execute("COMMIT") }
      // Tried again, as its program must, it goes through.
      try scene.program.execute(
        """
        BEGIN ISOLATION LEVEL \(isolation); SELECT hub.publish('\(scene.kitchen)', 'test.repeated', '{}'); COMMIT
        """)
      for (index, name) in ["test.quicker", "test.repeated"].enumerated() {
        let event = try socket.next("event")
        #expect(event.event == name && event.offset == start + Int64(index) + 1)
      }
    }

    @Test func transactionsThatPublishInOppositeOrderDoNotDeadlock() throws {
      let scene = try DeliveryScene()
      let random = SeededRandom()
      let channels = (0..<4).map { "ramp:01900000-0000-7000-8000-00000000000\($0)" }
      let (threads, rounds, database) = (8, 40, scene.database)
      try runConcurrently(threads) { number in
        var random = random.stream(number)
        let program = try ForeignConnection(database)
        for _ in 0..<rounds {
          // One statement after another, so that all have published before any commits.
          try program.execute("BEGIN")
          for channel in channels.shuffled(using: &random) {
            try program.execute("SELECT hub.publish('\(channel)', 'test.crossed', '{}')")
          }
          try program.execute("COMMIT")
        }
      }
      for channel in channels {
        let rows = try scene.program.execute(
          #"SELECT count(*), max("offset"), count(DISTINCT "offset") FROM hub.event WHERE channel = '\#(channel)'"#)
        #expect(rows[0] == Array(repeating: "\(threads * rounds)", count: 3), "seed \(random.seed)")
      }
      // Two at once, each holding what the other wants next, as a till and a kitchen may.
      let (first, second) = (scene.program, try ForeignConnection(scene.database))
      try first.execute("BEGIN; SELECT hub.publish('\(channels[0])', 'test.crossed', '{}')")
      try second.execute("BEGIN; SELECT hub.publish('\(channels[1])', 'test.crossed', '{}')")
      try first.execute("SELECT hub.publish('\(channels[1])', 'test.crossed', '{}')")
      try second.execute("SELECT hub.publish('\(channels[0])', 'test.crossed', '{}')")
      try second.execute("COMMIT")
      try first.execute("COMMIT")
      #expect(try scene.head(channels[0]) == Int64(threads * rounds + 2))
    }
  }
}
