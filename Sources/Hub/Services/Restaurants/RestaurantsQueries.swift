// The SQL of restaurants and stations and the decoding of its rows; nothing else of this service has SQL. Documents
// come from the views of 0003-restaurants.sql and pass through as bytes.
import Domain
import Postgres

enum RestaurantsQueries {
  // MARK: Restaurants

  static func insert(_ settings: RestaurantSettings, id: Identifier) -> Statement {
    Statement(
      """
      INSERT INTO app.restaurant (id, name, time_zone, currency, vat_rate, vat_enabled, prices_include_vat,
        service_rate, service_enabled, active, unseen_seconds)
      VALUES ($1::uuid, $2::text, $3::text, $4::text, coalesce($5::numeric, 0.2), coalesce($6::boolean, true),
        coalesce($7::boolean, false), coalesce($8::numeric, 0.125), coalesce($9::boolean, true),
        coalesce($10::boolean, true), coalesce($11::integer, 10))
      """, values(settings, id))
  }

  static func update(_ settings: RestaurantSettings, of id: Identifier) -> Statement {
    Statement(
      """
      UPDATE app.restaurant SET version = version + 1,
        name = coalesce($2::text, name), time_zone = coalesce($3::text, time_zone),
        currency = coalesce($4::text, currency), vat_rate = coalesce($5::numeric, vat_rate),
        vat_enabled = coalesce($6::boolean, vat_enabled),
        prices_include_vat = coalesce($7::boolean, prices_include_vat),
        service_rate = coalesce($8::numeric, service_rate), service_enabled = coalesce($9::boolean, service_enabled),
        active = coalesce($10::boolean, active), unseen_seconds = coalesce($11::integer, unseen_seconds)
      WHERE id = $1::uuid
      """, values(settings, id))
  }

  private static func values(_ settings: RestaurantSettings, _ id: Identifier) -> [PostgresValue] {
    [
      PostgresValue(id), PostgresValue(settings.name), PostgresValue(settings.timeZone),
      PostgresValue(settings.currency?.code), PostgresValue(settings.vatRate?.description),
      PostgresValue(settings.vatEnabled), PostgresValue(settings.pricesIncludeVAT),
      PostgresValue(settings.serviceRate?.description), PostgresValue(settings.serviceEnabled),
      PostgresValue(settings.active), PostgresValue(settings.unseenSeconds),
    ]
  }

  /// Fails when Postgres has no such zone.
  static func use(timeZone: String, _ database: any Database) async throws(Problem) {
    _ = try await database.rows("SELECT now() AT TIME ZONE $1::text", [.text(timeZone)])
  }

  static func lock(
    _ id: Identifier, _ transaction: Transaction
  ) async throws(Problem) -> (version: Int64, currency: String, active: Bool)? {
    let rows = try await transaction.rows(
      "SELECT version, currency, active FROM app.restaurant WHERE id = $1::uuid FOR NO KEY UPDATE",
      [PostgresValue(id)])
    return rows.first.map { ($0.int64(0), $0.string(1), $0.bool(2)) }
  }

  static func publish(_ event: String, of restaurant: Identifier, to channels: [String]) -> Statement {
    Statement(
      """
      SELECT document, hub.publish($1::text[], $2::text, document) FROM app.restaurant_view WHERE id = $3::uuid
      """, [.textArray(channels), .text(event), PostgresValue(restaurant)])
  }

  static func documentStatement(_ id: Identifier) -> Statement {
    Statement("SELECT app.restaurant_document($1::uuid)", [PostgresValue(id)])
  }

  /// Empty when there is no such restaurant.
  static func document(_ id: Identifier, _ database: any Database) async throws(Problem) -> [UInt8] {
    try await database.rows(documentStatement(id))[0].bytes(0)
  }

  /// As (id, null, document) in the order of their ids; `own` is nil for somebody who sees all.
  static func list(_ own: [Identifier]?, _ page: Page, _ database: any Database) async throws(Problem) -> PostgresRows {
    try await database.rows(
      """
      SELECT id, NULL, document FROM app.restaurant_view
      WHERE ($1::uuid[] IS NULL OR id = ANY ($1::uuid[])) AND ($2::uuid IS NULL OR id > $2::uuid)
      ORDER BY id LIMIT $3::integer
      """, [own.map { PostgresValue($0) } ?? .null, page.id, page.fetched])
  }

  // MARK: Stations

  /// The constraint that two stations of one name break.
  static let stationNames = "station_restaurant_id_name_key"

  /// Without a position it comes last; nothing is inserted when there is no such restaurant.
  static func insertStation(
    _ id: Identifier, name: String, position: Int64?, in restaurant: Identifier
  ) -> Statement {
    Statement(
      """
      INSERT INTO app.station (id, restaurant_id, name, position)
      SELECT $1::uuid, r.id, $3::text, coalesce($4::integer,
        (SELECT coalesce(max(s.position) + 1, 0) FROM app.station AS s WHERE s.restaurant_id = r.id))
      FROM app.restaurant AS r WHERE r.id = $2::uuid
      """, [PostgresValue(id), PostgresValue(restaurant), .text(name), PostgresValue(position)])
  }

  static func publishStation(_ event: String, of station: Identifier, to channels: [String]) -> Statement {
    Statement(
      "SELECT document, hub.publish($1::text[], $2::text, document) FROM app.station_view WHERE id = $3::uuid",
      [.textArray(channels), .text(event), PostgresValue(station)])
  }

  static func stations(of restaurant: Identifier, _ database: any Database) async throws(Problem) -> PostgresRows {
    try await database.rows(
      "SELECT document FROM app.station_view WHERE restaurant_id = $1::uuid ORDER BY position, name",
      [PostgresValue(restaurant)])
  }
}
