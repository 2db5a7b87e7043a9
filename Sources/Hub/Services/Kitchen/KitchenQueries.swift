// The SQL of kitchen tickets and the decoding of its rows. An order has few tickets, so each gets statements of its
// own, sent together: their plans are kept, where a statement over an array of tickets would be planned anew each time.
import Domain
import Postgres

enum KitchenQueries {
  /// The statements that carry out the work on the order's tickets.
  static func write(_ work: KitchenWork, of order: LockedOrder) -> [Statement] {
    work.made.flatMap { insert($0, of: order) } + work.moved.flatMap { move($0) }
  }

  /// A new ticket, with copies of the order's lines as its items.
  private static func insert(_ ticket: KitchenWork.NewTicket, of order: LockedOrder) -> [Statement] {
    [
      Statement(
        """
        INSERT INTO app.ticket (id, restaurant_id, order_id, station_id)
        VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid)
        """,
        [
          PostgresValue(ticket.id), PostgresValue(order.restaurant), PostgresValue(order.id),
          PostgresValue(ticket.station),
        ]),
      Statement(
        """
        INSERT INTO app.ticket_item (id, ticket_id, position, product_id, name, quantity, modifiers, note)
        SELECT id, $1::uuid, position, product_id, name, quantity, modifiers, note
        FROM app.order_item WHERE order_id = $2::uuid AND id = ANY ($3::uuid[])
        """, [PostgresValue(ticket.id), PostgresValue(order.id), PostgresValue(ticket.lines)]),
    ]
  }

  /// A ticket that is made again has no time of being ready or served.
  private static func move(_ move: KitchenWork.Move) -> [Statement] {
    let state = move.outcome.state
    var statements: [Statement] = []
    // Before the ticket, whose trigger may tell of it.
    if let items = move.outcome.items {
      statements.append(
        Statement(
          "UPDATE app.ticket_item SET status = $2::text WHERE ticket_id = $1::uuid AND status <> 'voided'",
          [PostgresValue(move.ticket), .text(items.rawValue)]))
    }
    statements.append(
      Statement(
        """
        UPDATE app.ticket SET
          status = $2::text, open = $3::boolean, recalled = $4::boolean, version = version + 1,
          started_at = CASE WHEN $2::text IN ('started', 'ready') THEN coalesce(started_at, statement_timestamp())
            ELSE started_at END,
          ready_at = CASE $2::text WHEN 'ready' THEN statement_timestamp() WHEN 'started' THEN NULL ELSE ready_at END,
          served_at = CASE $2::text WHEN 'served' THEN statement_timestamp() END,
          voided_at = CASE $2::text WHEN 'voided' THEN coalesce(voided_at, statement_timestamp()) END
        WHERE id = $1::uuid
        """,
        [PostgresValue(move.ticket), .text(state.status.rawValue), .boolean(state.isOpen), .boolean(state.isRecalled)]))
    return statements
  }

  /// Stages an event of the ticket's document, and answers with the document.
  static func publish(_ event: TicketEvent, of ticket: Identifier, to channels: [String]) -> Statement {
    Statement(
      """
      WITH told AS MATERIALIZED (SELECT document FROM app.ticket_view WHERE id = $3::uuid)
      SELECT document, hub.publish($1::text[], $2::text, document) FROM told
      """, [.textArray(channels), .text(event.rawValue), PostgresValue(ticket)])
  }

  // MARK: Reading

  static func locked(_ rows: PostgresRows) throws(Problem) -> [LockedTicket] {
    var tickets: [LockedTicket] = []
    for row in rows {
      let state = TicketState(status: try row.word(1), isOpen: row.bool(2), isRecalled: row.bool(3))
      tickets.append(LockedTicket(id: try row.requiredIdentifier(0), state: state, version: row.int64(4)))
    }
    return tickets
  }

  static func document(_ ticket: Identifier, _ database: any Database) async throws(Problem) -> [UInt8] {
    try await database.rows("SELECT app.ticket_document($1::uuid)", [PostgresValue(ticket)])[0].bytes(0)
  }

  static func find(
    _ ticket: Identifier, _ database: any Database
  ) async throws(Problem) -> (restaurant: Identifier, document: [UInt8])? {
    let rows = try await database.rows(
      "SELECT restaurant_id, document FROM app.ticket_view WHERE id = $1::uuid", [PostgresValue(ticket)])
    guard let row = rows.first else { return nil }
    return (try row.requiredIdentifier(0), row.bytes(1))
  }

  /// As (id, instant, document): the open ones in fire order, or all, newest first. Each order has its index.
  static func list(
    in restaurant: Identifier, station: Identifier?, onlyOpen: Bool, _ page: Page, _ database: any Database
  ) async throws(Problem) -> PostgresRows {
    let part =
      onlyOpen
      ? """
      AND open AND (fired_at, id) > (coalesce($3::timestamptz, '-infinity'),
        coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
      ORDER BY fired_at, id
      """
      : """
      AND (fired_at, id) < (coalesce($3::timestamptz, 'infinity'),
        coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY fired_at DESC, id DESC
      """
    return try await database.rows(
      """
      SELECT id, hub.instant(fired_at), document FROM app.ticket_view
      WHERE restaurant_id = $1::uuid AND ($2::uuid IS NULL OR station_id = $2::uuid) \(part) LIMIT $5::integer
      """,
      [PostgresValue(restaurant), PostgresValue(station), page.instant, page.id, page.fetched])
  }
}
