// The menu: categories, products, what is out (domain.md §2). Orders take stock by themselves (OrdersService); here
// people edit, and say what is out or back.
import Domain
import Postgres
import Protocol

enum MenuService {
  static func addCategory(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .editMenu)
    var fields = Fields(request.body)
    let name = fields.name("name", required: true)
    let colour = fields.text("colour")?.lowercased()
    if let colour, !isColour(colour) { fields.refuse("colour", "invalid_colour", "Write it as #rrggbb.") }
    let position = fields.integer("position", in: 0...9999)
    try fields.check()
    let id = request.services.newIdentifier()
    do throws(Problem) {
      let results = try await transaction.batch([
        MenuQueries.insertCategory(id, name: name ?? "", colour: colour, position: position, in: restaurant),
        MenuEvents.categoryAdded(id, in: restaurant),
      ])
      guard let row = results[1].first else { throw .notFound("The restaurant") }
      return .created(row.bytes(0), location: "/api/v1/restaurants/\(restaurant)/menu")
    } catch {
      throw error.constraint == MenuQueries.categoryNames
        ? .conflict("name_taken", "The menu has a category of this name.") : error
    }
  }

  static func addProduct(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .editMenu)
    guard let currency = try await MenuQueries.currency(of: restaurant, transaction) else {
      throw .notFound("The restaurant")
    }
    var fields = Fields(request.body)
    let product = ProductRequest(&fields, in: currency, isNew: true)
    try await check(product, in: restaurant, &fields, transaction)
    let id = request.services.newIdentifier()
    let results = try await transaction.batch([
      MenuQueries.insert(product, id: id, in: restaurant), MenuEvents.productChanged(id, in: restaurant),
    ])
    return .created(results[1][0].bytes(0), location: "/api/v1/products/\(id)")
  }

  static func changeProduct(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The product")
    guard let current = try await MenuQueries.lock(id, transaction) else { throw .notFound("The product") }
    var fields = Fields(request.body)
    let version = fields.version()
    let change = ProductRequest(&fields, in: current.currency, isNew: false)
    try request.require(
      change.isAvailabilityOnly ? .changeAvailability : .editMenu, in: current.restaurant, of: "The product")
    if let version, version != current.version {
      throw .stale("The product", current: try await MenuQueries.document(id, transaction))
    }
    try await check(change, in: current.restaurant, &fields, transaction)
    let results = try await transaction.batch([
      MenuQueries.update(change, of: id), MenuEvents.productChanged(id, in: current.restaurant),
    ])
    guard let updated = results[0].first else { throw .notFound("The product") }
    let isAvailable = updated.bool(1)
    if isAvailable != current.available {
      _ = try await transaction.batch([
        MenuEvents.turned(
          ProductName(id: id, name: updated.string(0)), isAvailable: isAvailable, in: current.restaurant)
      ])
    }
    return .ok(results[1][0].bytes(0))
  }

  /// Adds the faults that only the database knows, and throws all.
  private static func check(
    _ product: ProductRequest, in restaurant: Identifier, _ fields: inout Fields, _ transaction: Transaction
  ) async throws(Problem) {
    let exists = try await MenuQueries.exist(
      category: product.category, station: product.station, in: restaurant, transaction)
    if product.category != nil, !exists.category {
      fields.refuse("category_id", "category_not_found", "The restaurant has no such category.")
    }
    if product.station != nil, !exists.station {
      fields.refuse("station_id", "station_not_found", "The restaurant has no such station.")
    }
    try fields.check()
  }

  private static func isColour(_ text: String) -> Bool {
    text.utf8.count == 7 && text.hasPrefix("#") && text.dropFirst().allSatisfy(\.isHexDigit)
  }

  // MARK: Looking

  static func menu(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .viewMenu)
    guard let found = try await MenuQueries.menu(of: restaurant, database) else { throw .notFound("The restaurant") }
    return tagged(found.document, found.digest, request)
  }

  static func product(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The product")
    guard let found = try await MenuQueries.find(id, database) else { throw .notFound("The product") }
    try request.require(.viewMenu, in: found.restaurant, of: "The product")
    return tagged(found.document, found.digest, request)
  }

  static func products(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.restaurant(for: .viewMenu)
    let page = try Page(request.query)
    let category = request.query["category_id"].flatMap { Identifier($0) }
    if category == nil, request.query["category_id"] != nil {
      throw .validation([FieldFault(field: "category_id", code: "invalid_id", detail: "A UUID is needed.")])
    }
    return try page.answer(try await MenuQueries.list(in: restaurant, category: category, page, database))
  }

  /// The document with its ETag, or 304 when the client has it.
  private static func tagged(_ document: [UInt8], _ digest: String, _ request: Request) -> Answer {
    let tag = "\"\(digest)\""
    return request.has(tag)
      ? Answer(status: 304, body: [], headers: [("ETag", tag)])
      : Answer(status: 200, body: document, headers: [("ETag", tag)])
  }
}
