// One router for HTTP and for commands on the socket. A pattern is literal segments and `{name}` parameters; literal
// segments win over parameters. Matching walks a tree of segments, so its cost does not grow with the routes.
import Postgres
import Protocol

package typealias ReadHandler = @Sendable (Request, any Database) async throws(Problem) -> Answer
package typealias CommandHandler = @Sendable (Request, Transaction) async throws(Problem) -> Answer

package struct Route: Sendable {
  package enum Access: Sendable { case signedIn, anyone }
  package enum Handler: Sendable {
    /// Runs on any connection, outside a transaction.
    case read(ReadHandler)
    /// Runs inside one transaction, with the caller's idempotency key.
    case command(CommandHandler)
  }

  package let method: String
  package let pattern: String
  package let access: Access
  package let handler: Handler
}

package struct Router: Sendable {
  package enum Match {
    case found(Route, parameters: [String: String])
    /// The path exists, with these methods.
    case otherMethod(allowed: [String])
    case none
  }

  private struct Node: Sendable {
    var literals: [String: Int] = [:]
    var parameter: Int?
    /// By method: the route and the names of its parameters in the order of the path.
    var routes: [String: (route: Route, names: [String])] = [:]
  }

  private var nodes = [Node()]

  package init() {}

  // MARK: Registration

  package mutating func read(_ pattern: String, access: Route.Access = .signedIn, _ handler: @escaping ReadHandler) {
    add(Route(method: "GET", pattern: pattern, access: access, handler: .read(handler)))
  }

  /// A change that must not hold a transaction while it works, and so commits its statements one by one.
  package mutating func action(
    _ method: String, _ pattern: String, access: Route.Access = .signedIn, _ handler: @escaping ReadHandler
  ) {
    add(Route(method: method, pattern: pattern, access: access, handler: .read(handler)))
  }

  package mutating func command(
    _ method: String, _ pattern: String, access: Route.Access = .signedIn, _ handler: @escaping CommandHandler
  ) {
    add(Route(method: method, pattern: pattern, access: access, handler: .command(handler)))
  }

  private mutating func add(_ route: Route) {
    var node = 0
    var names: [String] = []
    for segment in route.pattern.split(separator: "/") {
      if segment.hasPrefix("{") {
        names.append(String(segment.dropFirst().dropLast()))
        node = nodes[node].parameter ?? append { nodes, index in nodes[node].parameter = index }
      } else {
        let key = String(segment)
        node = nodes[node].literals[key] ?? append { nodes, index in nodes[node].literals[key] = index }
      }
    }
    nodes[node].routes[route.method] = (route, names)
  }

  private mutating func append(_ link: (inout [Node], Int) -> Void) -> Int {
    nodes.append(Node())
    link(&nodes, nodes.count - 1)
    return nodes.count - 1
  }

  /// Every route, for the documents that describe them.
  package var routes: [Route] { nodes.flatMap { $0.routes.values.map(\.route) } }

  // MARK: Matching

  package func match(method: String, path: String) -> Match {
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    var values: [String] = []
    guard let node = find(segments[...], from: 0, &values) else { return .none }
    let routes = nodes[node].routes
    // RFC 9110 §9.3.2: HEAD is GET without the content.
    guard let (route, names) = routes[method] ?? (method == "HEAD" ? routes["GET"] : nil) else {
      var allowed = Set(routes.keys)
      if allowed.contains("GET") { allowed.insert("HEAD") }
      allowed.insert("OPTIONS")
      return .otherMethod(allowed: allowed.sorted())
    }
    return .found(route, parameters: Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first }))
  }

  private func find(_ segments: ArraySlice<String>, from node: Int, _ values: inout [String]) -> Int? {
    guard let segment = segments.first else { return nodes[node].routes.isEmpty ? nil : node }
    if let next = nodes[node].literals[segment], let found = find(segments.dropFirst(), from: next, &values) {
      return found
    }
    guard let next = nodes[node].parameter, !segment.isEmpty else { return nil }
    let decoded = PercentEncoding.decode(segment)
    guard let decoded else { return nil }
    values.append(decoded)
    if let found = find(segments.dropFirst(), from: next, &values) { return found }
    values.removeLast()
    return nil
  }
}
