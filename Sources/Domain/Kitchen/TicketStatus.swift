// The states of a kitchen ticket and of its items, and every move between them (domain.md §4). A ticket is its status
// and two marks: `open` (a kitchen screen shows it) and `recalled`. A voided ticket stays open, struck through, until
// somebody has seen it. Each move gives the next state, what its items become, and the event that tells.

/// Where a ticket stands.
package enum TicketStatus: String, Hashable, Sendable, CaseIterable {
  case new, started, ready, served, voided
}

/// Where one item of a ticket stands.
package enum TicketItemStatus: String, Hashable, Sendable, CaseIterable {
  case new, ready, voided

  /// new ⇄ ready, and either to voided.
  package func moved(to next: TicketItemStatus) throws(InvalidTransition) -> TicketItemStatus {
    switch (self, next) {
    case (.new, .ready), (.ready, .new), (.new, .voided), (.ready, .voided): return next
    case (.new, .new), (.ready, .ready), (.voided, _): throw InvalidTransition(from: self, to: next)
    }
  }
}

/// What is done to a ticket.
package enum TicketMove: Hashable, Sendable, CaseIterable {
  case start
  /// The one button of a kitchen screen: ready, then served, or gone when it was voided.
  case bump
  case recall
  /// The order was cancelled.
  case void
  case voidSeen
  /// The whole order was marked ready.
  case finish
  /// The whole order was completed.
  case serve
}

/// The names of a ticket's events.
package enum TicketEvent: String, Hashable, Sendable, CaseIterable {
  case created = "ticket.created"
  case started = "ticket.started"
  case ready = "ticket.ready"
  case served = "ticket.served"
  case recalled = "ticket.recalled"
  case voided = "ticket.voided"
  case voidSeen = "ticket.void_seen"
}

/// What followed from a move.
package struct TicketOutcome: Hashable, Sendable {
  package let state: TicketState
  /// What every item that is not voided becomes; nil when the items stay.
  package let items: TicketItemStatus?
  package let event: TicketEvent
}

/// A ticket's whole state.
package struct TicketState: Hashable, Sendable {
  package let status: TicketStatus
  /// Whether a kitchen screen shows it.
  package let isOpen: Bool
  package let isRecalled: Bool

  package init(status: TicketStatus, isOpen: Bool, isRecalled: Bool) {
    self.status = status
    self.isOpen = isOpen
    self.isRecalled = isRecalled
  }

  /// A ticket as confirming an order makes it.
  package static let fired = TicketState(status: .new, isOpen: true, isRecalled: false)

  /// Applies a move to a ticket of an order that stands at `order`, or throws the refusal.
  package func applying(_ move: TicketMove, order: OrderStatus) throws(InvalidTransition) -> TicketOutcome {
    switch (move, status) {
    case (.start, .new):
      return outcome(.started, event: .started)
    case (.bump, .new), (.bump, .started), (.finish, .new), (.finish, .started):
      return outcome(.ready, items: .ready, event: .ready)
    case (.bump, .ready), (.serve, .ready):
      return outcome(.served, isOpen: false, event: .served)
    case (.bump, .voided) where isOpen, (.voidSeen, .voided) where isOpen:
      return outcome(.voided, isOpen: false, event: .voidSeen)
    case (.recall, .ready) where !order.isTerminal, (.recall, .served) where !order.isTerminal:
      // The dish is made again, so its items are new again; else the ticket would be ready at once.
      return outcome(.started, isRecalled: true, items: .new, event: .recalled)
    case (.void, .new), (.void, .started), (.void, .ready):
      return outcome(.voided, items: .voided, event: .voided)
    case (.start, _), (.bump, _), (.recall, _), (.void, _), (.voidSeen, _), (.finish, _), (.serve, _):
      throw InvalidTransition(from: status, to: target(of: move))
    }
  }

  /// What a ticket becomes by itself when its items moved: started with the first ready item, ready with the last,
  /// started again when an item is undone; nil when it stays.
  package func following(items: [TicketItemStatus]) -> TicketOutcome? {
    let live = items.filter { $0 != .voided }
    let isDone = !live.isEmpty && live.allSatisfy { $0 == .ready }
    switch status {
    case .new, .started:
      if isDone { return outcome(.ready, event: .ready) }
      return status == .new && live.contains(.ready) ? outcome(.started, event: .started) : nil
    case .ready:
      return live.isEmpty || isDone ? nil : outcome(.started, isRecalled: true, event: .recalled)
    case .served, .voided:
      return nil
    }
  }

  private func outcome(
    _ status: TicketStatus, isOpen: Bool = true, isRecalled: Bool? = nil, items: TicketItemStatus? = nil,
    event: TicketEvent
  ) -> TicketOutcome {
    TicketOutcome(
      state: TicketState(status: status, isOpen: isOpen, isRecalled: isRecalled ?? self.isRecalled),
      items: items, event: event)
  }

  /// The state that a refused move was meant to lead to, for the refusal's `to`.
  private func target(of move: TicketMove) -> TicketStatus {
    switch move {
    case .start, .recall: .started
    case .finish: .ready
    case .serve: .served
    case .void, .voidSeen: .voided
    case .bump: status == .voided ? .voided : .served
    }
  }
}
