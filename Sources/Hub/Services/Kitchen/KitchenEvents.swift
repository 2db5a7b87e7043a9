// Which events a ticket has and who hears them: the kitchen, the till and the office. Every event carries the ticket's
// document as it stands after the change; a screen keeps it while it is open and drops it else.
import Domain
import Postgres

enum KitchenEvents {
  static func channels(of restaurant: Identifier) -> [String] {
    ["kitchen:\(restaurant)", "pos:\(restaurant)", "restaurant:\(restaurant)"]
  }

  /// Tells of every ticket that was made or moved.
  static func told(_ work: KitchenWork, in restaurant: Identifier) -> [Statement] {
    let events = work.made.map { (TicketEvent.created, $0.id) } + work.moved.map { ($0.outcome.event, $0.ticket) }
    return events.map { event, ticket in KitchenQueries.publish(event, of: ticket, to: channels(of: restaurant)) }
  }
}
