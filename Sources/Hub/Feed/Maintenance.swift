// Housekeeping of the log's tables: days ahead of time, days that are over, rows that nobody needs. Any node does it; doing
// it twice is harmless, and what fails now (a lock that is not free) is done a minute later (0012-retention.sql).
import Postgres
import Telemetry

enum Maintenance {
  static func run(_ database: PooledDatabase, retentionDays: Int, log: Log) async {
    let days = PostgresValue.integer(Int64(retentionDays))
    await attempt("partitions", log) { () async throws(Problem) in
      _ = try await database.rows("SELECT hub.ensure_partitions()")
    }
    await attempt("retention", log) { () async throws(Problem) in
      // One day a statement, so that the log is locked once a day and for a moment.
      while let day = try await database.rows("SELECT hub.drop_old_partition($1)", [days])[0].text(0) {
        log.info("retention.dropped", ["partition": LogValue(day)])
      }
      _ = try await database.rows("SELECT hub.trim_default_partition($1)", [days])
    }
    await attempt("receipts", log) { () async throws(Problem) in
      _ = try await database.rows("SELECT hub.forget_receipts()")
    }
    await attempt("expired", log) { () async throws(Problem) in
      _ = try await database.rows("SELECT app.forget_expired()")
    }
  }

  private static func attempt(_ what: String, _ log: Log, _ body: () async throws(Problem) -> Void) async {
    do throws(Problem) {
      try await body()
    } catch {
      let cause = error.cause.map { "\($0)" } ?? "-"
      log.warning("maintenance.failed", ["what": LogValue(what), "cause": LogValue(cause)])
    }
  }
}
