// What an order does by itself when its tickets move (domain.md §4). It never skips a state: bumping the only ticket of
// a confirmed order at once takes the order through preparing to ready, two steps, so its history is whole. An order
// without tickets needs no kitchen, and one whose tickets are all voided has none left: nothing follows for either by
// itself, people move it on by hand.

package enum OrderProgress {
  /// The states that the order goes through now, in order; none when it stays, at most two.
  package static func steps(from status: OrderStatus, tickets: [TicketStatus]) -> [OrderStatus] {
    let live = tickets.filter { $0 != .voided }
    let isBegun = live.contains { $0 != .new }
    let isDone = !live.isEmpty && live.allSatisfy { $0 == .ready || $0 == .served }
    switch status {
    case .confirmed: return isDone ? [.preparing, .ready] : isBegun ? [.preparing] : []
    case .preparing: return isDone ? [.ready] : []
    case .ready: return live.isEmpty || isDone ? [] : [.preparing]
    case .pending, .completed, .cancelled: return []
    }
  }
}
