// Which events a ticket has and who hears them: the kitchen, the till and the office. Every event carries the ticket's
// document as it stands after the change; a screen keeps it while it is open and drops it else.
import Domain
import Postgres

enum KitchenEvents {
  static func channels(of restaurant: Identifier) -> [String] {
    ["kitchen:\(restaurant)", "pos:\(restaurant)", "restaurant:\(restaurant)"]
  }

  /// Tells of every ticket that was made or moved, in one statement; none when there is nothing to tell.
  static func told(_ work: KitchenWork, in restaurant: Identifier) -> [Statement] {
    let events =
      work.made.map { ($0.id, TicketEvent.created) } + work.moved.map { ($0.ticket, $0.outcome.event) }
    return events.isEmpty ? [] : [KitchenQueries.publish(events, to: channels(of: restaurant))]
  }
}
