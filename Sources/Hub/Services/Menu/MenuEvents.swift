// Which events a menu has and who hears them. That a product is out matters to the cook at once; what else changes on
// the menu matters to those who sell from it.
import Domain
import Postgres
import Protocol

/// A product as its events name it.
struct ProductName {
  let id: Identifier
  let name: String
}

enum MenuEvents {
  /// A product became available or unavailable.
  static func turned(_ product: ProductName, isAvailable: Bool, in restaurant: Identifier) -> Statement {
    MenuQueries.publish(
      isAvailable ? "menu.item_available" : "menu.item_unavailable",
      ["product_id": .string(product.id.description), "name": .string(product.name)],
      to: ["kitchen:\(restaurant)", "pos:\(restaurant)", "restaurant:\(restaurant)"])
  }

  static func productChanged(_ product: Identifier, in restaurant: Identifier) -> Statement {
    MenuQueries.publishProduct("menu.updated", of: product, to: sellers(in: restaurant))
  }

  static func categoryAdded(_ category: Identifier, in restaurant: Identifier) -> Statement {
    MenuQueries.publishCategory("menu.updated", of: category, to: sellers(in: restaurant))
  }

  private static func sellers(in restaurant: Identifier) -> [String] {
    ["pos:\(restaurant)", "restaurant:\(restaurant)"]
  }
}
