// Every pair of states, for people and for the kitchen, and what follows from tickets.
import Domain
import Testing

struct OrderStatusTests {
  static let staff: Set<[OrderStatus]> = [
    [.pending, .confirmed], [.confirmed, .preparing], [.preparing, .ready], [.ready, .completed],
    [.pending, .cancelled], [.confirmed, .cancelled], [.preparing, .cancelled], [.ready, .cancelled],
  ]
  static let kitchen: Set<[OrderStatus]> = [[.confirmed, .preparing], [.preparing, .ready], [.ready, .preparing]]

  @Test(arguments: OrderStatus.allCases, OrderStatus.allCases)
  func `The table has exactly the moves of the design`(from: OrderStatus, to: OrderStatus) throws {
    for (mover, moves) in [(OrderMover.staff, OrderStatusTests.staff), (.kitchen, OrderStatusTests.kitchen)] {
      if moves.contains([from, to]) {
        #expect(try from.moved(to: to, by: mover) == to)
      } else {
        #expect(throws: InvalidTransition(from: from, to: to)) { try from.moved(to: to, by: mover) }
      }
    }
  }

  @Test(arguments: OrderStatus.allCases)
  func `The same state again is refused`(status: OrderStatus) {
    #expect(!status.mayBecome(status))
    #expect(!status.mayBecome(status, by: .kitchen))
  }

  @Test func `Terminal states are the two that nothing leaves`() {
    let stuck = OrderStatus.allCases.filter { status in
      OrderMover.allCases.allSatisfy { status.successors(by: $0).isEmpty }
    }
    #expect(stuck == [.completed, .cancelled])
    #expect(OrderStatus.allCases.filter(\.isTerminal) == stuck)
  }

  @Test func `Predecessors are what the guarded statement expects`() {
    #expect(OrderStatus.cancelled.predecessors == [.pending, .confirmed, .preparing, .ready])
    #expect(OrderStatus.completed.predecessors == [.ready])
    #expect(OrderStatus.pending.predecessors.isEmpty)
  }

  @Test func `A refusal carries the words of the wire`() {
    let refusal = InvalidTransition(from: OrderStatus.completed, to: OrderStatus.pending)
    #expect(refusal.from == "completed")
    #expect(refusal.to == "pending")
  }

  static let progress: [(OrderStatus, [TicketStatus], [OrderStatus])] = [
    (.confirmed, [.new, .new], []),
    (.confirmed, [.started, .new], [.preparing]),
    (.confirmed, [.ready, .new], [.preparing]),
    (.confirmed, [.ready], [.preparing, .ready]),
    (.confirmed, [.ready, .voided], [.preparing, .ready]),
    (.preparing, [.ready, .started], []),
    (.preparing, [.ready, .new], []),
    (.preparing, [.ready, .served], [.ready]),
    (.preparing, [.served, .voided], [.ready]),
    (.preparing, [.new, .new], []),
    (.preparing, [.voided, .voided], []),
    (.preparing, [], []),
    (.confirmed, [], []),
    (.ready, [.ready, .served], []),
    (.ready, [.started, .served], [.preparing]),
    (.ready, [.voided], []),
    (.ready, [], []),
    (.pending, [.ready], []),
    (.completed, [.started], []),
    (.cancelled, [.ready], []),
  ]

  @Test(arguments: progress)
  func `An order follows its tickets`(status: OrderStatus, tickets: [TicketStatus], steps: [OrderStatus]) {
    #expect(OrderProgress.steps(from: status, tickets: tickets) == steps)
  }

  @Test func `What follows by itself always obeys the table and then stays`() throws {
    let pairs = TicketStatus.allCases.flatMap { first in TicketStatus.allCases.map { [first, $0] } }
    for status in OrderStatus.allCases {
      for tickets in pairs {
        var current = status
        for step in OrderProgress.steps(from: status, tickets: tickets) {
          current = try current.moved(to: step, by: .kitchen)
        }
        #expect(OrderProgress.steps(from: current, tickets: tickets).isEmpty)
      }
    }
  }
}
