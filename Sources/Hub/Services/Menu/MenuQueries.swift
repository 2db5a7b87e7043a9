// The SQL of menus and the decoding of its rows; nothing else of this service has SQL. Documents come from the views of
// 0003-restaurants.sql and pass through as bytes; an ETag is a hash of the text that is sent.
import Domain
import Postgres
import Protocol

enum MenuQueries {
  // MARK: Categories

  /// The constraint that two categories of one name break.
  static let categoryNames = "category_restaurant_id_name_key"

  /// Without a position it comes last; nothing is inserted when there is no such restaurant.
  static func insertCategory(
    _ id: Identifier, name: String, colour: String?, position: Int64?, in restaurant: Identifier
  ) -> Statement {
    Statement(
      """
      INSERT INTO app.category (id, restaurant_id, name, colour, position)
      SELECT $1::uuid, r.id, $3::text, $4::text, coalesce($5::integer,
        (SELECT coalesce(max(c.position) + 1, 0) FROM app.category AS c WHERE c.restaurant_id = r.id))
      FROM app.restaurant AS r WHERE r.id = $2::uuid
      """,
      [PostgresValue(id), PostgresValue(restaurant), .text(name), PostgresValue(colour), PostgresValue(position)])
  }

  // MARK: Products

  static func currency(of restaurant: Identifier, _ database: any Database) async throws(Problem) -> Currency? {
    let rows = try await database.rows(
      "SELECT currency FROM app.restaurant WHERE id = $1::uuid", [PostgresValue(restaurant)])
    guard let row = rows.first else { return nil }
    return try row.word(0)
  }

  static func exist(
    category: Identifier?, station: Identifier?, in restaurant: Identifier, _ database: any Database
  ) async throws(Problem) -> (category: Bool, station: Bool) {
    let row = try await database.rows(
      """
      SELECT EXISTS (SELECT FROM app.category WHERE restaurant_id = $1::uuid AND id = $2::uuid),
        EXISTS (SELECT FROM app.station WHERE restaurant_id = $1::uuid AND id = $3::uuid)
      """, [PostgresValue(restaurant), PostgresValue(category), PostgresValue(station)])[0]
    return (row.bool(0), row.bool(1))
  }

  static func insert(_ product: ProductRequest, id: Identifier, in restaurant: Identifier) -> Statement {
    Statement(
      """
      INSERT INTO app.product (id, restaurant_id, category_id, name, price, station_id, active, marked_out, stock)
      VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint, $6::uuid, coalesce($7::boolean, true),
        NOT coalesce($8::boolean, true), $9::integer)
      """,
      [
        PostgresValue(id), PostgresValue(restaurant), PostgresValue(product.category), PostgresValue(product.name),
        PostgresValue(product.price?.minorUnits), PostgresValue(product.station), PostgresValue(product.active),
        PostgresValue(product.available), PostgresValue(product.stock),
      ])
  }

  /// Answers with the name and whether it is available now.
  static func update(_ change: ProductRequest, of id: Identifier) -> Statement {
    Statement(
      """
      UPDATE app.product SET version = version + 1,
        category_id = coalesce($2::uuid, category_id), name = coalesce($3::text, name),
        price = coalesce($4::bigint, price), station_id = CASE WHEN $5::boolean THEN $6::uuid ELSE station_id END,
        active = coalesce($7::boolean, active), marked_out = NOT coalesce($8::boolean, NOT marked_out),
        stock = CASE WHEN $9::boolean THEN $10::integer ELSE stock END
      WHERE id = $1::uuid
      RETURNING name, available
      """,
      [
        PostgresValue(id), PostgresValue(change.category), PostgresValue(change.name),
        PostgresValue(change.price?.minorUnits), .boolean(change.namesStation), PostgresValue(change.station),
        PostgresValue(change.active), PostgresValue(change.available), .boolean(change.namesStock),
        PostgresValue(change.stock),
      ])
  }

  static func lock(
    _ id: Identifier, _ transaction: Transaction
  ) async throws(Problem) -> (restaurant: Identifier, currency: Currency, version: Int64, available: Bool)? {
    let rows = try await transaction.rows(
      """
      SELECT p.restaurant_id, r.currency, p.version, p.available
      FROM app.product AS p JOIN app.restaurant AS r ON r.id = p.restaurant_id
      WHERE p.id = $1::uuid FOR NO KEY UPDATE OF p
      """, [PostgresValue(id)])
    guard let row = rows.first else { return nil }
    return (try row.requiredIdentifier(0), try row.word(1), row.int64(2), row.bool(3))
  }

  // MARK: Telling

  static func publish(_ event: String, _ data: JSON, to channels: [String]) -> Statement {
    Statement(
      "SELECT hub.publish($1::text[], $2::text, $3::jsonb)",
      [.textArray(channels), .text(event), .json(data.serialised())])
  }

  /// Stages {"product": document}, and answers with the document.
  static func publishProduct(_ event: String, of product: Identifier, to channels: [String]) -> Statement {
    Statement(
      """
      SELECT document, hub.publish($1::text[], $2::text, jsonb_build_object('product', document))
      FROM app.product_view WHERE id = $3::uuid
      """, [.textArray(channels), .text(event), PostgresValue(product)])
  }

  /// Stages {"category": document}, and answers with the document.
  static func publishCategory(_ event: String, of category: Identifier, to channels: [String]) -> Statement {
    Statement(
      """
      SELECT document, hub.publish($1::text[], $2::text, jsonb_build_object('category', document))
      FROM app.category_view WHERE id = $3::uuid
      """, [.textArray(channels), .text(event), PostgresValue(category)])
  }

  // MARK: Reading

  static func menu(
    of restaurant: Identifier, _ database: any Database
  ) async throws(Problem) -> (document: [UInt8], digest: String)? {
    let rows = try await database.rows(
      """
      SELECT document, to_hex(hashtextextended(document::text, 0))
      FROM (SELECT app.menu_document($1::uuid) AS document OFFSET 0) AS menu
      WHERE document IS NOT NULL
      """, [PostgresValue(restaurant)])
    return rows.first.map { ($0.bytes(0), $0.string(1)) }
  }

  static func document(_ product: Identifier, _ database: any Database) async throws(Problem) -> [UInt8] {
    try await find(product, database)?.document ?? []
  }

  static func find(
    _ product: Identifier, _ database: any Database
  ) async throws(Problem) -> (restaurant: Identifier, document: [UInt8], digest: String)? {
    let rows = try await database.rows(
      """
      SELECT restaurant_id, document, to_hex(hashtextextended(document::text, 0))
      FROM (SELECT restaurant_id, document FROM app.product_view WHERE id = $1::uuid OFFSET 0) AS found
      """, [PostgresValue(product)])
    guard let row = rows.first else { return nil }
    return (try row.requiredIdentifier(0), row.bytes(1), row.string(2))
  }

  /// As (id, null, document) in the order of their ids, inactive ones too: this list is for those who edit.
  static func list(
    in restaurant: Identifier, category: Identifier?, _ page: Page, _ database: any Database
  ) async throws(Problem) -> PostgresRows {
    try await database.rows(
      """
      SELECT id, NULL, document FROM app.product_view
      WHERE restaurant_id = $1::uuid AND ($2::uuid IS NULL OR category_id = $2::uuid)
        AND id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
      ORDER BY id LIMIT $4::integer
      """, [PostgresValue(restaurant), PostgresValue(category), page.id, page.fetched])
  }
}
