// The SQL of orders, second half: locking, moving, telling and reading them. An order's row is locked before any of its
// tickets is read, by every command on either (0004-orders.sql, note 2).
import Domain
import Postgres
import Protocol

extension OrdersQueries {
  // MARK: Moving

  /// Locks the order's row and reads what a command needs; nil when there is none.
  static func lock(_ order: Identifier, _ transaction: Transaction) async throws(Problem) -> LockedOrder? {
    try await lock("$1::uuid", order, transaction)
  }

  /// The same by one of the order's tickets.
  static func lock(orderOf ticket: Identifier, _ transaction: Transaction) async throws(Problem) -> LockedOrder? {
    try await lock("(SELECT order_id FROM app.ticket WHERE id = $1::uuid)", ticket, transaction)
  }

  /// The lock is a statement of its own: a statement that had to wait for it would go on with what it saw before, while
  /// those that follow in the same round trip see what the lock's last holder has committed.
  private static func lock(
    _ chosen: String, _ id: Identifier, _ transaction: Transaction
  ) async throws(Problem) -> LockedOrder? {
    let results = try await transaction.batch([
      Statement(
        "SELECT id, restaurant_id, status, version FROM app.order WHERE id = \(chosen) FOR NO KEY UPDATE",
        [PostgresValue(id)]),
      Statement(
        "SELECT id, station_id FROM app.order_item WHERE order_id = \(chosen) ORDER BY position", [PostgresValue(id)]),
      Statement(
        "SELECT id, status, open, recalled, version FROM app.ticket WHERE order_id = \(chosen) ORDER BY id",
        [PostgresValue(id)]),
    ])
    guard let row = results[0].first else { return nil }
    var lines: [(id: Identifier, station: Identifier?)] = []
    for line in results[1] { lines.append((try line.requiredIdentifier(0), line.identifier(1))) }
    return LockedOrder(
      id: try row.requiredIdentifier(0), restaurant: try row.requiredIdentifier(1), status: try row.word(2),
      version: row.int64(3), lines: lines, tickets: try KitchenQueries.locked(results[2]))
  }

  /// The one guarded statement of every change of status: a row in the answer says that it took place.
  static func advance(
    _ order: Identifier, from: OrderStatus, to: OrderStatus, actor: Identifier, reason: String? = nil
  ) -> Statement {
    Statement(
      """
      WITH moved AS (
        UPDATE app.order SET
          status = $3::text, version = version + 1, cancel_reason = $5::text,
          confirmed_at = CASE $3::text WHEN 'confirmed' THEN statement_timestamp() ELSE confirmed_at END,
          ready_at = CASE $3::text WHEN 'ready' THEN statement_timestamp() WHEN 'preparing' THEN NULL ELSE ready_at END,
          completed_at = CASE $3::text WHEN 'completed' THEN statement_timestamp() END,
          cancelled_at = CASE $3::text WHEN 'cancelled' THEN statement_timestamp() END
        WHERE id = $1::uuid AND status = $2::text
        RETURNING id, version
      )
      INSERT INTO app.order_history (order_id, version, from_status, to_status, actor, reason)
      SELECT id, version, $2::text, $3::text, $4::uuid, $5::text FROM moved
      RETURNING version
      """,
      [
        PostgresValue(order), .text(from.rawValue), .text(to.rawValue), PostgresValue(actor), PostgresValue(reason),
      ])
  }

  /// Stages an event of the order's document with further members, and answers with the document alone.
  static func publish(
    _ event: String, of order: Identifier, to channels: [String], with members: JSON = [:]
  ) -> Statement {
    Statement(
      """
      WITH told AS MATERIALIZED (SELECT document FROM app.order_view WHERE id = $3::uuid)
      SELECT document, hub.publish($1::text[], $2::text, document || $4::jsonb) FROM told
      """,
      [.textArray(channels), .text(event), PostgresValue(order), .json(members.serialised())])
  }

  // MARK: Reading

  static func document(_ order: Identifier, _ database: any Database) async throws(Problem) -> [UInt8] {
    try await database.rows("SELECT app.order_document($1::uuid)", [PostgresValue(order)])[0].bytes(0)
  }

  static func find(
    _ order: Identifier, _ database: any Database
  ) async throws(Problem) -> (restaurant: Identifier, document: [UInt8])? {
    let rows = try await database.rows(
      "SELECT restaurant_id, document FROM app.order_view WHERE id = $1::uuid", [PostgresValue(order)])
    guard let row = rows.first else { return nil }
    return (try row.requiredIdentifier(0), row.bytes(1))
  }

  static func open(in restaurant: Identifier, _ database: any Database) async throws(Problem) -> PostgresRows {
    try await database.rows(
      "SELECT document FROM app.order_view WHERE restaurant_id = $1::uuid AND open ORDER BY created_at, id",
      [PostgresValue(restaurant)])
  }

  /// Newest first, as (id, instant, document). A status that is open is looked for among the open orders only, which
  /// have an index of their own: few orders are pending, and most of a restaurant's are long completed.
  static func list(
    in restaurant: Identifier, status: OrderStatus?, table: String?, from: String?, to: String?, _ page: Page,
    _ database: any Database
  ) async throws(Problem) -> PostgresRows {
    let isOpen = status.map { !$0.isTerminal } ?? false
    return try await database.rows(
      """
      SELECT id, hub.instant(created_at), document FROM app.order_view
      WHERE restaurant_id = $1::uuid \(isOpen ? "AND open" : "")
        AND ($2::text IS NULL OR status = $2::text) AND ($3::text IS NULL OR table_name = $3::text)
        AND created_at >= coalesce($4::timestamptz, '-infinity') AND created_at < coalesce($5::timestamptz, 'infinity')
        AND (created_at, id) < (coalesce($6::timestamptz, 'infinity'),
          coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY created_at DESC, id DESC LIMIT $8::integer
      """,
      [
        PostgresValue(restaurant), PostgresValue(status?.rawValue), PostgresValue(table), PostgresValue(from),
        PostgresValue(to), page.instant, page.id, page.fetched,
      ])
  }

  static func history(_ order: Identifier, _ database: any Database) async throws(Problem) -> PostgresRows {
    try await database.rows(
      """
      SELECT jsonb_build_object('version', version, 'from', from_status, 'to', to_status, 'actor', actor,
        'reason', reason, 'at', hub.instant(at))
      FROM app.order_history WHERE order_id = $1::uuid ORDER BY version
      """, [PostgresValue(order)])
  }
}
