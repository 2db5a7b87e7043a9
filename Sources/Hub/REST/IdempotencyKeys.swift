// The stored answers of commands by the client's own key (wire §5).
import Postgres
import Protocol

enum IdempotencyKeys {
  /// Longest key accepted, in bytes.
  static let maximumBytes = 200

  /// Takes the key for this transaction. Answers the stored outcome of an earlier command with the same key, or nil when
  /// the command is to be carried out. Throws 422 when the key was used for something else and 409 while that runs.
  static func claim(_ key: String, scope: String, fingerprint: String, in transaction: Transaction)
    async throws(Problem) -> CommandOutcome?
  {
    let values: [PostgresValue] = [.text(scope), .text(key), .text(fingerprint)]
    let results = try await transaction.batch([
      Statement(
        """
        DELETE FROM app.idempotency_key WHERE caller = $1 AND key = $2 AND created_at < now() - interval '24 hours'
        """, [.text(scope), .text(key)]),
      Statement(
        """
        INSERT INTO app.idempotency_key (caller, key, fingerprint)
        SELECT $1, $2, $3 WHERE pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))
        ON CONFLICT DO NOTHING RETURNING 1
        """, values),
      Statement(
        """
        SELECT fingerprint = $3, status, body, offsets::text FROM app.idempotency_key
        WHERE caller = $1 AND key = $2
        """, values),
    ])
    if results[1].count == 1 { return nil }
    guard results[2].count == 1, let status = results[2][0].integer(1) else {
      throw Problem(
        409, "idempotency_in_progress", "The first request with this key is still being carried out.",
        headers: [("Retry-After", "1")])
    }
    let stored = results[2][0]
    guard stored.bool(0) else {
      throw Problem(
        422, "idempotency_key_reused", "This key was used for another request; take a new one for each command.")
    }
    var outcome = CommandOutcome(answer: Answer(status: Int(status), body: stored.bytes(2)), isReplay: true)
    outcome.answer.headers.append(("Idempotent-Replayed", "true"))
    if let offsets = try? JSON.parse(stored.bytes(3)).object {
      outcome.offsets = offsets.members.compactMap { member in member.value.int64.map { (member.name, $0) } }
    }
    return outcome
  }

  /// Stores the answer beside the offsets that this transaction has just taken.
  static func store(_ key: String, scope: String, _ answer: Answer) -> Statement {
    Statement(
      """
      UPDATE app.idempotency_key SET status = $3, body = $4, offsets = (
        SELECT coalesce(jsonb_object_agg(name, head), '{}') FROM hub.channel WHERE last_xid = pg_current_xact_id_if_assigned())
      WHERE caller = $1 AND key = $2
      """,
      [.text(scope), .text(key), .integer(Int64(answer.status)), .text(String(decoding: answer.body, as: UTF8.self))])
  }
}
