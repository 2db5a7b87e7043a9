// The SQL of the demo data. Every id is the restaurant's with other last digits: stations from 100, categories from
// 200, products from 300 and people from 400, hexadecimal. ON CONFLICT DO NOTHING makes each statement safe to repeat.
import Domain
import Postgres

enum DemoQueries {
  static func isInstalled(_ database: any Database) async throws(Problem) -> Bool {
    let rows = try await database.rows(
      """
      SELECT EXISTS (SELECT FROM app.restaurant WHERE id = $1::uuid)
        AND (SELECT count(*) FROM app.user WHERE email = ANY ($2::text[])) = cardinality($2::text[])
      """, [.text(DemoData.restaurant), .textArray(DemoData.users)])
    return rows[0].bool(0)
  }

  static func insertRestaurant() -> Statement {
    Statement(
      """
      INSERT INTO app.restaurant (id, name, time_zone, currency)
      VALUES ($1::uuid, 'Demo Bistro', 'Europe/London', 'GBP') ON CONFLICT DO NOTHING
      """, [.text(DemoData.restaurant)])
  }

  static func insertMenu(_ categories: [DemoCategory], stations: [DemoMenu.Station]) -> [Statement] {
    let stationIDs = Dictionary(uniqueKeysWithValues: stations.enumerated().map { ($1, id(0x100, $0)) })
    let products = categories.enumerated().flatMap { number, category in
      category.products.map { (category: id(0x200, number), product: $0) }
    }
    return [
      Statement(
        """
        INSERT INTO app.station (id, restaurant_id, name, position)
        SELECT id, $1::uuid, name, position - 1
        FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS station (id, name, position) ON CONFLICT DO NOTHING
        """,
        [
          .text(DemoData.restaurant), .textArray(stations.map { stationIDs[$0] }),
          .textArray(stations.map(\.rawValue)),
        ]),
      Statement(
        """
        INSERT INTO app.category (id, restaurant_id, name, colour, position)
        SELECT id, $1::uuid, name, colour, position - 1
        FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS category (id, name, colour, position)
        ON CONFLICT DO NOTHING
        """,
        [
          .text(DemoData.restaurant), .textArray(categories.indices.map { id(0x200, $0) }),
          .textArray(categories.map(\.name)), .textArray(categories.map(\.colour)),
        ]),
      Statement(
        """
        INSERT INTO app.product (id, restaurant_id, category_id, name, price, station_id)
        SELECT product.id, $1::uuid, category_id, name, price, station_id
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::uuid[])
          AS product (id, category_id, name, price, station_id)
        ON CONFLICT DO NOTHING
        """,
        [
          .text(DemoData.restaurant), .textArray(products.indices.map { id(0x300, $0) }),
          .textArray(products.map(\.category)), .textArray(products.map(\.product.name)),
          .integerArray(products.map(\.product.price)), .textArray(products.map { stationIDs[$0.product.station] }),
        ]),
    ]
  }

  static func insertPeople(_ people: [DemoPerson], passwordHash: String) -> [Statement] {
    [
      Statement(
        """
        INSERT INTO app.user (id, email, name, role, password_hash)
        SELECT id, email, name, role, $5::text
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS person (id, email, name, role)
        ON CONFLICT DO NOTHING
        """,
        [
          .textArray(people.map { id(0x400, $0.number) }), .textArray(people.map(\.email)),
          .textArray(people.map(\.name)), .textArray(people.map(\.role.rawValue)), .text(passwordHash),
        ]),
      // By address: an account that was there already, with an id of its own, works here as well.
      Statement(
        """
        INSERT INTO app.membership (user_id, restaurant_id)
        SELECT u.id, $1::uuid FROM app.user AS u WHERE u.email = ANY ($2::text[]) ON CONFLICT DO NOTHING
        """, [.text(DemoData.restaurant), .textArray(people.map(\.email))]),
    ]
  }

  private static func id(_ kind: Int, _ number: Int) -> String {
    let digits = String(kind + number, radix: 16)
    return DemoData.restaurant.dropLast(digits.count) + digits
  }
}
