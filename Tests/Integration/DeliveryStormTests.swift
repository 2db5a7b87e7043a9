// Architecture §3.5 and wire §3 by the thousand: 2,000 screens that come at once cost the database a handful of statements,
// and a hundred readers that never read cost the others nothing.
import Foundation
import Glibc
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Storm {
    private static let sockets = 2000
    private static let twoReactors = ["--reactors", "2"]

    /// How many reads of the log may serve everybody from `lowest` to `head`: pages begin at multiples of their length, 64
    /// at first and another once the size of the events is known, and either end may lie within a page. Nothing in it
    /// depends on the number of sockets.
    private func readsAllowed(from lowest: Int64, to head: Int64) -> Int { 2 * (Int(head - lowest) / 64 + 2) }

    @Test func twoThousandSocketsThatComeAtOnceCostOneSnapshotAndAfterACrashAFewReadsOfTheLog() throws {
      let scene = try DeliveryScene(arguments: Self.twoReactors)
      let epoch = try scene.program.execute("SELECT epoch FROM hub.epoch")[0][0]
      let crowd = SocketCrowd(Self.sockets, path: "/ws/kitchen/\(scene.restaurant.id)", token: scene.token)
      func head() throws -> Int64 { try scene.head(scene.kitchen) }
      func checkNothingWentWrong() {
        #expect(crowd.faults.isEmpty, "\(crowd.faults.prefix(3))")
        #expect(crowd.members.allSatisfy { $0.isConnected })
      }

      // All at once, with nothing to resume from.
      var began = Date()
      let (snapshots, before) = (try scene.hub.metric("hub_snapshot_queries_total"), try head())
      try crowd.connect(to: scene.hub.port)
      try crowd.read("everybody has a snapshot") { crowd.hasAll(through: 0) }
      let fresh = Date().timeIntervalSince(began)
      let heads = Int(try head() - before)
      let freshQueries = try scene.hub.metric("hub_snapshot_queries_total") - snapshots
      // One for each head that there was, and nobody published.
      #expect(freshQueries == 1 && heads == 0)
      checkNothingWentWrong()

      // Half of them go, a few at each of 24 events, and miss what follows.
      let start = try head()
      crowd.setLeaving { $0 % 2 == 0 ? start + 1 + Int64($0 / 2 % 24) : .max }
      for _ in 0..<90 { try scene.publish("test.early", on: scene.kitchen) }
      try crowd.read("the others have 90 events") { crowd.hasAll(through: start + 90) }
      crowd.cut()
      scene.hub.stop(with: SIGKILL)
      let behind = crowd.members.count { ($0.cursor ?? 0) <= start + 24 }
      #expect(behind == Self.sockets / 2)
      let lowest = try #require(crowd.members.compactMap(\.cursor).min())
      for _ in 0..<20 { try scene.publish("test.missed", on: scene.kitchen) }

      // A new process on the same port remembers nothing; the writer goes on.
      let hub = try HubUnderTest(
        database: scene.database, data: scene.hub.data, listen: ["127.0.0.1:\(scene.hub.port)"],
        arguments: Self.twoReactors)
      let writer = Writer(scene.database, scene.kitchen)
      let missed = try head()
      began = Date()
      try crowd.connect(to: hub.port, epoch: epoch)
      try crowd.read("everybody is back") { crowd.hasAll(through: missed) }
      let afterCrash = Date().timeIntervalSince(began)
      let (reads, now) = (try hub.metric("hub_replay_queries_total"), try head())
      #expect(reads > 0 && reads <= readsAllowed(from: lowest, to: now), "\(reads) reads")
      #expect(crowd.members.allSatisfy { $0.recovered == true })
      checkNothingWentWrong()

      // The network goes and comes back: all is in memory.
      crowd.cut()
      let cutAt = try #require(crowd.members.compactMap(\.cursor).min())
      let announced = try head()
      began = Date()
      try crowd.connect(to: hub.port, epoch: epoch)
      try crowd.read("everybody is back") { crowd.hasAll(through: announced) }
      let afterCut = Date().timeIntervalSince(began)
      writer.stop()
      let last = try head()
      try crowd.read("everybody has the last event") { crowd.hasAll(through: last) }
      let readsAfterCut = try hub.metric("hub_replay_queries_total") - reads
      #expect(readsAfterCut <= readsAllowed(from: cutAt, to: last), "\(readsAfterCut) reads")
      #expect(try hub.metric("hub_snapshot_queries_total") == 0, "everybody resumed")
      #expect(crowd.members.allSatisfy { $0.recovered == true && $0.cursor == last })
      checkNothingWentWrong()
      try writer.check()
      let times = [fresh, afterCrash, afterCut].map { String(format: "%.2f s", $0) }
      print(
        """
        storm of \(Self.sockets): fresh \(times[0]) with \(freshQueries) snapshot query, after kill -9 \(times[1]) with \
        \(reads) reads of \(missed - lowest) missed events, after a cut \(times[2]) with \(readsAfterCut) reads
        """)
    }

    @Test func aHundredReadersThatNeverReadCostAThousandOthersNothing() throws {
      let scene = try DeliveryScene(arguments: Self.twoReactors)
      let healthy = SocketCrowd(1000, path: "/ws/kitchen/\(scene.restaurant.id)", token: scene.token)
      let stuck = SocketCrowd(100, path: "/ws/pos/\(scene.restaurant.id)", token: scene.token)
      try healthy.connect(to: scene.hub.port)
      try healthy.read("the healthy ones listen") { healthy.hasAll(through: 0) }

      /// Publishes for both, 30 events of 48 KB for the stuck ones; answers the healthy ones' p99 in milliseconds.
      func evening() throws -> Double {
        healthy.forgetDelays()
        healthy.isTiming = true
        for _ in 0..<30 {
          try scene.program.execute(
            """
            SELECT hub.publish('\(scene.pos)', 'test.large', jsonb_build_object('x', repeat('x', 48000)));
            SELECT hub.publish('\(scene.kitchen)', 'test.tick', '{"t": \(SocketCrowd.now())}')
            """)
          let head = try scene.head(scene.kitchen)
          try healthy.read("an event is with everybody", within: 20) { healthy.hasAll(through: head) }
        }
        let delays = healthy.delays.sorted()
        try #require(delays.count == 30 * 1000)
        return Double(delays[delays.count * 99 / 100]) / 1000
      }
      let alone = try evening()

      try stuck.connect(to: scene.hub.port, receiveBuffer: 4096)
      try stuck.read("the others listen too") { stuck.hasAll(through: 0) }
      let start = try scene.head(scene.pos)
      stuck.setReading(false)
      let idle = scene.hub.residentMemory
      // More than the systems' buffers and the hub's own for each of them.
      var evenings: [Double] = []
      try eventually("all of them lag", within: 60) {
        evenings.append(try evening())
        return try scene.hub.metric("hub_subscriptions_lagging_total") >= 100
      }
      let full = scene.hub.residentMemory
      evenings.append(try evening())
      let after = scene.hub.residentMemory
      // 100 queues of 256 KiB, and what a process needs besides; from then on nothing more.
      #expect(full - idle < 100 * 256 + 32 * 1024, "it grew by \(full - idle) KiB")
      #expect(after - full < 8 * 1024, "it grew by \(after - full) KiB more")
      let beside = evenings.suffix(2).min() ?? 0
      #expect(beside < 3 * alone + 50, "p99 \(beside) ms, alone \(alone) ms")

      stuck.setReading(true)
      let head = try scene.head(scene.pos)
      let began = Date()
      try stuck.read("the hundred have everything", within: 60) { stuck.hasAll(through: head) }
      let seconds = Date().timeIntervalSince(began)
      #expect(stuck.faults.isEmpty && healthy.faults.isEmpty, "\(stuck.faults.prefix(3)) \(healthy.faults.prefix(3))")
      #expect(stuck.members.allSatisfy { $0.isConnected && $0.events == Int(head - start) && $0.cursor == head })
      print(
        """
        1,000 sockets: p99 \(alone) ms alone, \(evenings) ms beside 100 that do not read; the hub grew by \
        \(full - idle) KiB and then \(after - full); those 100 caught up with \(head - start) events of 48 KB in \
        \(String(format: "%.1f", seconds)) s, \(try scene.hub.metric("hub_replay_queries_total")) reads of the log
        """)
    }
  }
}

/// A program that publishes ten events a second until it is stopped.
private final class Writer: @unchecked Sendable {
  // @unchecked: the two counts are behind their own locks.
  private let published = SharedCount()
  private let ending = SharedCount()
  private var worker: Worker?

  init(_ database: String, _ channel: String) {
    let (published, ending) = (published, ending)
    worker = Worker("writer") {
      let program = try ForeignConnection(database)
      while ending.value == 0 {
        try program.execute(
          "SELECT hub.publish('\(channel)', 'test.tick', '{\"t\": \(SocketCrowd.now()), \"n\": \(published.add())}')")
        poll(nil, 0, 100)
      }
    }
  }

  func stop() {
    ending.add()
    try? worker?.wait(within: 20)
  }

  /// Throws what stopped it before it was told to.
  func check() throws { try worker?.wait(within: 1) }
}
