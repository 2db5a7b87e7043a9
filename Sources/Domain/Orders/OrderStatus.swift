// The states of an order and every move between them, domain.md §3. People move an order one step forward or cancel it;
// the kitchen's tickets may also move it forward by themselves and, when a ticket is recalled, back from ready to
// preparing. Terminal states stay; the same state again is refused.

/// Who or what moves an order.
package enum OrderMover: Hashable, Sendable, CaseIterable {
  /// A person, by a command on the order.
  case staff
  /// The order's tickets: it follows from what the kitchen did.
  case kitchen
}

/// Where an order stands.
package enum OrderStatus: String, Hashable, Sendable, CaseIterable {
  case pending, confirmed, preparing, ready, completed, cancelled

  /// The states that can come next.
  package func successors(by mover: OrderMover) -> [OrderStatus] {
    switch (self, mover) {
    case (.pending, .staff): [.confirmed, .cancelled]
    case (.confirmed, .staff): [.preparing, .cancelled]
    case (.preparing, .staff): [.ready, .cancelled]
    case (.ready, .staff): [.completed, .cancelled]
    case (.confirmed, .kitchen): [.preparing]
    case (.preparing, .kitchen): [.ready]
    case (.ready, .kitchen): [.preparing]
    case (.pending, .kitchen), (.completed, _), (.cancelled, _): []
    }
  }

  /// Whether the table has the move.
  package func mayBecome(_ next: OrderStatus, by mover: OrderMover = .staff) -> Bool {
    successors(by: mover).contains(next)
  }

  /// Returns the next state or throws the refusal.
  package func moved(to next: OrderStatus, by mover: OrderMover = .staff) throws(InvalidTransition) -> OrderStatus {
    guard mayBecome(next, by: mover) else { throw InvalidTransition(from: self, to: next) }
    return next
  }

  /// The states that a person may move from to this one: the `WHERE status IN (…)` of the guarded statement.
  package var predecessors: [OrderStatus] {
    OrderStatus.allCases.filter { $0.mayBecome(self) }
  }

  /// Completed and cancelled orders never change again and leave every screen.
  package var isTerminal: Bool { self == .completed || self == .cancelled }
}

/// How the guest gets the order.
package enum OrderType: String, Hashable, Sendable, CaseIterable {
  case dineIn = "dine_in"
  case takeaway
  case delivery

  package var needsTable: Bool { self == .dineIn }
}
