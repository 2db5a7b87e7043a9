// Which events an order has and who hears them: the till and the office. Kitchens hear tickets (KitchenEvents), never
// orders. Every event carries the order's document as it stands after the change, so a screen can fold by id alone.
import Domain
import Postgres
import Protocol

enum OrdersEvents {
  static func channels(of restaurant: Identifier) -> [String] { ["restaurant:\(restaurant)", "pos:\(restaurant)"] }

  static func placed(_ order: Identifier, in restaurant: Identifier) -> Statement {
    OrdersQueries.publish("order.created", of: order, to: channels(of: restaurant))
  }

  /// The one event of a change of status: confirmed, completed and cancelled have names of their own.
  static func moved(
    _ order: Identifier, in restaurant: Identifier, from: OrderStatus, to: OrderStatus, reason: String? = nil
  ) -> Statement {
    switch to {
    case .confirmed:
      OrdersQueries.publish("order.confirmed", of: order, to: channels(of: restaurant))
    case .completed:
      OrdersQueries.publish("order.completed", of: order, to: channels(of: restaurant))
    case .cancelled:
      OrdersQueries.publish(
        "order.cancelled", of: order, to: channels(of: restaurant),
        with: ["reason": reason.map { .string($0) } ?? nil])
    case .pending, .preparing, .ready:
      OrdersQueries.publish(
        "order.status_changed", of: order, to: channels(of: restaurant),
        with: ["from": .string(from.rawValue), "to": .string(to.rawValue)])
    }
  }
}
