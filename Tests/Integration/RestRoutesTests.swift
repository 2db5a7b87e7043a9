// Each route of the API, tried by each role, by nobody, and with another restaurant's ids (domain.md §1: permission is
// asked in one place, and what is another's looks as if it did not exist).
import Foundation
import Testing
import TestSupport

@Suite struct RestRoutesTests {
  /// For tests that leave its rows alone or bring their own order.
  private static let common = Result { try RestHouse(at: RestHub.shared) }

  /// The ids that fill a route's pattern; every call gets an order, a ticket, a colleague and a device of its own, so that
  /// no row depends on what an earlier one did.
  private func names(_ house: RestHouse) throws -> [String: String] {
    let (member, device) = (UUID().uuidString.lowercased(), UUID().uuidString.lowercased())
    try house.shared.foreign().execute(
      """
      INSERT INTO app.user (id, email, name, role, password_hash)
      VALUES ('\(member)', '\(member)@demo.test', 'Colleague', 'employee', 'x');
      INSERT INTO app.membership (user_id, restaurant_id) VALUES ('\(member)', '\(house.id)');
      INSERT INTO app.device (id, restaurant_id, kind, name) VALUES ('\(device)', '\(house.id)', 'till', 'Till')
      """)
    let order = try house.order([house.burger], then: ["confirm"])
    return [
      "id": house.id, "product": house.burger, "category": house.category, "order": order["id"].string ?? "",
      "ticket": order["tickets"][0]["id"].string ?? "", "unique": UUID().uuidString, "member": member,
      "device": device,
    ]
  }

  private func call(
    _ route: RestRoute, _ names: [String: String], as token: String?, at house: RestHouse
  ) throws -> RawAnswer {
    try house.hub.request(
      route.method, "/api/v1/" + route.path(names), token: token, body: route.body(names))
  }

  @Test(arguments: RestRoute.all)
  func `A route serves exactly its roles in their own restaurant`(route: RestRoute) throws {
    let house = try Self.common.get()
    for role in RestHouse.roles + ["platform_owner"] {
      let token = role == "platform_owner" ? house.platform : house.tokens[role]
      let answer = try call(route, names(house), as: token, at: house)
      if route.roles.contains(role) {
        #expect(
          answer.status < 500 && ![400, 401, 403, 404, 405, 422].contains(answer.status), "\(role): \(answer.text)")
      } else {
        expectProblem(answer, 403, "forbidden", role)
      }
    }
  }

  @Test(arguments: RestRoute.all)
  func `A route answers 401 to nobody and to a token that is none`(route: RestRoute) throws {
    let house = try Self.common.get()
    let names = try names(house)
    let nobody = try call(route, names, as: nil, at: house)
    expectProblem(nobody, 401, "unauthorized")
    #expect(nobody.header("WWW-Authenticate") == "Bearer")
    let stranger = try TokenForge(secret: Array(repeating: 7, count: 32)).token(role: "platform_owner")
    let refused = try call(route, names, as: stranger, at: house)
    expectProblem(refused, 401, "invalid_token")
    #expect(refused.header("WWW-Authenticate")?.hasPrefix("Bearer error=") == true)
  }

  @Test
  func `Another restaurant's ids are 404 to every role, are left as they were, and look like ids that never were`()
    throws
  {
    let (house, other) = (try RestHouse(at: RestHub.shared), try RestHouse(at: RestHub.shared))
    let theirs = try names(house)
    func state() throws -> [String] {
      try [
        "orders/\(theirs["order"] ?? "")", "tickets/\(theirs["ticket"] ?? "")", "restaurants/\(house.id)/products",
        "restaurants/\(house.id)/stations", "channels/restaurant:\(house.id)",
      ].map { try house.call("GET", $0).text }
    }
    let before = try state()
    var never = theirs
    for name in ["id", "order", "ticket", "product", "category", "member", "device"] {
      never[name] = UUID().uuidString.lowercased()
    }
    var tokens = other.tokens.map { ($0.key, $0.value) }
    tokens.append(("ramp", try house.shared.forge.token(role: "ramp")))
    for route in RestRoute.all where route.isTenants {
      for (role, token) in tokens {
        let answer = try call(route, theirs, as: token, at: house)
        expectProblem(answer, 404, "not_found", "\(route) \(role)")
        let nothing = try call(route, never, as: token, at: house)
        #expect(nothing.status == 404 && nothing.text == answer.text, "\(route) \(role): what exists must not show")
      }
      #expect(try state() == before, "\(route)")
    }
  }

  @Test func `A caller of two restaurants must say which is meant, and may work in both and in no third`() throws {
    let houses = try (0..<3).map { _ in try RestHouse(at: RestHub.shared) }
    let token = try houses[0].shared.forge.token(role: "manager", restaurants: houses.prefix(2).map(\.id))
    for path in ["orders", "orders/today", "tickets"] {
      expectProblem(try houses[0].call("GET", path, as: token), 422, "restaurant_missing", path)
    }
    expectProblem(
      try houses[0].call("POST", "orders", houses[0].orderBody([houses[0].burger]), as: token), 422,
      "restaurant_missing")
    for house in houses.prefix(2) {
      #expect(try house.call("GET", "orders?restaurant_id=\(house.id)", as: token).status == 200)
    }
    expectProblem(try houses[0].call("GET", "orders?restaurant_id=\(houses[2].id)", as: token), 404, "not_found")
    let listed = try houses[0].call("GET", "restaurants", as: token).document["items"].array
    #expect(Set(listed.compactMap { $0["id"].string }) == Set(houses.prefix(2).map(\.id)))
    // A product of the caller's other restaurant is no product of this one.
    let mixed =
      #"{"restaurant_id":"\#(houses[0].id)","order_type":"takeaway","items":[{"product_id":"\#(houses[1].burger)","quantity":1}]}"#
    expectProblem(try houses[0].call("POST", "orders", mixed, as: token), 422, "product_not_found")
    let moved = #"{"category_id":"\#(houses[1].category)"}"#
    expectProblem(
      try houses[0].call("PATCH", "products/\(houses[0].burger)", moved, as: token), 422, "category_not_found")
    let station = #"{"station_id":"\#(houses[1].grill)"}"#
    expectProblem(
      try houses[0].call("PATCH", "products/\(houses[0].burger)", station, as: token), 422, "station_not_found")
  }

  @Test func `A method that a path does not offer is 405 with those it does, an unknown path 404`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let names = try names(house)
    let paths = Dictionary(grouping: RestRoute.all, by: { $0.pattern })
    for (pattern, routes) in paths {
      // Channels differ in their name only: the router sees one pattern.
      let isChannel = pattern.hasSuffix("/events")
      var offered = Set(routes.map(\.method)).union(isChannel ? ["GET", "POST"] : [])
      if pattern == "orders/{order}" || offered.contains("GET") { offered.insert("HEAD") }
      offered.insert("OPTIONS")
      let path = "/api/v1/" + routes[0].path(names).prefix { $0 != "?" }
      let put = try house.hub.request("PUT", path, token: house.manager, body: "{}")
      expectProblem(put, 405, "method_not_allowed", path)
      #expect(put.header("Allow") == offered.sorted().joined(separator: ", "), "\(path)")
      expectProblem(try house.hub.request("BREW", path, token: house.manager, body: "{}"), 501, "not_implemented", path)
      let options = try house.hub.request("OPTIONS", path)
      #expect(options.status == 204 && options.header("Allow") == offered.sorted().joined(separator: ", "), "\(path)")
    }
    for path in [
      "/api", "/api/", "/api/v1", "/api/v1/orders/", "/api/v1//orders", "/api/v2/orders", "/api/v1/orderz", "/nothing",
    ] {
      expectProblem(try house.hub.request("GET", path, token: house.manager), 404, "not_found", path)
    }
    for path in ["/health", "/ready", "/metrics"] {
      let answer = try house.hub.request("POST", path, body: "{}")
      expectProblem(answer, 405, "method_not_allowed", path)
      #expect(answer.header("Allow") == "GET, HEAD, OPTIONS", "\(path)")
      #expect(try house.hub.request("HEAD", path).status == 200)
    }
  }

  @Test func `The table of routes is that of the sources`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/Hub/Services")
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
    var found: Set<String> = []
    for file in files where file.lastPathComponent.hasSuffix("Routes.swift") {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /(read|command|action)\((?:"([A-Z]+)", )?"([^"]+)"/) {
        let method = match.2.map(String.init) ?? "GET"
        for base in match.3.contains(#"\(base)"#) ? ["/api/v1/auth", "/api/auth"] : [""] {
          let path = String(match.3).replacing(#"\(base)"#, with: base)
          found.insert("\(method) \(path.hasPrefix("/api/v1/") ? String(path.dropFirst(8)) : path)")
        }
      }
    }
    // A parameter's name is nobody's business but the router's.
    func plain(_ route: String) -> String {
      route.replacing(/channels\/[a-z]+(:\{id\})?/, with: "channels/{}").replacing(/\{[a-z]+\}/, with: "{}")
    }
    let expected = Set(
      RestRoute.all.map { plain($0.description) } + RestRoute.open.map(plain) + RestRoute.apart.map(plain))
    #expect(Set(found.map { plain($0) }) == expected)
  }
}
