// The SQL of users, devices and sessions and the decoding of its rows; nothing else of this service has SQL.
// Passwords are never compared here, and tokens never reach the database: a session knows only the id of its newest
// refresh token.
import Domain
import Postgres
import Protocol

enum IdentityQueries {
  /// An active user by the address, with what the password is checked against and the number of its rights.
  static func user(
    _ email: EmailAddress, _ database: any Database
  ) async throws(Problem) -> (member: Member, passwordHash: String, rights: Int64)? {
    let rows = try await database.rows(
      """
      SELECT app.user_document(u.id), u.password_hash, u.rights FROM app.user AS u WHERE u.email = $1::text AND u.active
      """, [.text(email.description)])
    guard let row = rows.first else { return nil }
    return (try member(row.bytes(0)), row.string(1), row.int64(2))
  }

  /// Makes a session with the rights that were read, unless they have changed since; whether it was made. The lock waits
  /// for a change that is not committed yet, and keeps the next one out until the session can be seen and ended by it.
  static func insertSession(
    _ session: Identifier, of user: Identifier, rights: Int64, refreshID: Identifier, seconds: Int64,
    _ database: any Database
  ) async throws(Problem) -> Bool {
    let rows = try await database.rows(
      """
      INSERT INTO app.session (id, user_id, refresh_id, expires_at)
      SELECT $1::uuid, u.id, $3::uuid, now() + $4::integer * interval '1 second'
      FROM app.user AS u WHERE u.id = $2::uuid AND u.active AND u.rights = $5::integer FOR SHARE
      RETURNING 1
      """,
      [
        PostgresValue(session), PostgresValue(user), PostgresValue(refreshID), .integer(seconds), .integer(rights),
      ])
    return !rows.isEmpty
  }

  /// Replaces the session's refresh token, if it is the newest of a session that has not ended and whose user or device
  /// is still there; nil else.
  static func rotate(
    _ session: Identifier, from used: Identifier, to next: Identifier, seconds: Int64, _ database: any Database
  ) async throws(Problem) -> Member? {
    let rows = try await database.rows(
      """
      UPDATE app.session AS s SET refresh_id = $3::uuid, rotations = s.rotations + 1, refreshed_at = now(),
        expires_at = now() + $4::integer * interval '1 second'
      WHERE s.id = $1::uuid AND s.refresh_id = $2::uuid AND s.revoked_at IS NULL AND s.expires_at > now()
        AND coalesce(app.user_document(s.user_id), app.device_document(s.device_id)) IS NOT NULL
      RETURNING coalesce(app.user_document(s.user_id), app.device_document(s.device_id))
      """, [PostgresValue(session), PostgresValue(used), PostgresValue(next), .integer(seconds)])
    guard let row = rows.first else { return nil }
    return try member(row.bytes(0))
  }

  static func revoke(_ session: Identifier, reason: String) -> Statement {
    Statement(
      """
      UPDATE app.session SET revoked_at = now(), revoked_reason = $2::text
      WHERE id = $1::uuid AND revoked_at IS NULL
      """, [PostgresValue(session), .text(reason)])
  }

  static func document(of caller: Caller, _ database: any Database) async throws(Problem) -> [UInt8]? {
    let rows = try await database.rows(
      "SELECT coalesce(app.user_document($1::uuid), app.device_document($1::uuid))", [PostgresValue(caller.userID)])
    guard let row = rows.first, !row.isNull(0) else { return nil }
    return row.bytes(0)
  }

  private static func member(_ document: [UInt8]) throws(Problem) -> Member {
    guard let json = try? JSON.parse(document), let id = json["id"]?.string.flatMap({ Identifier($0) }),
      let role = json["role"]?.string.flatMap({ Role(rawValue: $0) })
    else { throw .internal() }
    let restaurants = (json["restaurants"]?.array ?? []).compactMap { $0.string.flatMap { Identifier($0) } }
    return Member(id: id, role: role, restaurants: restaurants, document: document)
  }
}
