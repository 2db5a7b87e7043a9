// Every move on every state of a ticket, its items, and the tickets that an order needs.
import Domain
import Testing

struct KitchenTests {
  struct Move: Sendable, CustomTestStringConvertible {
    let move: TicketMove
    let from: TicketStatus
    let to: TicketStatus
    var isOpen = true
    var isRecalled = false
    var items: TicketItemStatus?
    let event: TicketEvent
    var testDescription: String { "\(move) \(from) → \(to)" }
  }

  static let moves = [
    Move(move: .start, from: .new, to: .started, event: .started),
    Move(move: .bump, from: .new, to: .ready, items: .ready, event: .ready),
    Move(move: .bump, from: .started, to: .ready, items: .ready, event: .ready),
    Move(move: .bump, from: .ready, to: .served, isOpen: false, event: .served),
    Move(move: .bump, from: .voided, to: .voided, isOpen: false, event: .voidSeen),
    Move(move: .recall, from: .ready, to: .started, isRecalled: true, items: .new, event: .recalled),
    Move(move: .recall, from: .served, to: .started, isRecalled: true, items: .new, event: .recalled),
    Move(move: .void, from: .new, to: .voided, items: .voided, event: .voided),
    Move(move: .void, from: .started, to: .voided, items: .voided, event: .voided),
    Move(move: .void, from: .ready, to: .voided, items: .voided, event: .voided),
    Move(move: .voidSeen, from: .voided, to: .voided, isOpen: false, event: .voidSeen),
    Move(move: .finish, from: .new, to: .ready, items: .ready, event: .ready),
    Move(move: .finish, from: .started, to: .ready, items: .ready, event: .ready),
    Move(move: .serve, from: .ready, to: .served, isOpen: false, event: .served),
  ]

  static func state(_ status: TicketStatus) -> TicketState {
    TicketState(status: status, isOpen: status != .served, isRecalled: false)
  }

  @Test(arguments: moves)
  func `A move gives the next state, the items and the event`(move: Move) throws {
    let outcome = try KitchenTests.state(move.from).applying(move.move, order: .ready)
    #expect(outcome.state == TicketState(status: move.to, isOpen: move.isOpen, isRecalled: move.isRecalled))
    #expect(outcome.items == move.items)
    #expect(outcome.event == move.event)
  }

  @Test(arguments: TicketMove.allCases, TicketStatus.allCases)
  func `Every other move is refused from where the ticket stands`(move: TicketMove, status: TicketStatus) {
    guard !KitchenTests.moves.contains(where: { $0.move == move && $0.from == status }) else { return }
    let refusal = #expect(throws: InvalidTransition.self) {
      try KitchenTests.state(status).applying(move, order: .preparing)
    }
    #expect(refusal?.from == status.rawValue)
  }

  @Test func `The same start again is refused with from and to`() {
    #expect(throws: InvalidTransition(from: TicketStatus.started, to: TicketStatus.started)) {
      try KitchenTests.state(.started).applying(.start, order: .preparing)
    }
    #expect(throws: InvalidTransition(from: TicketStatus.served, to: TicketStatus.served)) {
      try KitchenTests.state(.served).applying(.bump, order: .ready)
    }
  }

  @Test func `A void that was seen is not seen again`() {
    let seen = TicketState(status: .voided, isOpen: false, isRecalled: false)
    for move in [TicketMove.bump, .voidSeen] {
      #expect(throws: InvalidTransition(from: TicketStatus.voided, to: TicketStatus.voided)) {
        try seen.applying(move, order: .cancelled)
      }
    }
  }

  @Test(arguments: [OrderStatus.completed, .cancelled], [TicketStatus.ready, .served])
  func `Nothing is recalled from an order that is over`(order: OrderStatus, status: TicketStatus) {
    #expect(throws: InvalidTransition(from: status, to: TicketStatus.started)) {
      try KitchenTests.state(status).applying(.recall, order: order)
    }
  }

  @Test func `A recalled ticket keeps its mark to the end`() throws {
    var state = TicketState.fired
    for move in [TicketMove.bump, .recall, .bump, .bump] { state = try state.applying(move, order: .preparing).state }
    #expect(state == TicketState(status: .served, isOpen: false, isRecalled: true))
  }

  static let itemRules: [(TicketStatus, [TicketItemStatus], TicketStatus?, TicketEvent?)] = [
    (.new, [.ready, .new], .started, .started),
    (.new, [.new, .voided], nil, nil), (.new, [.ready], .ready, .ready), (.started, [.ready, .ready], .ready, .ready),
    (.started, [.ready, .voided], .ready, .ready), (.started, [.new, .ready], nil, nil),
    (.started, [.voided], nil, nil), (.ready, [.ready, .new], .started, .recalled), (.ready, [.ready], nil, nil),
    (.served, [.new], nil, nil), (.voided, [.voided], nil, nil),
  ]

  @Test(arguments: itemRules)
  func `A ticket follows its items`(
    status: TicketStatus, items: [TicketItemStatus], next: TicketStatus?, event: TicketEvent?
  ) {
    let outcome = KitchenTests.state(status).following(items: items)
    #expect(outcome?.state.status == next)
    #expect(outcome?.event == event)
  }

  @Test(arguments: TicketItemStatus.allCases, TicketItemStatus.allCases)
  func `An item goes to ready and back until it is voided`(from: TicketItemStatus, to: TicketItemStatus) throws {
    if from != .voided && from != to {
      #expect(try from.moved(to: to) == to)
    } else {
      #expect(throws: InvalidTransition(from: from, to: to)) { try from.moved(to: to) }
    }
  }

  @Test func `An order needs one ticket a station, as the stations first appear`() {
    let grill = Identifier(high: 1, low: 9)
    let bar = Identifier(high: 1, low: 2)
    let plan = TicketPlan.tickets(forLinesAt: [grill, nil, bar, grill, nil])
    #expect(plan.map(\.station) == [grill, bar])
    #expect(plan.map(\.lines) == [[0, 3], [2]])
  }

  @Test func `An order that needs no kitchen has no ticket and stays as people put it`() {
    #expect(TicketPlan.tickets(forLinesAt: [nil, nil]).isEmpty)
    #expect(OrderProgress.steps(from: .confirmed, tickets: []).isEmpty)
  }
}
