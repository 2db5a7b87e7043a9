// wire §3: a reader that is slow, or that is handed more at once than the hub keeps for a connection, loses nothing, costs
// the hub a bounded amount of memory and delays nobody else.
import Foundation
import Glibc
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Lagging {
    @Test func aReaderThatNeverReadsGetsEverythingInOrderOnceItReadsAndDelaysNobody() throws {
      let scene = try DeliveryScene()
      // Its system takes a few KiB, then the hub is left with the rest.
      let slow = try scene.connect(receiveBuffer: 4096)
      let start = try scene.subscribe(slow, scene.kitchen).offset
      let quick = try scene.connect()
      try scene.subscribe(quick, scene.kitchen)
      let idle = scene.hub.residentMemory

      // 16 MiB, far more than the sockets' buffers and the hub's 256 KiB for a connection hold together.
      let events = 2000
      let program = try ForeignConnection(scene.database)
      for number in 1...Int64(events) {
        try program.execute(
          "SELECT hub.publish('\(scene.kitchen)', 'test.large', jsonb_build_object('n', \(number), 'x', repeat('x', 8000)))"
        )
        let event = try quick.next("event", within: 3)
        #expect(event.offset == start + number)
      }
      #expect(try scene.hub.metric("hub_subscriptions_lagging_total") > 0, "the slow reader fell behind")
      let growth = scene.hub.residentMemory - idle
      #expect(growth < 4 * 1024, "the hub kept \(growth) KiB for a reader of 16 MiB")

      for number in 1...Int64(events) {
        let event = try slow.next("event")
        try #require(event.offset == start + number)
        try #require((event.data["n"] as? Int) == Int(number))
      }
      // And it is live again.
      try scene.publish("test.last", on: scene.kitchen)
      for socket in [slow, quick] {
        #expect(try socket.next("event", within: 3).offset == start + Int64(events) + 1)
      }
    }

    @Test func aStreamThatIsNotReadLagsAsASocketDoesAndEndsWithTheSameEvents() throws {
      let scene = try DeliveryScene()
      let slow = try EventSocket(
        eventStream: "/sse/\(scene.kitchen)", port: scene.hub.port, token: scene.token, receiveBuffer: 4096)
      let start = try slow.next("subscribed").offset
      let quick = try scene.connect()
      try scene.subscribe(quick, scene.kitchen)
      let idle = scene.hub.residentMemory
      let events = Int64(1000)
      for number in 1...events {
        try scene.program.execute(
          "SELECT hub.publish('\(scene.kitchen)', 'test.large', jsonb_build_object('x', repeat('x', 16000)))")
        #expect(try quick.next("event", within: 3).offset == start + number)
      }
      #expect(try scene.hub.metric("hub_subscriptions_lagging_total") > 0, "the stream fell behind")
      let growth = scene.hub.residentMemory - idle
      #expect(growth < 4 * 1024, "the hub kept \(growth) KiB for a stream of 16 MiB")
      for number in 1...events {
        let event = try slow.next("event")
        try #require(event.offset == start + number && event.name == "test.large")
        try #require(event.streamID?.hasSuffix("/\(start + number)") == true)
      }
      try scene.publish("test.last", on: scene.kitchen)
      for socket in [slow, quick] {
        #expect(try socket.next("event", within: 3).offset == start + events + 1)
      }
    }

    @Test func manySlowReadersOfLargeEventsCatchUpAtOnceWithinTheirBounds() throws {
      let scene = try DeliveryScene()
      let (readers, events) = (12, 240)
      let sockets = try (0..<readers).map { _ in
        let socket = try scene.connect(receiveBuffer: 4096)
        try scene.subscribe(socket, scene.kitchen)
        return socket
      }
      let start = try scene.head(scene.kitchen)
      let idle = scene.hub.residentMemory
      // 57 KiB each, of a kind that does not compress: 160 MiB for all readers together.
      for _ in 0..<events / 10 {
        try scene.program.execute(
          """
          SELECT hub.publish('\(scene.kitchen)', 'test.large', jsonb_build_object('x', x))
          FROM (SELECT string_agg(md5(random()::text), '') AS x FROM generate_series(1, 1800)) AS random,
            generate_series(1, 10)
          """)
      }
      try eventually("the readers fell behind") { try scene.hub.metric("hub_subscriptions_lagging_total") >= readers }
      let growth = SharedCount()
      let hub = scene.hub
      try runConcurrently(readers, within: 60) { reader in
        for number in 1...Int64(events) {
          guard try sockets[reader].next("event").offset == start + number else { throw SupportError("not \(number)") }
          let now = hub.residentMemory - idle
          if now > growth.value { growth.add(now - growth.value) }
        }
      }
      #expect(growth.value < 24 * 1024, "the hub grew by \(growth.value) KiB")
    }

    @Test func aBurstOfOneTransactionLargerThanAConnectionsQueueArrivesAtOnce() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      let start = try scene.subscribe(socket, scene.kitchen).offset
      // About 1.2 MiB in one commit.
      try scene.program.execute(
        """
        SELECT hub.publish('\(scene.kitchen)', 'test.burst', jsonb_build_object('n', n, 'x', repeat('x', 4000)))
        FROM generate_series(1, 300) AS n
        """)
      let published = Date()
      for number in 1...Int64(300) {
        try #require(try socket.next("event").offset == start + number)
      }
      let seconds = Date().timeIntervalSince(published)
      #expect(seconds < 3, "it took \(seconds) s")
    }

    @Test func aReaderThatLagsBeyondWhatIsKeptGetsASnapshotAgain() throws {
      let scene = try DeliveryScene()
      let slow = try scene.connect(receiveBuffer: 4096)
      try scene.subscribe(slow, scene.kitchen)
      let quick = try scene.connect()
      let start = try scene.subscribe(quick, scene.kitchen).offset
      let events = Int64(1200)
      try scene.program.execute(
        """
        SELECT hub.publish('\(scene.kitchen)', 'test.large', jsonb_build_object('x', repeat('x', 8000)))
        FROM generate_series(1, \(events))
        """)
      for number in 1...events { try #require(try quick.next("event").offset == start + number) }
      try eventually("the slow reader fell behind") { try scene.hub.metric("hub_subscriptions_lagging_total") > 0 }
      // What it has not read yet goes, as a partition that is too old goes.
      try scene.program.execute("DELETE FROM hub.event WHERE channel = '\(scene.kitchen)'")
      try scene.publish("test.kept", on: scene.kitchen)
      #expect(try quick.next("event").offset == start + events + 1)

      var expected = start + 1
      var snapshot: HubMessage?
      while snapshot == nil {
        guard case .message(let message) = slow.next(within: 20) else {
          throw SupportError("the slow reader was dropped")
        }
        if message.type == "subscribed" { snapshot = message }
        if message.type == "event" {
          try #require(message.offset == expected)
          expected += 1
        }
      }
      #expect(expected < start + events, "it had not read everything")
      #expect(snapshot?.json["recovered"] as? Bool == false && snapshot?.snapshot != nil)
      #expect(snapshot?.offset == start + events + 1)
      try scene.publish("test.last", on: scene.kitchen)
      #expect(try slow.next("event").offset == start + events + 2)
    }
  }
}
