// A running business for the tests of services: a database with every migration and the demo's people, and calls through
// the router and the command runner as the hub makes them, without sockets. Each test opens a restaurant of its own, so
// tests share the database and disturb each other no more than tenants do.
import Channels
import Crypto
import Domain
import EventLoop
import Postgres
import Protocol
import TestSupport

@testable import Hub

/// What a call was answered with, and the events that its transaction committed.
struct Reply: Sendable {
  let status: Int
  let body: JSON
  let events: [LogEvent]

  var id: String { body["id"]?.string ?? "" }
  var code: String? { body["code"]?.string }
  /// The fields of a validation's faults with their codes, as `items[0].quantity invalid_quantity`.
  var faults: [String] {
    (body["errors"]?.array ?? []).map { "\($0["field"]?.string ?? "?") \($0["code"]?.string ?? "?")" }
  }
  /// The names of the events of one kind of channel, in order.
  func events(on kind: String) -> [String] { events.filter { $0.channel.hasPrefix("\(kind):") }.map(\.name) }
  subscript(_ member: String) -> JSON? { body[member] }
}

actor Business {
  nonisolated let services: Services
  /// How to connect to its database.
  nonisolated let database: String
  private nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private let pool: PostgresPool
  private let router: Router

  /// The one that all tests share.
  static func shared() async throws -> Business { try await opened.value }
  private static let opened = Task { try await Business() }

  private init() async throws {
    database = try TestPostgres.makeDatabase()
    _ = try Migrator(connectionString: database, migrations: Migrations.all, digest: { sha256($0) }).run()
    let passwordLoop = try EventLoop(name: "passwords")
    passwordLoop.start()
    loop = try EventLoop(name: "business")
    loop.start()
    services = Services(
      tokens: TokenIssuer(key: HMACKey(Array("a secret of thirty-two characters".utf8).span.bytes)),
      passwords: PasswordWorker(loop: passwordLoop, hasher: try PasswordHasher()))
    pool = PostgresPool(
      loop: loop, connectionString: database, size: 8,
      options: PostgresOptions(parameters: [(name: "hub.notify", value: "off")]))
    var router = Router()
    router.addIdentity()
    router.addAccess()
    router.addRestaurants()
    router.addMenu()
    router.addOrders()
    router.addKitchen()
    router.addReceipts()
    self.router = router
    try await installDemo()
  }

  func installDemo() async throws { try await DemoData.install(pool, services: services) }

  /// The first column of the first row.
  func value(_ sql: String) async throws -> String {
    try await pool.query(Statement(sql))[0].string(0)
  }

  /// Acts on everything that is due now, as a node's engine does. Other tests do the same at the same time.
  func fireAll() async throws {
    let now = try await value("SELECT clock_timestamp()")
    let limit = ContinuousClock.now + .seconds(20)
    while try await value("SELECT count(*) FROM hub.deadline WHERE due_at <= '\(now)'") != "0" {
      guard ContinuousClock.now < limit else { throw SupportError("what is due has not been acted on") }
      _ = try await DeadlineQueries.fire(pool, most: Deadlines.batch)
    }
  }

  /// Stores receipts as a reactor does; answers the events.
  func store(_ receipts: [Receipts<ReceiptReader>.Entry]) async throws -> [LogEvent] {
    try await ReceiptsQueries.store(receipts, pool)
  }

  func call(_ method: String, _ target: String, _ body: JSON = .null, as caller: Caller?) async -> Reply {
    let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
    guard case .found(let route, let parameters) = router.match(method: method, path: "/api/v1" + parts[0]),
      let query = QueryParameters(parts.count == 2 ? parts[1] : nil)
    else { return Reply(status: 404, body: .null, events: []) }
    var request = Request(
      method: method, path: parts[0], query: query, body: body, caller: caller, idempotencyKey: nil, peer: "test",
      requestID: "test", services: services)
    request.parameters = parameters
    do throws(Problem) {
      switch route.handler {
      case .read(let handler):
        return reply(try await handler(request, PooledDatabase(pool)))
      case .command(let handler):
        let outcome = try await CommandRunner.run(request, handler, access: route.access, fingerprint: "", pool: pool)
        return reply(outcome.answer, outcome.events)
      }
    } catch {
      return Reply(status: error.status, body: (try? JSON.parse(error.document)) ?? .null, events: [])
    }
  }

  private func reply(_ answer: Answer, _ events: [LogEvent] = []) -> Reply {
    Reply(status: answer.status, body: (try? JSON.parse(answer.body)) ?? .null, events: events)
  }
}

/// A restaurant of one test's own with two stations and three products: a steak of the grill at 20.00, a salad of the cold
/// kitchen at 10.00, and a gift card at 5.00 that nobody cooks.
struct House: Sendable {
  let business: Business
  let id: String
  let steak: String
  let salad: String
  let card: String

  /// `settings` are further members of POST /restaurants.
  static func open(_ settings: [(String, JSON)] = []) async throws -> House {
    let business = try await Business.shared()
    let platform = Caller.of(.platformOwner)
    let members: [(String, JSON)] =
      [("name", "Test"), ("time_zone", "Europe/London"), ("currency", "GBP")] + settings
    let id = await business.call("POST", "/restaurants", JSON(members: members), as: platform).id
    let category = await business.call("POST", "/restaurants/\(id)/categories", ["name": "All"], as: platform).id
    func station(_ name: String) async -> JSON {
      .string(await business.call("POST", "/restaurants/\(id)/stations", ["name": .string(name)], as: platform).id)
    }
    func product(_ name: String, _ price: String, _ station: JSON) async -> String {
      await business.call(
        "POST", "/restaurants/\(id)/products",
        ["name": .string(name), "price": .string(price), "category_id": .string(category), "station_id": station],
        as: platform
      ).id
    }
    return House(
      business: business, id: id, steak: await product("Steak", "20.00", await station("Grill")),
      salad: await product("Salad", "10.00", await station("Cold")), card: await product("Card", "5.00", nil))
  }

  func caller(_ role: Role) -> Caller { .of(role, id) }

  func call(_ method: String, _ target: String, _ body: JSON = .null, as role: Role = .employee) async -> Reply {
    await business.call(method, target, body, as: caller(role))
  }

  /// Counts the stock of a product.
  func count(_ product: String, _ stock: Int64) async {
    _ = await call("PATCH", "/products/\(product)", ["stock": .integer(stock)], as: .manager)
  }

  /// Places an order of one of each.
  func place(_ products: String..., table: String = "12") async -> Reply {
    await call(
      "POST", "/orders",
      [
        "order_type": "dine_in", "table": .string(table),
        "items": .array(products.map { ["product_id": .string($0), "quantity": 1] }),
      ])
  }

  /// Places and confirms an order; answers its id and its tickets' in the order of the stations.
  func fire(_ products: String...) async -> (order: String, tickets: [String]) {
    let order = await call(
      "POST", "/orders",
      [
        "order_type": "takeaway", "items": .array(products.map { ["product_id": .string($0), "quantity": 1] }),
      ]
    ).id
    let confirmed = await call("POST", "/orders/\(order)/confirm")
    return (order, (confirmed["tickets"]?.array ?? []).map { $0["id"]?.string ?? "" })
  }

  func status(of order: String) async -> String? { await call("GET", "/orders/\(order)")["status"]?.string }
}

extension Caller {
  /// A caller of the role, in one restaurant or in none.
  static func of(_ role: Role, _ restaurant: String? = nil) -> Caller {
    Caller(
      userID: .fresh(), role: role, restaurants: restaurant.flatMap { Identifier($0) }.map { [$0] } ?? [],
      sessionID: nil, expires: .max)
  }
}
