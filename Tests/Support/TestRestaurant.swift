// A restaurant of a test's own, opened over the public API: stations, products, and the orders to place there.
import Foundation

package struct TestRestaurant: Sendable {
  package struct Product: Sendable {
    package let id: String
    package let station: String
    package let price: String
  }

  package let id: String
  package let stations: [String]
  package let products: [Product]

  package func channel(_ kind: String) -> String { "\(kind):\(id)" }

  /// Opens one with `products` products, spread over `stations` stations, whose tickets may go unseen for `unseen` seconds.
  package init(at hub: HubUnderTest, stations: Int = 3, products: Int = 6, unseen: Int = 10) throws {
    let owner = try hub.token(role: "platform_owner")
    let socket = try EventSocket(port: hub.port)
    func post(_ path: String, _ body: String) throws -> String {
      let answer = try socket.request("POST", "/api/v1/\(path)", token: owner, body: body)
      guard answer.status == 201, let id = answer.json["id"] as? String else {
        throw SupportError("POST \(path): \(answer.status) \(answer.text)")
      }
      return id
    }
    let restaurant = try post(
      "restaurants",
      #"{"name": "Test Bistro", "time_zone": "Europe/London", "currency": "GBP", "unseen_seconds": \#(unseen)}"#)
    let made = try (0..<stations).map {
      try post("restaurants/\(restaurant)/stations", #"{"name": "Station \#($0)", "position": \#($0)}"#)
    }
    let category = try post("restaurants/\(restaurant)/categories", #"{"name": "All", "position": 0}"#)
    id = restaurant
    self.stations = made
    self.products = try (0..<products).map { number in
      let (station, price) = (made[number % stations], "\(5 + number).50")
      let body = """
        {"name": "Product \(number)", "category_id": "\(category)", "price": "\(price)", "station_id": "\(station)"}
        """
      return Product(id: try post("restaurants/\(restaurant)/products", body), station: station, price: price)
    }
  }

  /// The body of an order, and how many tickets confirming it makes.
  package func order(_ random: inout SeededRandom, lines: Int = 3) -> (body: String, tickets: Int) {
    let chosen = (0..<Int.random(in: 1...lines, using: &random)).compactMap { _ in
      products.randomElement(using: &random)
    }
    let items = chosen.map { product in
      #"{"product_id": "\#(product.id)", "quantity": \#(Int.random(in: 1...4, using: &random)), "modifiers": ["No onion"]}"#
    }
    let table = Int.random(in: 1...40, using: &random)
    let body = """
      {"restaurant_id": "\(id)", "order_type": "dine_in", "table": "\(table)", "items": [\(items.joined(separator: ","))]}
      """
    return (body, Set(chosen.map(\.station)).count)
  }
}
