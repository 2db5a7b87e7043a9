// Restaurants and their stations (domain.md §2): opened by the platform's owner, changed by their own owners and
// managers.
import Domain
import Postgres
import Protocol

enum RestaurantsService {
  static func open(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    guard try request.signedIn.mayOnPlatform(.createRestaurants) else { throw .forbidden() }
    var fields = Fields(request.body)
    let settings = RestaurantSettings(&fields, isNew: true)
    try fields.check()
    try await checkZone(settings, transaction)
    let id = request.services.newIdentifier()
    let results = try await transaction.batch([
      RestaurantsQueries.insert(settings, id: id), RestaurantsEvents.opened(id),
    ])
    return .created(results[1][0].bytes(0), location: "/api/v1/restaurants/\(id)")
  }

  static func change(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let id = try request.restaurant(for: .editRestaurant)
    var fields = Fields(request.body)
    let version = fields.version()
    let settings = RestaurantSettings(&fields, isNew: false)
    guard let current = try await RestaurantsQueries.lock(id, transaction) else { throw .notFound("The restaurant") }
    if let version, version != current.version {
      throw .stale("The restaurant", current: try await RestaurantsQueries.document(id, transaction))
    }
    if let currency = settings.currency, currency.code != current.currency {
      fields.refuse("currency", "currency_fixed", "Prices are in \(current.currency); a restaurant keeps its currency.")
    }
    // Suspending is the platform's right, since a suspended restaurant takes no orders.
    if let active = settings.active, active != current.active, try !request.signedIn.mayOnPlatform(.createRestaurants) {
      throw .forbidden("Only the platform's owner suspends and resumes restaurants.")
    }
    try fields.check()
    try await checkZone(settings, transaction)
    let isTurned = settings.active.map { $0 != current.active } ?? false
    let results = try await transaction.batch([
      RestaurantsQueries.update(settings, of: id),
      isTurned ? RestaurantsQueries.documentStatement(id) : RestaurantsEvents.changed(id),
    ])
    return .ok(results[1][0].bytes(0))
  }

  /// Postgres refuses a zone that it does not have (22023 invalid_parameter_value).
  private static func checkZone(_ settings: RestaurantSettings, _ transaction: Transaction) async throws(Problem) {
    guard let timeZone = settings.timeZone else { return }
    do throws(Problem) {
      try await RestaurantsQueries.use(timeZone: timeZone, transaction)
    } catch {
      guard error.sqlState == "22023" else { throw error }
      throw .validation([
        FieldFault(field: "time_zone", code: "invalid_time_zone", detail: "There is no time zone of this name.")
      ])
    }
  }

  static func addStation(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .editRestaurant)
    var fields = Fields(request.body)
    let name = fields.name("name", required: true)
    let position = fields.integer("position", in: 0...9999)
    try fields.check()
    let id = request.services.newIdentifier()
    do throws(Problem) {
      let results = try await transaction.batch([
        RestaurantsQueries.insertStation(id, name: name ?? "", position: position, in: restaurant),
        RestaurantsEvents.stationAdded(id, in: restaurant),
      ])
      guard let row = results[1].first else { throw .notFound("The restaurant") }
      return .created(row.bytes(0), location: "/api/v1/restaurants/\(restaurant)/stations")
    } catch {
      throw error.constraint == RestaurantsQueries.stationNames
        ? .conflict("name_taken", "The restaurant has a station of this name.") : error
    }
  }

  // MARK: Looking

  static func list(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let caller = try request.signedIn
    guard caller.role.permissions.contains(.viewRestaurant) else { throw .forbidden() }
    let page = try Page(request.query)
    let own = caller.role == .platformOwner ? nil : caller.restaurants
    return try page.answer(try await RestaurantsQueries.list(own, page, database))
  }

  static func get(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let id = try request.restaurant(for: .viewRestaurant)
    let document = try await RestaurantsQueries.document(id, database)
    guard !document.isEmpty else { throw .notFound("The restaurant") }
    return .ok(document)
  }

  static func stations(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .viewRestaurant)
    return Page.answer(whole: try await RestaurantsQueries.stations(of: restaurant, database), document: 0)
  }
}
