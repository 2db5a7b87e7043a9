// How long the log is kept (0012-retention.sql): days are made ahead and dropped whole, publishers go on meanwhile, and
// whoever asks for what is gone gets a snapshot.
import Foundation
import Testing
import TestSupport

@Suite(.serialized) struct RetentionTests {
  /// A hub that leaves the dropping to the test.
  private static let leavesDays = ["--retention-days", "1000"]

  /// Makes the day of so many days ago, as a hub of then would have; answers the partition's name.
  @discardableResult
  private func makeDay(_ daysAgo: Int, _ program: ForeignConnection) throws -> String {
    try program.execute(
      """
      SELECT to_char(day, '"event_"YYYYMMDD'), day || ' 00:00+00', day + 1 || ' 00:00+00'
      FROM (SELECT (now() AT TIME ZONE 'UTC')::date - \(daysAgo) AS day) AS days
      """
    ).map { row in
      try program.execute(
        "CREATE TABLE hub.\(row[0]) PARTITION OF hub.event FOR VALUES FROM ('\(row[1])') TO ('\(row[2])')")
      return row[0]
    }[0]
  }

  private func exists(_ partition: String, _ program: ForeignConnection) throws -> Bool {
    try program.execute("SELECT to_regclass('hub.\(partition)')") != [[""]]
  }

  @Test func `A hub drops the days that are over and what nobody needs, and keeps the rest`() throws {
    let scene = try DeliveryScene()
    scene.hub.stop()
    let program = scene.program
    let (old, kept) = (try (3...5).map { try makeDay($0, program) }, try makeDay(2, program))
    // A hub that was away: no day was made for what came, and for what came first it is over.
    try program.execute(
      """
      INSERT INTO hub.event (channel, "offset", id, name, data, at) VALUES
        ('test:default', 1, gen_random_uuid(), 'test.old', '{}', now() - interval '20 days'),
        ('test:default', 2, gen_random_uuid(), 'test.kept', '{}', now() - interval '26 hours');
      INSERT INTO app.user (id, email, name, role, password_hash)
        VALUES ('01900000-0000-7000-8000-00000000000a', 'a@demo.test', 'A', 'manager', 'x');
      INSERT INTO app.session (id, user_id, refresh_id, expires_at)
        SELECT gen_random_uuid(), '01900000-0000-7000-8000-00000000000a', gen_random_uuid(), now() - age
        FROM unnest(ARRAY['2 hours', '30 days', '-1 hour']::interval[]) AS age
      """)
    let hub = try HubUnderTest(database: scene.database, data: scene.hub.data, arguments: ["--retention-days", "2"])
    try eventually("the old days are gone, at the first look", within: 30) {
      try !old.contains { try exists($0, program) }
    }
    try eventually("the default partition is trimmed and ended sessions are forgotten") {
      try program.execute("SELECT name FROM hub.event WHERE channel = 'test:default'") == [["test.kept"]]
        && program.execute("SELECT count(*) FROM app.session") == [["1"]]
    }
    #expect(try exists(kept, program))
    #expect(try program.execute("SELECT count(*) FROM hub.event WHERE channel = 'access:log'") == [["0"]])
    // A week ahead is there.
    let ahead = try program.execute("SELECT to_char((now() AT TIME ZONE 'UTC')::date + 7, '\"event_\"YYYYMMDD')")[0][0]
    #expect(try exists(ahead, program))
    hub.stop()
  }

  @Test func `Publishers commit while days are dropped and made, also when somebody reads the log for long`() throws {
    let scene = try DeliveryScene(arguments: Self.leavesDays)
    let (program, database, kitchen) = (scene.program, scene.database, scene.kitchen)
    let days = try (8...12).map { try makeDay($0, program) }
    let ahead = try program.execute(
      "SELECT c.relname FROM pg_class AS c WHERE c.relname ~ '^event_[0-9]+$' ORDER BY c.relname DESC LIMIT 2")
    for day in ahead { try program.execute("DROP TABLE hub.\(day[0])") }
    let (slowest, published, mayStop) = (SharedCount(), SharedCount(), SharedCount())
    let writers = (0..<4).map { number in
      Worker("writer \(number)") {
        let own = try ForeignConnection(database)
        while mayStop.value == 0 {
          let began = Date()
          try own.execute("SELECT hub.publish('\(kitchen)', 'test.published', '{}')")
          let milliseconds = Int(Date().timeIntervalSince(began) * 1000)
          let more = milliseconds - slowest.value
          if more > 0 { slowest.add(more) }
          published.add()
        }
      }
    }
    func goOn() throws {
      let mark = published.value
      try eventually("the writers go on") { published.value > mark + 50 }
    }
    try goOn()
    let undisturbed = slowest.value

    // As a backup does: it holds every partition for as long as it reads.
    let reader = try ForeignConnection(scene.database)
    try reader.execute("BEGIN; SELECT count(*) FROM hub.event")
    let tries = SharedCount()
    for statement in ["SELECT hub.drop_old_partition(7)", "SELECT hub.ensure_partitions(7)"] {
      let began = Date()
      do { try program.execute(statement) } catch {
        tries.add()
        #expect("\(error)".contains("lock timeout"), "\(error)")
      }
      #expect(Date().timeIntervalSince(began) < 2)
      try goOn()
    }
    #expect(tries.value == 2, "neither waits for the reader")
    for day in days { #expect(try exists(day, program)) }
    try reader.execute("COMMIT")

    // Two nodes at once.
    try runConcurrently(2) { _ in
      let own = try ForeignConnection(database)
      try eventually("all old days are gone", within: 20) {
        // Busy writers may hold the lock for longer than is waited; then it is tried again.
        let dropped = try? own.execute("SELECT hub.drop_old_partition(7)")
        _ = try? own.execute("SELECT hub.ensure_partitions(7)")
        return try dropped == [[""]] && !days.contains { try exists($0, own) }
      }
    }
    try eventually("the days ahead are there") {
      _ = try? program.execute("SELECT hub.ensure_partitions(7)")
      return try ahead.allSatisfy { try exists($0[0], program) }
    }
    try goOn()
    mayStop.add()
    for writer in writers { try writer.wait(within: 20) }
    print("retention: \(published.value) commits, slowest \(slowest.value) ms, before the drops \(undisturbed) ms")
    // A tenth of a second in line behind a try, and what a busy machine adds.
    #expect(slowest.value < undisturbed + 1000)
    #expect(try scene.head(scene.kitchen) == Int64(published.value) + Int64(scene.restaurant.stations.count))
  }

  /// How a subscriber comes to ask for what is gone.
  enum Late: Sendable, CaseIterable { case resuming, amidAReplay, lagging }

  @Test(arguments: Late.allCases)
  func `Who is older than what is kept gets a snapshot`(_ late: Late) throws {
    let scene = try DeliveryScene(arguments: Self.leavesDays)
    let (program, kitchen) = (scene.program, scene.kitchen)
    let partition = try makeDay(9, program)
    let events = Int64(1200)
    func publish() throws {
      try program.execute(
        """
        SELECT hub.publish('\(kitchen)', 'test.large', jsonb_build_object('x', repeat('x', 8000)))
        FROM generate_series(1, \(events))
        """)
    }
    /// Makes everything that was published nine days old.
    func age() throws { try program.execute("UPDATE hub.event SET at = at - interval '9 days'") }
    let start = try scene.head(kitchen)
    let socket: EventSocket
    if late == .lagging {
      socket = try scene.connect(receiveBuffer: 4096)
      try scene.subscribe(socket, kitchen)
      // Another one reads, so that the hub has handed out everything before it goes.
      let quick = try scene.connect()
      try scene.subscribe(quick, kitchen)
      try publish()
      for offset in start + 1...start + events { try #require(try quick.next("event").offset == offset) }
      try eventually("it fell behind") { try scene.hub.metric("hub_subscriptions_lagging_total") > 0 }
      try age()
    } else {
      try publish()
      try age()
      if late == .resuming { try program.execute("SELECT hub.drop_old_partition(7)") }
      socket = try scene.connect(receiveBuffer: 4096)
      let answer = try scene.subscribe(socket, kitchen, since: start)
      #expect(answer.json["recovered"] as? Bool == (late == .amidAReplay))
      if late == .resuming { #expect(answer.snapshot != nil && answer.offset == start + events) }
    }
    var last = late == .resuming ? start + events : start
    if late == .amidAReplay {
      for _ in 0..<20 {
        last += 1
        try #require(try socket.next("event").offset == last)
      }
    }
    if late != .resuming { #expect(try program.execute("SELECT hub.drop_old_partition(7)") == [[partition]]) }
    #expect(try !exists(partition, program))
    try scene.publish("test.kept", on: kitchen)

    var snapshots = 0
    while last < start + events + 1 {
      guard case .message(let message) = socket.next(within: 20) else {
        throw SupportError("it was dropped at \(last)")
      }
      if message.type == "event" {
        last += 1
        try #require(message.offset == last)
      } else if message.type == "subscribed" {
        #expect(message.json["recovered"] as? Bool == false && message.snapshot != nil)
        snapshots += 1
        last = message.offset
      }
    }
    #expect(snapshots == (late == .resuming ? 0 : 1))
    try scene.publish("test.last", on: kitchen)
    #expect(try socket.next("event").offset == start + events + 2)
  }
}
