// A restaurant of a test's own at a shared hub: two stations, a few products, a token for each role, and the requests
// that tests make most.
import Foundation
import Testing
import TestSupport

/// The hub that the REST and identity suites share.
enum RestHub {
  private static let started = Result { try SharedHub() }
  static var shared: SharedHub { get throws { try started.get() } }
}

struct RestHouse: Sendable {
  let shared: SharedHub
  let id: String
  /// By role, each for this restaurant alone.
  let tokens: [String: String]
  let platform: String
  let category: String
  let grill: String
  let bar: String
  /// 10.00, made at the grill.
  let burger: String
  /// 2.50, made at the bar.
  let soda: String
  /// 40.00, needs no kitchen.
  let wine: String

  static let roles = ["restaurant_owner", "manager", "employee", "kitchen", "till"]

  var hub: HubUnderTest { shared.hub }
  var manager: String { tokens["manager"] ?? "" }

  /// `settings` are further members of the restaurant's, each with a comma before it.
  init(at shared: SharedHub, timeZone: String = "Europe/London", currency: String = "GBP", settings: String = "") throws
  {
    self.shared = shared
    platform = try shared.forge.token(role: "platform_owner")
    let platform = platform
    func made(_ path: String, _ body: String) throws -> String {
      let answer = try shared.hub.request("POST", "/api/v1/\(path)", token: platform, body: body)
      guard answer.status == 201, let id = answer.document["id"].string else {
        throw SupportError("POST \(path): \(answer.status) \(answer.text)")
      }
      return id
    }
    let id = try made(
      "restaurants", #"{"name":"House","time_zone":"\#(timeZone)","currency":"\#(currency)"\#(settings)}"#)
    self.id = id
    grill = try made("restaurants/\(id)/stations", #"{"name":"Grill"}"#)
    bar = try made("restaurants/\(id)/stations", #"{"name":"Bar"}"#)
    category = try made("restaurants/\(id)/categories", #"{"name":"All"}"#)
    let category = category
    func product(_ name: String, _ price: String, _ station: String?) throws -> String {
      try made(
        "restaurants/\(id)/products",
        #"{"name":"\#(name)","price":"\#(price)","category_id":"\#(category)","station_id":\#(station.map { "\"\($0)\"" } ?? "null")}"#
      )
    }
    burger = try product("Burger", "10.00", grill)
    soda = try product("Soda", "2.50", bar)
    wine = try product("Wine", "40.00", nil)
    tokens = try Dictionary(
      uniqueKeysWithValues: Self.roles.map { ($0, try shared.forge.token(role: $0, restaurants: [id])) })
  }

  /// One request to `/api/v1/…`, by the manager if nobody else is named.
  func call(
    _ method: String, _ path: String, _ body: String? = nil, as token: String? = nil, headers: [String: String] = [:]
  ) throws -> RawAnswer {
    try hub.request(method, "/api/v1/\(path)", token: token ?? manager, body: body, headers: headers)
  }

  /// The body of an order of these products, each once; two of a product stand on one line when it is named twice.
  func orderBody(_ products: [String], type: String = "takeaway") -> String {
    var lines: [(id: String, count: Int)] = []
    for product in products {
      if let index = lines.firstIndex(where: { $0.id == product }) {
        lines[index].count += 1
      } else {
        lines.append((product, 1))
      }
    }
    let items = lines.map { #"{"product_id":"\#($0.id)","quantity":\#($0.count)}"# }.joined(separator: ",")
    return #"{"order_type":"\#(type)","items":[\#(items)]}"#
  }

  /// Places an order and moves it through these commands; answers the order.
  @discardableResult
  func order(_ products: [String], then moves: [String] = []) throws -> Document {
    let placed = try call("POST", "orders", orderBody(products))
    guard placed.status == 201, let id = placed.document["id"].string else {
      throw SupportError("the order: \(placed.status) \(placed.text)")
    }
    for move in moves {
      let moved = try call("POST", "orders/\(id)/\(move)")
      guard moved.status == 200 else { throw SupportError("\(move): \(moved.status) \(moved.text)") }
    }
    return try call("GET", "orders/\(id)").document
  }

  /// The events of one of the restaurant's channels, in order.
  func events(_ kind: String, after: Int = 0) throws -> [Document] {
    let reader = kind == "restaurant" ? manager : tokens["employee"]
    let answer = try call("GET", "channels/\(kind):\(id)/events?after=\(after)&limit=100", as: reader)
    return answer.document["items"].array
  }

  /// The offset of the newest event of a channel.
  func head(_ kind: String) throws -> Int {
    try call("GET", "channels/\(kind):\(id)", as: tokens["employee"]).document["offset"].integer ?? -1
  }
}

/// What every problem document has, and nothing of the inside (wire.md §5).
func expectProblem(
  _ answer: RawAnswer, _ status: Int, _ code: String? = nil, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let document = answer.document
  #expect(answer.status == status, "\(comment) \(answer.text)", sourceLocation: sourceLocation)
  #expect(answer.header("Content-Type") == "application/problem+json", "\(comment)", sourceLocation: sourceLocation)
  #expect(document["status"].integer == answer.status, "\(comment)", sourceLocation: sourceLocation)
  #expect(document["type"].string != nil && document["title"].string?.isEmpty == false, sourceLocation: sourceLocation)
  #expect(document["detail"].string?.isEmpty == false, "\(comment)", sourceLocation: sourceLocation)
  #expect(
    answer.code.firstMatch(of: /^[a-z][a-z0-9_]*$/) != nil, "\(comment) code \(answer.code)",
    sourceLocation: sourceLocation)
  if let code { #expect(answer.code == code, "\(comment) \(answer.text)", sourceLocation: sourceLocation) }
  for word in ["SELECT", "app.", "hub.", "psql", "constraint", "relation", ".swift"] {
    #expect(!answer.text.contains(word), "\(comment) \(answer.text)", sourceLocation: sourceLocation)
  }
}
