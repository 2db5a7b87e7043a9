// Brings a database's schema to this program's version.
//
// 1. Blocking, before the hub serves. Each migration is one transaction together with its row in public.hub_migration.
// 2. A session advisory lock is held around all, so that nodes that start together migrate one after another.
// 3. What was applied must be what is known here: a changed, missing or newer migration is refused, and nothing is run.
package struct Migration: Sendable {
  package let number: Int
  package let name: String
  package let sql: [UInt8]

  package init(number: Int, name: String, sql: [UInt8]) {
    self.number = number
    self.name = name
    self.sql = sql
  }

  var title: String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + "\(digits)-\(name)"
  }
}

package enum MigrationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file is not what it was when it was applied.
  case changed(String)
  /// The database has a migration that this program does not know.
  case newer(String)
  /// The program has a migration that was not applied, though a later one was.
  case skipped(String)
  case duplicate(String, String)
  /// The script ended its own transaction or began another.
  case leavesTransaction(String)
  case failed(String, PostgresError)
  case database(PostgresError)

  package var description: String {
    switch self {
    case .changed(let title):
      "migration \(title) was changed after it was applied; restore it and put the change into a new migration"
    case .newer(let title):
      "the database has migration \(title), which this program does not know; run a newer program"
    case .skipped(let title): "migration \(title) was not applied, but a later one was; give it the next free number"
    case .duplicate(let first, let second): "migrations \(first) and \(second) have the same number"
    case .leavesTransaction(let title): "migration \(title) ends or begins a transaction; it must do neither"
    case .failed(let title, let error): "migration \(title): \(error)"
    case .database(let error): "\(error)"
    }
  }
}

package struct Migrator: Sendable {
  /// The key of the advisory lock: "hub_migr" as eight ASCII bytes.
  static let lockKey: Int64 = 0x6875_625f_6d69_6772

  let connectionString: String
  let migrations: [Migration]
  let options: PostgresOptions
  private let digest: @Sendable ([UInt8]) -> [UInt8]

  /// `digest` is SHA-256; `options` carries the run-time parameters of the session.
  package init(
    connectionString: String, migrations: [Migration],
    options: PostgresOptions = PostgresOptions(applicationName: "hub migrator"),
    digest: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) {
    self.connectionString = connectionString
    self.migrations = migrations.sorted { $0.number < $1.number }
    self.options = options
    self.digest = digest
  }

  /// Applies what is missing, each migration announced before it runs, and answers with what was applied.
  @discardableResult
  package func run(announce: (Migration) -> Void = { _ in }) throws(MigrationError) -> [Migration] {
    for (first, second) in zip(migrations, migrations.dropFirst()) where first.number == second.number {
      throw .duplicate(first.title, second.title)
    }
    let session = try inDatabase { () throws(PostgresError) in
      let session = try BlockingConnection(connectionString, options: options)
      // Waits for another node that migrates; the lock ends with the session.
      try session.query(Statement("SELECT pg_advisory_lock($1)", [.integer(Self.lockKey)]))
      try session.query(Statement(Self.table))
      return session
    }
    let missing = try missing(session)
    for migration in missing {
      announce(migration)
      try apply(migration, session)
    }
    return missing
  }

  /// What `run` would apply; it throws where `run` would refuse.
  package func pending() throws(MigrationError) -> [Migration] {
    let session = try inDatabase { () throws(PostgresError) in
      try BlockingConnection(connectionString, options: options)
    }
    let exists = try inDatabase { () throws(PostgresError) in
      try session.query(Statement("SELECT to_regclass('public.hub_migration') IS NOT NULL")).first?.bool(0) ?? false
    }
    return exists ? try missing(session) : migrations
  }

  private static let table = """
    CREATE TABLE IF NOT EXISTS public.hub_migration (
      number integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )
    """

  private func missing(_ session: BlockingConnection) throws(MigrationError) -> [Migration] {
    let rows = try inDatabase { () throws(PostgresError) in
      try session.query(Statement("SELECT number, name, checksum FROM public.hub_migration ORDER BY number"))
    }
    var applied: [Int64: String] = [:]
    for row in rows {
      applied[row.int64(0)] = row.string(2)
      guard migrations.contains(where: { $0.number == row.int64(0) }) else {
        throw .newer(Migration(number: Int(row.int64(0)), name: row.string(1), sql: []).title)
      }
    }
    let last = applied.keys.max() ?? 0
    var missing: [Migration] = []
    for migration in migrations {
      if let checksum = applied[Int64(migration.number)] {
        guard checksum == self.checksum(migration) else { throw .changed(migration.title) }
      } else {
        guard migration.number > last else { throw .skipped(migration.title) }
        missing.append(migration)
      }
    }
    return missing
  }

  private func apply(_ migration: Migration, _ session: BlockingConnection) throws(MigrationError) {
    do {
      // The script must find, and leave, the transaction that was begun for it.
      try session.run("BEGIN")
      let identity = try session.query(Statement("SELECT pg_current_xact_id()")).first?.string(0)
      try session.run(script: migration.sql)
      let after =
        session.isInTransaction
        ? try session.query(Statement("SELECT pg_current_xact_id()")).first?.string(0) : nil
      guard after == identity else { throw MigrationError.leavesTransaction(migration.title) }
      try session.query(
        Statement(
          "INSERT INTO public.hub_migration (number, name, checksum) VALUES ($1, $2, $3)",
          [.integer(Int64(migration.number)), .text(migration.name), .text(checksum(migration))]))
      try session.run("COMMIT")
    } catch let error as PostgresError {
      throw .failed(migration.title, error)
    } catch {
      throw .leavesTransaction(migration.title)
    }
  }

  private func checksum(_ migration: Migration) -> String {
    digest(migration.sql).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count < 2 ? "0" + digits : digits
    }.joined()
  }

  private func inDatabase<Answer>(
    _ body: () throws(PostgresError) -> Answer
  ) throws(MigrationError) -> Answer {
    do { return try body() } catch { throw .database(error) }
  }
}
