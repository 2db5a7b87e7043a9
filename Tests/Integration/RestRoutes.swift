// Every route of the API and who may use it in a restaurant, for the tests that try each of them. A test compares the
// table with the sources, so a route that is added there must get its row here.
import Foundation

struct RestRoute: Sendable, CustomStringConvertible {
  let method: String
  /// As it is registered, without `/api/v1/`.
  let pattern: String
  /// The roles that may, in their own restaurant; `platform_owner` may in every one where it is named.
  let roles: Set<String>
  /// A body that is well-formed, with {names} to be filled in.
  var body: String?
  /// What comes behind the path, with {names} to be filled in.
  var query = ""
  /// Whether the route is about one restaurant, so that another one's ids are 404.
  var isTenants = true

  var description: String { "\(method) \(pattern)" }

  /// The path with the ids of a house, and of an order and a ticket of it.
  func path(_ names: [String: String]) -> String { Self.fill(pattern + query, names) }

  func body(_ names: [String: String]) -> String? { body.map { Self.fill($0, names) } }

  private static func fill(_ text: String, _ names: [String: String]) -> String {
    names.reduce(text) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
  }

  private static let office: Set<String> = ["platform_owner", "restaurant_owner", "manager"]
  private static let tills = office.union(["employee", "till"])
  private static let cooks = office.union(["employee", "kitchen"])
  static let everybody = tills.union(cooks)

  /// Routes that anyone may call: signing in and out.
  static let open = [
    "POST auth/login", "POST auth/refresh", "POST auth/logout", "POST /api/auth/login", "POST /api/auth/refresh",
    "POST /api/auth/logout",
  ]

  /// Routes about one's own session, and those that would take the shared restaurant from under the other tests: they
  /// are tried in AccessRouteTests.
  static let apart = [
    "DELETE auth/sessions/{session}", "POST restaurants/{id}/suspend", "POST restaurants/{id}/resume",
  ]

  private static let owners: Set<String> = ["platform_owner", "restaurant_owner"]

  static let all: [RestRoute] = [
    RestRoute(method: "GET", pattern: "auth/me", roles: everybody.union(["ramp"]), isTenants: false),
    RestRoute(method: "GET", pattern: "auth/sessions", roles: everybody.union(["ramp"]), isTenants: false),
    RestRoute(method: "PATCH", pattern: "users/{member}", roles: owners, body: #"{"role":"manager"}"#),
    RestRoute(method: "DELETE", pattern: "restaurants/{id}/members/{member}", roles: owners),
    RestRoute(method: "DELETE", pattern: "devices/{device}", roles: office),
    RestRoute(method: "GET", pattern: "restaurants", roles: everybody, isTenants: false),
    RestRoute(
      method: "POST", pattern: "restaurants", roles: ["platform_owner"],
      body: #"{"name":"Another","time_zone":"UTC","currency":"GBP"}"#, isTenants: false),
    RestRoute(method: "GET", pattern: "restaurants/{id}", roles: everybody),
    RestRoute(method: "PATCH", pattern: "restaurants/{id}", roles: office, body: #"{"name":"Renamed"}"#),
    RestRoute(method: "GET", pattern: "restaurants/{id}/stations", roles: everybody),
    RestRoute(method: "POST", pattern: "restaurants/{id}/stations", roles: office, body: #"{"name":"S {unique}"}"#),
    RestRoute(method: "GET", pattern: "restaurants/{id}/menu", roles: everybody),
    RestRoute(method: "POST", pattern: "restaurants/{id}/categories", roles: office, body: #"{"name":"C {unique}"}"#),
    RestRoute(method: "GET", pattern: "restaurants/{id}/products", roles: everybody),
    RestRoute(
      method: "POST", pattern: "restaurants/{id}/products", roles: office,
      body: #"{"name":"New","price":"1.00","category_id":"{category}"}"#),
    RestRoute(method: "GET", pattern: "products/{product}", roles: everybody),
    RestRoute(method: "PATCH", pattern: "products/{product}", roles: office, body: #"{"price":"10.00"}"#),
    RestRoute(method: "PATCH", pattern: "products/{product}", roles: everybody, body: #"{"available":true}"#),
    RestRoute(
      method: "POST", pattern: "orders", roles: tills,
      body: #"{"restaurant_id":"{id}","order_type":"takeaway","items":[{"product_id":"{product}","quantity":1}]}"#),
    RestRoute(method: "GET", pattern: "orders", roles: tills, query: "?restaurant_id={id}"),
    RestRoute(method: "GET", pattern: "orders/today", roles: tills, query: "?restaurant_id={id}"),
    RestRoute(method: "GET", pattern: "orders/{order}", roles: tills),
    RestRoute(method: "GET", pattern: "orders/{order}/history", roles: tills),
    RestRoute(method: "POST", pattern: "orders/{order}/confirm", roles: tills),
    RestRoute(method: "POST", pattern: "orders/{order}/prepare", roles: tills),
    RestRoute(method: "POST", pattern: "orders/{order}/ready", roles: tills),
    RestRoute(method: "POST", pattern: "orders/{order}/complete", roles: tills),
    RestRoute(method: "POST", pattern: "orders/{order}/cancel", roles: tills, body: #"{"reason":"test"}"#),
    RestRoute(method: "DELETE", pattern: "orders/{order}", roles: tills),
    RestRoute(method: "GET", pattern: "tickets", roles: everybody, query: "?restaurant_id={id}&open=true"),
    RestRoute(method: "GET", pattern: "tickets/{ticket}", roles: everybody),
    RestRoute(method: "POST", pattern: "tickets/{ticket}/start", roles: cooks),
    RestRoute(method: "POST", pattern: "tickets/{ticket}/bump", roles: cooks),
    RestRoute(method: "POST", pattern: "tickets/{ticket}/recall", roles: cooks),
    RestRoute(method: "POST", pattern: "tickets/{ticket}/void-seen", roles: cooks),
    channel("restaurant", "", office), channel("kitchen", "", cooks.subtracting(["platform_owner"])),
    channel("pos", "", tills.subtracting(["platform_owner"])),
    channel("payments", "", tills.subtracting(["platform_owner"])),
    channel("restaurant", "/events", office), channel("kitchen", "/events", cooks.subtracting(["platform_owner"])),
    channel("pos", "/events", tills.subtracting(["platform_owner"])),
    channel("payments", "/events", tills.subtracting(["platform_owner"])),
    channel("restaurant", "/presence", office), channel("kitchen", "/presence", cooks.subtracting(["platform_owner"])),
    channel("kitchen", "/receipts", office), channel("pos", "/receipts", office),
    RestRoute(
      method: "POST", pattern: "channels/restaurant:{id}/events", roles: ["platform_owner"],
      body: #"{"event":"test.told","data":{"n":1}}"#),
    RestRoute(
      method: "POST", pattern: "channels/kitchen:{id}/events", roles: ["platform_owner"],
      body: #"{"event":"test.told","data":{}}"#),
    RestRoute(method: "GET", pattern: "channels/platform", roles: ["platform_owner"], isTenants: false),
  ]

  /// wire.md §1: who may hear a channel may read it.
  private static func channel(_ kind: String, _ behind: String, _ roles: Set<String>) -> RestRoute {
    RestRoute(method: "GET", pattern: "channels/\(kind):{id}\(behind)", roles: roles)
  }
}
