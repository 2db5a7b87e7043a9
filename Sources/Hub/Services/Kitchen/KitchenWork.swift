// What a command means for the tickets of its order: those to be made and those to be moved. It is worked out by
// Domain's tables from what was loaded under the order's lock; KitchenQueries writes it and KitchenEvents tells of it.
import Domain

/// A ticket whose order is locked, as far as a command needs it.
struct LockedTicket {
  let id: Identifier
  let state: TicketState
  let version: Int64
}

struct KitchenWork {
  /// A ticket to be made, with the ids of the order's lines that it takes.
  struct NewTicket {
    let id: Identifier
    let station: Identifier
    let lines: [Identifier]
  }

  struct Move {
    let ticket: Identifier
    let outcome: TicketOutcome
  }

  var made: [NewTicket] = []
  var moved: [Move] = []

  /// One ticket's own move.
  init(_ outcome: TicketOutcome, of ticket: Identifier) {
    moved = [Move(ticket: ticket, outcome: outcome)]
  }

  /// What follows for the kitchen when people move the order itself (domain.md §4).
  init(following next: OrderStatus, of order: LockedOrder, newIdentifier: () -> Identifier) {
    switch next {
    case .confirmed:
      made = TicketPlan.tickets(forLinesAt: order.lines.map(\.station)).map { planned in
        NewTicket(id: newIdentifier(), station: planned.station, lines: planned.lines.map { order.lines[$0].id })
      }
    case .ready: move(order, .finish)
    case .completed: move(order, .serve)
    case .cancelled: move(order, .void)
    case .pending, .preparing: break
    }
  }

  /// Moves the tickets that have the move; the others are past it and stay.
  private mutating func move(_ order: LockedOrder, _ move: TicketMove) {
    moved = order.tickets.compactMap { ticket in
      (try? ticket.state.applying(move, order: order.status)).map { Move(ticket: ticket.id, outcome: $0) }
    }
  }
}
