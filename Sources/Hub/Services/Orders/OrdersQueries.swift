// The SQL of orders and the decoding of its rows; nothing else of this service has SQL. This half places them; the
// other is OrdersQueries+Moving. Rows are locked in one order everywhere: the order, products by id, the day's counter,
// and at the commit the channels.
import Domain
import Postgres
import Protocol

/// An order whose row is locked, as far as a command needs it.
struct LockedOrder {
  let id: Identifier
  let restaurant: Identifier
  let status: OrderStatus
  let version: Int64
  /// Its lines in their order, with where each is made.
  let lines: [(id: Identifier, station: Identifier?)]
  let tickets: [LockedTicket]
}

enum OrdersQueries {
  // MARK: Placing

  /// What the rules of ordering must know: the restaurant and those of the draft's products that are its own.
  static func menu(
    of restaurant: Identifier, for draft: OrderDraft, _ database: any Database
  ) async throws(Problem) -> MenuFacts {
    let results = try await database.batch([
      Statement(
        """
        SELECT currency, (vat_rate * 10000)::integer, vat_enabled, prices_include_vat,
          (service_rate * 10000)::integer, service_enabled, active
        FROM app.restaurant WHERE id = $1::uuid
        """, [PostgresValue(restaurant)]),
      Statement(
        """
        SELECT id, name, price, station_id, active, available, stock FROM app.product
        WHERE restaurant_id = $1::uuid AND id = ANY ($2::uuid[])
        """, [PostgresValue(restaurant), PostgresValue(draft.lines.compactMap(\.productID))]),
    ])
    guard let row = results[0].first else { throw .notFound("The restaurant") }
    let currency: Currency = try row.word(0)
    guard let vatRate = Rate(tenThousandths: Int(row.int64(1))),
      let serviceRate = Rate(tenThousandths: Int(row.int64(4)))
    else { throw .internal() }
    let rules = PriceRules(
      currency: currency, vatRate: vatRate, vatEnabled: row.bool(2), pricesIncludeVAT: row.bool(3),
      serviceRate: serviceRate, serviceEnabled: row.bool(5))
    var products: [MenuProduct] = []
    for product in results[1] {
      products.append(
        MenuProduct(
          id: try product.requiredIdentifier(0), name: product.string(1),
          price: Money(minorUnits: product.int64(2), currency: currency), station: product.identifier(3),
          active: product.bool(4), available: product.bool(5), stock: product.integer(6).map { Int($0) }))
    }
    return MenuFacts(rules: rules, acceptsOrders: row.bool(6), products: products)
  }

  /// Takes the stock of all the products or of none, and answers one row a product taken: (id, name, whether this took
  /// the last). The rows are locked in the order of their ids, so two orders of the same products cannot deadlock.
  static func reserve(_ reservations: [StockReservation]) -> Statement {
    Statement(
      """
      WITH wanted AS (
        SELECT id, quantity FROM unnest($1::uuid[], $2::integer[]) AS wanted (id, quantity)
      ), held AS (
        SELECT p.id, p.stock, wanted.quantity FROM app.product AS p JOIN wanted ON wanted.id = p.id
        WHERE p.stock IS NOT NULL ORDER BY p.id FOR NO KEY UPDATE OF p
      )
      UPDATE app.product AS p SET stock = held.stock - held.quantity FROM held
      WHERE p.id = held.id AND (SELECT count(*) FROM held WHERE stock >= quantity) = (SELECT count(*) FROM wanted)
      RETURNING p.id, p.name, NOT p.marked_out AND p.stock = 0
      """,
      [
        PostgresValue(reservations.map(\.productID)),
        .integerArray(reservations.map { Int64($0.quantity) }),
      ])
  }

  /// Gives back what an order took of counted stock, except for what the kitchen has begun: (id, name, whether it was
  /// out before).
  static func release(_ order: Identifier) -> Statement {
    Statement(
      """
      WITH released AS (
        SELECT i.product_id AS id, sum(i.reserved)::integer AS quantity
        FROM app.order_item AS i
        LEFT JOIN app.ticket_item AS made ON made.id = i.id
        LEFT JOIN app.ticket AS t ON t.id = made.ticket_id
        WHERE i.order_id = $1::uuid AND i.reserved IS NOT NULL AND coalesce(t.status = 'new', true)
        GROUP BY i.product_id
      ), held AS (
        SELECT p.id, p.stock, released.quantity FROM app.product AS p JOIN released ON released.id = p.id
        WHERE p.stock IS NOT NULL ORDER BY p.id FOR NO KEY UPDATE OF p
      )
      UPDATE app.product AS p SET stock = held.stock + held.quantity FROM held WHERE p.id = held.id
      RETURNING p.id, p.name, NOT p.marked_out AND held.stock = 0
      """, [PostgresValue(order)])
  }

  /// The products that `reserve` or `release` made unavailable or available.
  static func turned(_ rows: PostgresRows) throws(Problem) -> [ProductName] {
    var products: [ProductName] = []
    for row in rows where row.bool(2) {
      products.append(ProductName(id: try row.requiredIdentifier(0), name: row.string(1)))
    }
    return products
  }

  /// Counts the order and inserts it as pending, with the first line of its history. The counter's row stays locked
  /// until the commit, which is why this comes as late as it can.
  static func insert(
    _ order: PricedOrder, id: Identifier, restaurant: Identifier, customer: Identifier?, actor: Identifier
  ) -> Statement {
    let sums = order.pricing
    return Statement(
      """
      WITH counter AS (
        INSERT INTO app.order_counter AS given (restaurant_id, day, last)
        SELECT r.id, (statement_timestamp() AT TIME ZONE r.time_zone)::date, 1
        FROM app.restaurant AS r WHERE r.id = $2::uuid
        ON CONFLICT (restaurant_id, day) DO UPDATE SET last = given.last + 1
        RETURNING day, last
      ), placed AS (
        INSERT INTO app.order (id, restaurant_id, number, order_type, table_name, customer_id, note, currency,
          subtotal, vat, service_charge, discount, total)
        SELECT $1::uuid, $2::uuid, app.order_number(day, last), $3::text, $4::text, $5::uuid, $6::text, $7::text,
          $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint
        FROM counter
        RETURNING id, version, status
      )
      INSERT INTO app.order_history (order_id, version, to_status, actor)
      SELECT id, version, status, $13::uuid FROM placed
      """,
      [
        PostgresValue(id), PostgresValue(restaurant), .text(order.orderType.rawValue), PostgresValue(order.table),
        PostgresValue(customer), PostgresValue(order.note), .text(sums.total.currency.code),
        .integer(sums.subtotal.minorUnits), .integer(sums.vat.minorUnits), .integer(sums.serviceCharge.minorUnits),
        .integer(sums.discount.minorUnits), .integer(sums.total.minorUnits), PostgresValue(actor),
      ])
  }

  static func insert(
    _ lines: [(line: PricedLine, id: Identifier)], of order: Identifier, counted: Set<Identifier>
  ) -> Statement {
    Statement(
      """
      INSERT INTO app.order_item (id, order_id, position, product_id, name, quantity, unit_price, line_total,
        modifiers, note, station_id, reserved)
      SELECT id, $1::uuid, position - 1, product_id, name, quantity, unit_price, line_total, modifiers, note,
        station_id, CASE WHEN counted THEN quantity END
      FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::bigint[], $7::bigint[], $8::jsonb[],
          $9::text[], $10::uuid[], $11::boolean[])
        WITH ORDINALITY AS line (id, product_id, name, quantity, unit_price, line_total, modifiers, note, station_id,
          counted, position)
      """,
      [
        PostgresValue(order), PostgresValue(lines.map(\.id)), PostgresValue(lines.map(\.line.productID)),
        .textArray(lines.map(\.line.name)), .integerArray(lines.map { Int64($0.line.quantity) }),
        .integerArray(lines.map(\.line.unitPrice.minorUnits)), .integerArray(lines.map(\.line.lineTotal.minorUnits)),
        .textArray(lines.map { text(of: $0.line.modifiers) }), .textArray(lines.map(\.line.note)),
        .textArray(lines.map { $0.line.station?.description }),
        .textArray(lines.map { counted.contains($0.line.productID) ? "t" : "f" }),
      ])
  }

  private static func text(of modifiers: [String]) -> String {
    String(decoding: JSON.array(modifiers.map { .string($0) }).serialised(), as: UTF8.self)
  }
}
