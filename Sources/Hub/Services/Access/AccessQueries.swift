// The SQL of rights that end; nothing else of this service has SQL. The events follow by triggers from the rows that are
// changed here (0011-access.sql), so whoever changes them by other means ends the same rights.
import Domain
import Postgres

enum AccessQueries {
  // MARK: Asking

  /// Fails when the rows no longer give the rights that the caller's token says, in all of its restaurants or in some; nil
  /// where nothing can have ended them.
  static func check(_ caller: Caller, in restaurants: [Identifier]? = nil) -> Statement? {
    guard caller.sessionID != nil || (caller.role != .platformOwner && caller.role != .ramp) else { return nil }
    return Statement(
      "SELECT app.check_access($1::uuid, $2::text, $3::uuid[])",
      [PostgresValue(caller.sessionID), .text(caller.role.rawValue), PostgresValue(restaurants ?? caller.restaurants)])
  }

  /// What that failure means to a client.
  static func problem(_ sqlState: String) -> Problem {
    switch sqlState {
    case "HA401": return .sessionEnded
    case "HA403": return .suspended
    default:
      var problem = Problem.unauthorized("Your restaurants have changed; refresh the token.")
      problem.code = "token_outdated"
      return problem
    }
  }

  // MARK: Sessions

  /// The user's sessions that go on, newest first, as documents.
  static func sessions(of caller: Caller, _ database: any Database) async throws(Problem) -> PostgresRows {
    try await database.rows(
      """
      SELECT jsonb_build_object('id', s.id, 'created_at', hub.instant(s.created_at),
        'refreshed_at', hub.instant(s.refreshed_at), 'expires_at', hub.instant(s.expires_at),
        'current', s.id IS NOT DISTINCT FROM $2::uuid)
      FROM app.session AS s
      WHERE (s.user_id = $1::uuid OR s.device_id = $1::uuid) AND s.revoked_at IS NULL AND s.expires_at > now()
      ORDER BY s.refreshed_at DESC, s.id LIMIT 100
      """, [PostgresValue(caller.userID), PostgresValue(caller.sessionID)])
  }

  /// Ends one of the user's own sessions; whether there was one that went on.
  static func endSession(
    _ session: Identifier, of caller: Caller, _ transaction: Transaction
  ) async throws(Problem) -> Bool {
    let rows = try await transaction.rows(
      """
      UPDATE app.session SET revoked_at = now(), revoked_reason = 'ended'
      WHERE id = $1::uuid AND (user_id = $2::uuid OR device_id = $2::uuid) AND revoked_at IS NULL
      RETURNING 1
      """, [PostgresValue(session), PostgresValue(caller.userID)])
    return !rows.isEmpty
  }

  // MARK: Users and devices

  /// A user whose rights somebody wants to change, locked: the role, and the restaurants it has.
  static func lockUser(
    _ user: Identifier, _ transaction: Transaction
  ) async throws(Problem) -> (role: Role, restaurants: [Identifier])? {
    let rows = try await transaction.rows(
      """
      SELECT u.role, (SELECT coalesce(string_agg(m.restaurant_id::text, ','), '')
        FROM app.membership AS m WHERE m.user_id = u.id)
      FROM app.user AS u WHERE u.id = $1::uuid FOR NO KEY UPDATE
      """, [PostgresValue(user)])
    guard let row = rows.first else { return nil }
    return (try row.word(0), row.string(1).split(separator: ",").compactMap { Identifier(String($0)) })
  }

  static func setRole(_ role: Role?, active: Bool?, of user: Identifier) -> Statement {
    Statement(
      """
      UPDATE app.user AS u SET role = coalesce($2::text, u.role), active = coalesce($3::boolean, u.active)
      WHERE u.id = $1::uuid
      """, [PostgresValue(user), PostgresValue(role?.rawValue), PostgresValue(active)])
  }

  static func document(of user: Identifier) -> Statement {
    Statement(
      """
      SELECT jsonb_build_object('id', u.id, 'email', u.email, 'name', u.name, 'role', u.role, 'active', u.active,
        'restaurants', coalesce((SELECT jsonb_agg(m.restaurant_id ORDER BY m.restaurant_id)
          FROM app.membership AS m WHERE m.user_id = u.id), '[]'))
      FROM app.user AS u WHERE u.id = $1::uuid
      """, [PostgresValue(user)])
  }

  static func removeMember(_ user: Identifier, from restaurant: Identifier) -> Statement {
    Statement(
      "DELETE FROM app.membership WHERE user_id = $1::uuid AND restaurant_id = $2::uuid",
      [PostgresValue(user), PostgresValue(restaurant)])
  }

  /// The restaurant of a device that has not been removed, locked.
  static func lockDevice(_ device: Identifier, _ transaction: Transaction) async throws(Problem) -> Identifier? {
    let rows = try await transaction.rows(
      """
      SELECT restaurant_id FROM app.device WHERE id = $1::uuid AND removed_at IS NULL FOR NO KEY UPDATE
      """, [PostgresValue(device)])
    return rows.first?.identifier(0)
  }

  static func removeDevice(_ device: Identifier) -> Statement {
    Statement("UPDATE app.device SET removed_at = now() WHERE id = $1::uuid", [PostgresValue(device)])
  }

  // MARK: Restaurants

  /// Suspends or resumes, if it is not so already; answers the document, nil without such a restaurant.
  static func turn(
    _ restaurant: Identifier, active: Bool, _ transaction: Transaction
  ) async throws(Problem) -> [UInt8]? {
    let results = try await transaction.batch([
      Statement(
        "UPDATE app.restaurant SET active = $2::boolean, version = version + 1 WHERE id = $1::uuid AND active <> $2::boolean",
        [PostgresValue(restaurant), .boolean(active)]),
      Statement("SELECT app.restaurant_document($1::uuid)", [PostgresValue(restaurant)]),
    ])
    return results[1][0].isNull(0) ? nil : results[1][0].bytes(0)
  }
}
