// The router by itself: literal before parameter, decoding, 404 and 405 with what is allowed.
import Testing

@testable import Hub

@Suite struct RouterTests {
  private static let router: Router = {
    var router = Router()
    let read: ReadHandler = { (_, _) async throws(Problem) in .noContent }
    let command: CommandHandler = { (_, _) async throws(Problem) in .noContent }
    router.read("/api/orders", read)
    router.command("POST", "/api/orders", command)
    router.read("/api/orders/today", read)
    router.read("/api/orders/{id}", read)
    router.command("PATCH", "/api/orders/{id}", command)
    router.command("POST", "/api/orders/{id}/confirm", access: .anyone, command)
    router.read("/api/orders/{order}/tickets/{ticket}", read)
    router.read("/api/{thing}/today/late", read)
    return router
  }()

  @Test(arguments: [
    ("GET", "/api/orders", "/api/orders", [:]), ("POST", "/api/orders", "/api/orders", [:]),
    ("HEAD", "/api/orders", "/api/orders", [:]), ("GET", "/api/orders/today", "/api/orders/today", [:]),
    ("GET", "/api/orders/7", "/api/orders/{id}", ["id": "7"]),
    ("PATCH", "/api/orders/7", "/api/orders/{id}", ["id": "7"]),
    ("GET", "/api/orders/todayish", "/api/orders/{id}", ["id": "todayish"]),
    ("GET", "/api/orders/a%20b%2Fc", "/api/orders/{id}", ["id": "a b/c"]),
    ("GET", "/api/orders/%C3%A9", "/api/orders/{id}", ["id": "é"]),
    ("POST", "/api/orders/7/confirm", "/api/orders/{id}/confirm", ["id": "7"]),
    ("GET", "/api/orders/7/tickets/9", "/api/orders/{order}/tickets/{ticket}", ["order": "7", "ticket": "9"]),
    // Below `orders`, `today` leads nowhere: the other way is tried.
    ("GET", "/api/orders/today/late", "/api/{thing}/today/late", ["thing": "orders"]),
  ])
  func aPathFindsItsRoute(_ method: String, _ path: String, _ pattern: String, _ parameters: [String: String]) {
    guard case .found(let route, let values) = Self.router.match(method: method, path: path) else {
      Issue.record("\(method) \(path) finds nothing")
      return
    }
    #expect(route.pattern == pattern && values == parameters)
    #expect(route.method == (method == "HEAD" ? "GET" : method))
  }

  @Test(arguments: [
    "", "/", "api/orders", "/api", "/api/", "/api/orders/", "//api/orders", "/api//orders", "/api/orders/7/",
    "/api/orders//confirm",
    "/api/orders/7/confirm/now", "/API/orders", "/api/orders/%zz", "/api/orders/%C3", "/api/orders/%", "*",
    "/api/orders/7/tickets", "/api/Orders/7",
  ])
  func whatHasNoRouteIsNotFound(_ path: String) {
    guard case .none = Self.router.match(method: "GET", path: path) else {
      Issue.record("\(path) finds something")
      return
    }
  }

  @Test(arguments: [
    ("DELETE", "/api/orders", ["GET", "HEAD", "POST"]), ("get", "/api/orders", ["GET", "HEAD", "POST"]),
    ("POST", "/api/orders/7", ["GET", "HEAD", "PATCH"]), ("GET", "/api/orders/7/confirm", ["POST"]),
    ("HEAD", "/api/orders/7/confirm", ["POST"]), ("PUT", "/api/orders/today", ["GET", "HEAD"]),
  ])
  func anotherMethodIsToldWhatIsAllowed(_ method: String, _ path: String, _ methods: [String]) {
    guard case .otherMethod(let allowed) = Self.router.match(method: method, path: path) else {
      Issue.record("\(method) \(path) is not refused for its method")
      return
    }
    #expect(allowed.filter { $0 != "OPTIONS" } == methods)
  }

  @Test func routesNeedASignInUnlessTheySayOtherwise() {
    let open = Self.router.routes.filter { $0.access == .anyone }.map(\.pattern)
    #expect(open == ["/api/orders/{id}/confirm"])
    #expect(Self.router.routes.count == 8)
  }

  @Test func theHubsOwnRoutesAreOpenOnlyForSigningIn() {
    for route in Router.standard.routes {
      #expect(
        (route.access == .anyone)
          == ["/login", "/refresh", "/logout"].contains { route.pattern.hasSuffix("/auth\($0)") },
        "\(route.pattern)")
      #expect(route.pattern.hasPrefix("/api/"), "\(route.pattern)")
    }
  }
}
