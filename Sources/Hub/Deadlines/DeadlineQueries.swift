// The statements of the deadlines engine. What a kind of deadline does is SQL (hub.deadline_kind); here it is only asked
// for, in one transaction with the events that follow, as a command's are.
import Postgres

/// A deadline that a transaction acted on, or tried to.
struct FiredDeadline: Sendable {
  let kind: String
  let subject: String
  /// Seconds after its time.
  let late: Double
  /// How often in a row it has failed, this time included.
  let attempts: Int64
  /// Why it failed; it is tried again later.
  let failure: String?
}

enum DeadlineQueries {
  /// Seconds until the next one (null when there is none), and how many are due.
  static let next = Statement("SELECT seconds, due FROM hub.next_deadline()")

  /// Acts on what is due; answers what that was and the events that were committed with it.
  static func fire(
    _ pool: PostgresPool, most: Int
  ) async throws(PostgresError) -> (deadlines: [FiredDeadline], events: [LogEvent]) {
    let answers = try await pool.withConnection { (connection: PostgresConnection) async throws(PostgresError) in
      try await connection.execute([
        Statement("BEGIN"),
        Statement(
          "SELECT kind, subject, late, attempts, failure FROM hub.fire_deadlines($1::integer)", [.integer(Int64(most))]),
        FeedQueries.flush,
        Statement("COMMIT"),
      ])
    }
    guard answers.count == 4 else { return ([], []) }
    let deadlines = answers[1].map { row in
      FiredDeadline(
        kind: row.string(0), subject: row.string(1), late: Double(row.string(2)) ?? 0, attempts: row.int64(3),
        failure: row.text(4))
    }
    return (deadlines, answers[2].map { LogEvent($0) })
  }
}
