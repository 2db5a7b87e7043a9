// Housekeeping of the log's tables: partitions ahead of time, old idempotency keys, old receipts. Any node does it; doing it twice is
// harmless, and what fails now is done a minute later.
import Postgres
import Telemetry

enum Maintenance {
  static func run(_ database: PooledDatabase, log: Log) async {
    do throws(Problem) {
      _ = try await database.rows("SELECT hub.ensure_partitions()")
      _ = try await database.rows(
        """
        DELETE FROM app.idempotency_key WHERE ctid IN (
          SELECT ctid FROM app.idempotency_key WHERE created_at < now() - interval '24 hours' LIMIT 10000)
        """)
      _ = try await database.rows("SELECT hub.forget_receipts()")
    } catch {
      log.warning("maintenance.failed", ["detail": LogValue(error.detail)])
    }
  }
}
