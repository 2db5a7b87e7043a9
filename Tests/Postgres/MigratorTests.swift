import Synchronization
import Testing

@testable import Postgres

@Suite("The migrator", .timeLimit(.minutes(1)))
struct MigratorTests {
  /// Any function of the bytes will do here; the hub passes SHA-256.
  private static let digest: @Sendable ([UInt8]) -> [UInt8] = { bytes in
    var state: UInt64 = 14_695_981_039_346_656_037
    for byte in bytes { state = (state ^ UInt64(byte)) &* 1_099_511_628_211 }
    return withUnsafeBytes(of: state.bigEndian) { Array($0) }
  }

  private func migrator(_ target: String, _ migrations: [(Int, String, String)]) -> Migrator {
    Migrator(
      connectionString: target,
      migrations: migrations.map { Migration(number: $0.0, name: $0.1, sql: Array($0.2.utf8)) }, digest: Self.digest)
  }

  private func caught(_ body: () throws -> Void) -> MigrationError? {
    do { try body() } catch let error as MigrationError { return error } catch { Issue.record(error) }
    return nil
  }

  private static let menu = (
    1, "menu",
    """
    CREATE SCHEMA app; CREATE TABLE app.dish (name text);
    CREATE FUNCTION app.two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1 + 1; END $$;
    """
  )
  private static let price = (
    2, "price", "ALTER TABLE app.dish ADD price numeric; INSERT INTO app.dish VALUES ('Soup', 4);"
  )

  @Test("applies what is missing, in the order of the numbers, once")
  func applies() throws {
    let target = try TestServer.shared().makeDatabase("migrate_applies")
    let both = migrator(target, [Self.price, Self.menu])
    #expect(try both.pending().map(\.number) == [1, 2])
    var announced: [String] = []
    let first = migrator(target, [Self.menu])
    #expect(try first.run { announced.append($0.name) }.map(\.number) == [1])
    #expect(try both.pending().map(\.number) == [2])
    #expect(try both.run { announced.append($0.name) }.map(\.number) == [2])
    #expect(try both.run().isEmpty && announced == ["menu", "price"])
    let rows = try BlockingConnection(target).query(
      Statement("SELECT count(*), min(length(checksum)), (SELECT count(*) FROM app.dish) FROM public.hub_migration"))
    #expect(rows[0].int64(0) == 2 && rows[0].int64(1) == 16 && rows[0].int64(2) == 1)
  }

  @Test("lets nodes that start together migrate one after another")
  func together() async throws {
    let target = try TestServer.shared().makeDatabase("migrate_together")
    let slow = (1, "slow", "CREATE TABLE once (); SELECT pg_sleep(0.05);")
    let node = migrator(target, [slow, (2, "more", "CREATE TABLE more ();")])
    let applied = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<4 { group.addTask { try node.run().count } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(applied.sorted() == [0, 0, 0, 2])
  }

  @Test("leaves nothing of a migration that fails, and keeps those before it")
  func failing() throws {
    let target = try TestServer.shared().makeDatabase("migrate_failing")
    let broken = (2, "broken", "CREATE TABLE half (); SELECT 1 / 0;")
    let error = caught { try migrator(target, [Self.menu, broken]).run() }
    guard case .failed("0002-broken", .server(let fault)) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(fault.sqlState == "22012")
    let session = try BlockingConnection(target)
    let rows = try session.query(
      Statement("SELECT to_regclass('half') IS NULL, (SELECT max(number) FROM public.hub_migration)"))
    #expect(rows[0].bool(0) && rows[0].int64(1) == 1)
    // Repaired, it goes on from there.
    #expect(try migrator(target, [Self.menu, Self.price]).run().map(\.number) == [2])
  }

  @Test("refuses a file that was changed, a database that is newer and a number that was passed over")
  func refuses() throws {
    let target = try TestServer.shared().makeDatabase("migrate_refuses")
    let third = (3, "third", "SELECT 1")
    try migrator(target, [Self.menu, third]).run()
    let changed = (Self.menu.0, Self.menu.1, Self.menu.2 + " ")
    #expect(caught { try migrator(target, [changed, third]).run() } == .changed("0001-menu"))
    #expect(caught { try migrator(target, [Self.menu]).run() } == .newer("0003-third"))
    #expect(caught { _ = try migrator(target, [Self.menu]).pending() } == .newer("0003-third"))
    #expect(caught { try migrator(target, [Self.menu, Self.price, third]).run() } == .skipped("0002-price"))
    #expect(
      caught { try migrator(target, [Self.menu, (1, "again", "")]).run() } == .duplicate("0001-menu", "0001-again"))
  }

  @Test(
    "refuses a script that ends the transaction it runs in",
    arguments: ["COMMIT;", "ROLLBACK; BEGIN;", "COMMIT; BEGIN; SELECT 1"])
  func transactionControl(_ sql: String) throws {
    let name = "migrate_control_\(sql.count)"
    let target = try TestServer.shared().makeDatabase(name)
    #expect(caught { try migrator(target, [(1, "control", sql)]).run() } == .leavesTransaction("0001-control"))
    let rows = try BlockingConnection(target).query(Statement("SELECT count(*) FROM public.hub_migration"))
    #expect(rows[0].int64(0) == 0)
  }

  @Test("says that there is no database")
  func noDatabase() throws {
    let error = caught { try migrator("host=/nonexistent", [Self.menu]).run() }
    guard case .database(.connectionLost) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }
}
