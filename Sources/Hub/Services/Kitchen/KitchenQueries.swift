// The SQL of kitchen tickets and the decoding of its rows.
import Domain
import Postgres

enum KitchenQueries {
  /// The statements that carry out the work on the order's tickets.
  static func write(_ work: KitchenWork, of order: LockedOrder) -> [Statement] {
    var statements: [Statement] = []
    if !work.made.isEmpty { statements += insert(work.made, of: order) }
    if !work.moved.isEmpty { statements.append(move(work.moved)) }
    let items = work.moved.filter { $0.outcome.items != nil }
    if !items.isEmpty { statements.append(moveItems(items)) }
    return statements
  }

  /// New tickets, and copies of the order's lines as their items.
  private static func insert(_ tickets: [KitchenWork.NewTicket], of order: LockedOrder) -> [Statement] {
    let items = tickets.flatMap { ticket in ticket.lines.map { (ticket: ticket.id, line: $0) } }
    return [
      Statement(
        """
        INSERT INTO app.ticket (id, restaurant_id, order_id, station_id)
        SELECT id, $1::uuid, $2::uuid, station_id FROM unnest($3::uuid[], $4::uuid[]) AS fired (id, station_id)
        """,
        [
          PostgresValue(order.restaurant), PostgresValue(order.id), PostgresValue(tickets.map(\.id)),
          PostgresValue(tickets.map(\.station)),
        ]),
      Statement(
        """
        INSERT INTO app.ticket_item (id, ticket_id, position, product_id, name, quantity, modifiers, note)
        SELECT i.id, fired.ticket_id, i.position, i.product_id, i.name, i.quantity, i.modifiers, i.note
        FROM unnest($1::uuid[], $2::uuid[]) AS fired (ticket_id, item_id)
        JOIN app.order_item AS i ON i.id = fired.item_id
        """, [PostgresValue(items.map(\.ticket)), PostgresValue(items.map(\.line))]),
    ]
  }

  /// A ticket that is made again has no time of being ready or served.
  private static func move(_ moves: [KitchenWork.Move]) -> Statement {
    let states = moves.map(\.outcome.state)
    return Statement(
      """
      UPDATE app.ticket AS t SET
        status = next.status, open = next.open, recalled = next.recalled, version = t.version + 1,
        started_at = CASE WHEN next.status IN ('started', 'ready') THEN coalesce(t.started_at, statement_timestamp())
          ELSE t.started_at END,
        ready_at = CASE next.status WHEN 'ready' THEN statement_timestamp() WHEN 'started' THEN NULL
          ELSE t.ready_at END,
        served_at = CASE next.status WHEN 'served' THEN statement_timestamp() END,
        voided_at = CASE next.status WHEN 'voided' THEN coalesce(t.voided_at, statement_timestamp()) END
      FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[]) AS next (id, status, open, recalled)
      WHERE t.id = next.id
      """,
      [
        PostgresValue(moves.map(\.ticket)), .textArray(states.map(\.status.rawValue)),
        .textArray(states.map { $0.isOpen ? "t" : "f" }), .textArray(states.map { $0.isRecalled ? "t" : "f" }),
      ])
  }

  private static func moveItems(_ moves: [KitchenWork.Move]) -> Statement {
    Statement(
      """
      UPDATE app.ticket_item AS i SET status = next.status
      FROM unnest($1::uuid[], $2::text[]) AS next (ticket_id, status)
      WHERE i.ticket_id = next.ticket_id AND i.status <> 'voided'
      """,
      [PostgresValue(moves.map(\.ticket)), .textArray(moves.map { $0.outcome.items?.rawValue })])
  }

  /// Stages one event a ticket, in the order given, and answers with the documents in that order.
  static func publish(_ events: [(ticket: Identifier, event: TicketEvent)], to channels: [String]) -> Statement {
    Statement(
      """
      WITH told AS MATERIALIZED (
        SELECT t.document, event.name FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS event (ticket_id, name, position)
        JOIN app.ticket_view AS t ON t.id = event.ticket_id ORDER BY event.position
      )
      SELECT document, hub.publish($1::text[], name, document) FROM told
      """,
      [.textArray(channels), PostgresValue(events.map(\.ticket)), .textArray(events.map(\.event.rawValue))])
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
