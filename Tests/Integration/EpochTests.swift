// wire §1, Epoch: after a restore of an older backup the log is another one. Whoever has seen what is no longer there gets
// a snapshot, on every way that a database can be put back, and nobody is given an event that is not in the log.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite(.serialized) struct EpochTests {
  enum Restore: Sendable, CaseIterable {
    /// Into a database that has just been made, where a hub is started.
    case intoAnotherDatabase
    /// Over the same database, no hub running; new commits pass the old head before anybody comes back.
    case overItselfWhileStopped
    /// Over the same database in one transaction, under a running hub.
    case overItselfWhileRunning
    /// Only the rows, into the tables that are there: not even a table is another one.
    case rowsOnlyWhileRunning
  }

  @Test(arguments: Restore.allCases)
  func `A restored dump has a new epoch, and clients of before get a snapshot`(_ restore: Restore) throws {
    let scene = try DeliveryScene()
    for _ in 0..<5 { try scene.publish("test.before", on: scene.kitchen) }
    let dump = try TestFolder.make("dump") + "/hub.dump"
    try run([try StoppablePostgres.program("pg_dump"), "--format=custom", "--file=\(dump)", scene.database])
    let kept = try scene.head(scene.kitchen)
    let open = try scene.connect()
    let epoch = try scene.subscribe(open, scene.kitchen).string("epoch")
    for _ in 0..<20 { try scene.publish("test.lost", on: scene.kitchen) }
    let seen = try scene.head(scene.kitchen)
    for offset in kept + 1...seen { #expect(try open.next("event").offset == offset) }

    var (database, hub) = (scene.database, scene.hub)
    let isRunning = restore == .overItselfWhileRunning || restore == .rowsOnlyWhileRunning
    if !isRunning { hub.stop() }
    let restored = [try StoppablePostgres.program("pg_restore"), "--no-owner", "--exit-on-error"]
    switch restore {
    case .intoAnotherDatabase:
      database = try TestPostgres.makeDatabase()
      try run(restored + ["--dbname=\(database)", dump])
    case .overItselfWhileStopped, .overItselfWhileRunning:
      // pg_restore --clean cannot drop the key of a partition, and a running hub must not see a database half restored.
      try run(restored + ["--file=\(dump).sql", dump])
      try run([
        try StoppablePostgres.program("psql"), "--single-transaction", "--quiet", "--set=ON_ERROR_STOP=1",
        "--command=DROP SCHEMA app, hub CASCADE; DROP TABLE public.hub_migration", "--file=\(dump).sql", database,
      ])
    case .rowsOnlyWhileRunning:
      try scene.program.execute("TRUNCATE hub.channel, hub.event, hub.epoch, hub.stage")
      let rows = ["--data-only", "--schema=hub", "--disable-triggers", "--single-transaction"]
      try run(restored + rows + tables(of: scene.program) + ["--dbname=\(database)", dump])
    }
    let program = try ForeignConnection(database)
    // Past what clients have seen, if nobody stopped them: the same offsets, other events.
    for _ in 0..<40 { try scene.publish("test.after", on: scene.kitchen, by: program) }
    if !isRunning { hub = try HubUnderTest(database: database, data: scene.hub.data) }

    if isRunning {
      var snapshot = try open.next("subscribed", within: 10)
      // Whatever was read while the epoch was being changed is followed by the one that counts.
      while snapshot.string("epoch") == epoch { snapshot = try open.next("subscribed", within: 10) }
      #expect(snapshot.json["recovered"] as? Bool == false && snapshot.snapshot != nil)
    }
    let token = try hub.token(role: "manager", restaurant: scene.restaurant.id)
    for since in [kept, seen, seen + 15] {
      let socket = try EventSocket(
        webSocket: "/ws/kitchen/\(scene.restaurant.id)?since=\(since)&epoch=\(epoch)", port: hub.port, token: token)
      let answer = try socket.next("subscribed")
      #expect(answer.json["recovered"] as? Bool == false, "since \(since)")
      #expect(answer.string("epoch") != epoch && answer.snapshot != nil, "since \(since)")
      try scene.publish("test.new", on: scene.kitchen, by: program)
      let event = try socket.next("event")
      let logged = try program.execute(
        #"SELECT id FROM hub.event WHERE channel = '\#(scene.kitchen)' AND "offset" = \#(event.offset)"#)
      #expect(event.offset == answer.offset + 1 && logged == [[event.string("id")]])
    }
    // It is another one once, not each time somebody looks.
    let now = try program.execute("SELECT epoch FROM hub.epoch")
    let second = try HubUnderTest(database: database, data: scene.hub.data)
    #expect(try program.execute("SELECT epoch FROM hub.epoch") == now && now != [[epoch]])
    second.stop()
  }

  /// The log's tables as arguments: all but the node's own, which nobody restores under a running hub.
  private func tables(of program: ForeignConnection) throws -> [String] {
    try program.execute(
      """
      SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'hub'::regnamespace AND c.relkind = 'r'
        AND (c.relname IN ('channel', 'epoch') OR c.relname LIKE 'event\\_%')
      """
    ).map { "--table=\($0[0])" }
  }

  /// A file system put back to a snapshot keeps everything by which a restore can be told, but for what the node has
  /// itself handed out.
  @Test func `Files put back under a hub that was frozen are noticed by what it has delivered`() throws {
    let postgres = try StoppablePostgres()
    let scene = try DeliveryScene(database: postgres.connectionString)
    let open = try scene.connect()
    let start = try scene.subscribe(open, scene.kitchen)
    try postgres.end(.stop)
    let copy = try TestFolder.make("copy") + "/cluster"
    try postgres.copyFiles(to: copy)
    try postgres.start()
    func publish(_ event: String, times: Int) throws {
      let program = try ForeignConnection(postgres.connectionString)
      for _ in 0..<times { try scene.publish(event, on: scene.kitchen, by: program) }
    }
    try eventually("the hub listens again") { try scene.hub.request("GET", "/ready").status == 200 }
    try publish("test.lost", times: 5)
    for _ in 0..<5 { #expect(try open.next("event").event == "test.lost") }
    kill(scene.hub.processID, SIGSTOP)
    try postgres.end(.crash)
    try postgres.putBack(copy)
    try postgres.start()
    try publish("test.after", times: 9)
    kill(scene.hub.processID, SIGCONT)
    let snapshot = try open.next("subscribed", within: 20)
    #expect(snapshot.json["recovered"] as? Bool == false && snapshot.offset == start.offset + 9)
    #expect(snapshot.string("epoch") != start.string("epoch"))
    try publish("test.new", times: 1)
    #expect(try open.next("event").offset == start.offset + 10)
  }
}
