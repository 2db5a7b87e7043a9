// How the evening gets in: the demo restaurant by its users' passwords, further restaurants opened over the API with a
// platform owner's token made from the data folder's secret.
import Domain
import EventLoop
import Protocol

enum Doors {
  /// A restaurant with the tokens to work in it.
  struct Door: Sendable {
    let restaurant: String
    let tillToken: String
    let kitchenToken: String
    let products: [String]
    /// Tells this evening's idempotency keys from another's.
    let run: String
  }

  static func open(_ plan: Evening.Plan, _ address: SocketAddress, _ loop: EventLoop) async throws -> [Door] {
    let client = try HubClient(loop: loop, address: address)
    try await client.connect()
    defer { client.close() }
    let run = String(MonotonicTime.now().nanoseconds)
    if plan.restaurants == 1 {
      let till = try await signIn(client, DemoData.users[2])
      let kitchen = try await signIn(client, DemoData.users[3])
      let id = DemoData.restaurant
      return [
        Door(
          restaurant: id, tillToken: till, kitchenToken: kitchen,
          products: try await products(client, id, till), run: run)
      ]
    }
    let issuer = TokenIssuer(key: try Secret.key(at: plan.secretFile))
    let now = wallClockMicroseconds() / 1_000_000
    func token(_ role: Role, _ restaurants: [Identifier]) -> String {
      let caller = Caller(
        userID: .fresh(), role: role, restaurants: restaurants, sessionID: nil, expires: now + 24 * 3600)
      return issuer.issue(.access, for: caller, now: now)
    }
    let platform = token(.platformOwner, [])
    var doors: [Door] = []
    for number in 1...plan.restaurants {
      let id = try await openRestaurant(client, number, platform)
      guard let identifier = Identifier(id) else { throw ClientError("the hub gave the restaurant no UUID") }
      doors.append(
        Door(
          restaurant: id, tillToken: token(.till, [identifier]), kitchenToken: token(.kitchen, [identifier]),
          products: try await products(client, id, platform), run: run))
    }
    return doors
  }

  private static func signIn(_ client: HubClient, _ email: String) async throws -> String {
    let answer = try await call(
      client, "POST", "/api/v1/auth/login", nil,
      JSON(members: [("email", .string(email)), ("password", .string(DemoData.password))]))
    guard let token = answer["access_token"]?.string else { throw ClientError("\(email) could not sign in") }
    return token
  }

  private static func openRestaurant(_ client: HubClient, _ number: Int, _ token: String) async throws -> String {
    func create(_ path: String, _ members: [(String, JSON)]) async throws -> String {
      let answer = try await call(client, "POST", path, token, JSON(members: members))
      guard let id = answer["id"]?.string else { throw ClientError("POST \(path) gave no id") }
      return id
    }
    let restaurant = try await create(
      "/api/v1/restaurants",
      [
        ("name", .string("Evening \(number)")), ("time_zone", .string("Europe/London")), ("currency", .string("GBP")),
      ])
    let category = try await create("/api/v1/restaurants/\(restaurant)/categories", [("name", .string("Mains"))])
    for name in ["Grill", "Cold"] {
      let station = try await create("/api/v1/restaurants/\(restaurant)/stations", [("name", .string(name))])
      for dish in 1...4 {
        _ = try await create(
          "/api/v1/restaurants/\(restaurant)/products",
          [
            ("name", .string("\(name) dish \(dish)")), ("price", .string("\(8 + dish).50")),
            ("category_id", .string(category)), ("station_id", .string(station)),
          ])
      }
    }
    return restaurant
  }

  private static func products(_ client: HubClient, _ restaurant: String, _ token: String) async throws -> [String] {
    let menu = try await call(client, "GET", "/api/v1/restaurants/\(restaurant)/menu", token, nil)
    let products = (menu["categories"]?.array ?? []).flatMap { $0["products"]?.array ?? [] }
      .filter { $0["available"]?.bool == true && $0["station_id"]?.string != nil && $0["stock"]?.int64 == nil }
      .compactMap { $0["id"]?.string }
    guard !products.isEmpty else { throw ClientError("the restaurant \(restaurant) has nothing to sell") }
    return products
  }

  private static func call(
    _ client: HubClient, _ method: String, _ path: String, _ token: String?, _ body: JSON?
  ) async throws -> JSON {
    let response = try await client.request(method, path, token: token, body: body)
    let document = (try? JSON.parse(response.body)) ?? .null
    guard (200..<300).contains(response.head.status) else {
      throw ClientError("\(method) \(path): \(response.head.status) \(document["detail"]?.string ?? "")")
    }
    return document
  }
}
