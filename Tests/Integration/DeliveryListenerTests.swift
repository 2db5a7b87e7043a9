// architecture §3, points 3 and 4: a notification is a hint. Whatever happens to the connection that hears them, what was
// committed arrives, within a re-scan where nothing else tells of it.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Listener {
    /// pg_cancel_backend ends a statement, not the session: nothing will reconnect and read again by itself.
    @Test func aCancelledReadOfTheLogIsTriedAgain() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      let lock = try ForeignConnection(scene.database)
      try lock.execute("BEGIN; LOCK TABLE hub.event IN ROW EXCLUSIVE MODE")
      // Two events, so the notification carries only the head and the hub must read the log; the lock is taken in the
      // same moment as the publisher lets it go.
      try scene.program.execute(
        """
        BEGIN; SELECT hub.publish('\(scene.kitchen)', 'test.one', '{}'); SELECT hub.publish('\(scene.kitchen)', 'test.two', '{}');
        SET CONSTRAINTS ALL IMMEDIATE
        """)
      let database = scene.database
      try lock.execute("ROLLBACK")
      let locker = Worker("locker") {
        let lock = try ForeignConnection(database)
        try lock.execute("BEGIN; LOCK TABLE hub.event IN ACCESS EXCLUSIVE MODE")
        let watcher = try ForeignConnection(database)
        for _ in 0..<4 {
          // A hub that has given up is not blocked any more; what that means is seen below.
          try? eventually("the listener reads the log", within: 2) {
            try !watcher.execute(
              """
              SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'hub listener' AND wait_event_type = 'Lock'
              """
            ).isEmpty
          }
        }
        try lock.execute("ROLLBACK")
      }
      try eventually("the locker waits") {
        try !lock.execute(
          "SELECT FROM pg_stat_activity WHERE query LIKE '%ACCESS EXCLUSIVE%' AND wait_event_type = 'Lock'"
        ).isEmpty
      }
      try scene.program.execute("COMMIT")
      try locker.wait(within: 30)
      #expect(try socket.next("event", within: 3).offset == start + 1)
      #expect(try socket.next("event", within: 3).offset == start + 2)
    }

    @Test func aListenerThatIsCancelledWhileItTakesUpItsWorkIsReadyAgain() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      let lock = try ForeignConnection(scene.database)
      try lock.execute("BEGIN; LOCK TABLE hub.epoch IN ACCESS EXCLUSIVE MODE")
      try scene.killListener()
      try eventually("the listener reads the epoch") {
        try !scene.program.execute(
          """
          SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'hub listener' AND wait_event_type = 'Lock'
          """
        ).isEmpty
      }
      try lock.execute("ROLLBACK")
      try eventually("ready", within: 10) { try scene.hub.request("GET", "/ready").status == 200 }
      try scene.publish("test.after", on: scene.kitchen)
      #expect(try socket.next("event", within: 3).offset == start + 1)
    }

    @Test func whatIsCommittedWhileNobodyListensArrivesAfterwards() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      var expected = try scene.subscribe(socket, scene.kitchen).offset
      for _ in 0..<10 {
        try scene.killListener()
        for _ in 0..<3 { try scene.publish("test.unheard", on: scene.kitchen) }
        for _ in 0..<3 {
          expected += 1
          try #require(try socket.next("event", within: 10).offset == expected)
        }
      }
    }

    @Test func aCommitThatNobodyAnnouncesIsFoundByTheRescan() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      // As of a hub that is killed between its commit and its announcement.
      for number in 1...Int64(5) {
        try scene.program.execute(
          "BEGIN; SET LOCAL hub.notify = 'off'; SELECT hub.publish('\(scene.kitchen)', 'test.silent', '{}'); COMMIT")
        #expect(try socket.next("event", within: 3).offset == start + number)
      }
    }
  }
}
