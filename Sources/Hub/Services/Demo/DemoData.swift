// The restaurant that `hub serve --demo` opens: somewhere to sell and cook at once, and people to do it. Installing is
// idempotent: what is there stays as it is, also when somebody has changed it since. Ids are fixed, so that pages,
// scripts and tests can name them.
import Domain
package import Postgres

package enum DemoData {
  package static let restaurant = "01900000-0000-7000-8000-000000000001"
  package static let password = "demo-demo-demo"
  /// Owner, manager, waiter, kitchen.
  package static let users = people.map(\.email)

  static let people = [
    DemoPerson(number: 1, email: "owner@demo.test", name: "Olivia Owner", role: .restaurantOwner),
    DemoPerson(number: 2, email: "manager@demo.test", name: "Martin Manager", role: .manager),
    DemoPerson(number: 3, email: "waiter@demo.test", name: "Wanda Waiter", role: .employee),
    DemoPerson(number: 4, email: "kitchen@demo.test", name: "Kit Kitchen", role: .employee),
  ]

  /// Makes what is missing. All of it is one implicit transaction: it is there whole or not at all.
  package static func install(_ pool: PostgresPool, services: Services) async throws {
    let database = PooledDatabase(pool)
    guard try await !DemoQueries.isInstalled(database) else { return }
    // One password, so one hash for all of them: a hash costs tens of milliseconds.
    let hash = try await services.passwords.hash(password)
    _ = try await database.batch(
      [DemoQueries.insertRestaurant()] + DemoQueries.insertMenu(DemoMenu.categories, stations: DemoMenu.stations)
        + DemoQueries.insertPeople(people, passwordHash: hash))
  }
}

/// Somebody who works at the demo restaurant.
struct DemoPerson {
  let number: Int
  let email: String
  let name: String
  let role: Role
}
