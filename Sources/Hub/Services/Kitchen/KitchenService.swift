// Kitchen tickets: what a cook does at the screen, and what follows for the order (domain.md §4). A ticket's command
// locks the order's row before it reads any ticket, so of two last tickets bumped at once the second sees the first,
// and the order becomes ready exactly once.
import Domain
import Postgres
import Protocol

enum KitchenService {
  static func start(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(.start, request, transaction)
  }

  static func bump(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(.bump, request, transaction)
  }

  static func recall(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(.recall, request, transaction)
  }

  static func voidSeen(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(.voidSeen, request, transaction)
  }

  private static func move(
    _ move: TicketMove, _ request: Request, _ transaction: Transaction
  ) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The ticket")
    var fields = Fields(request.body)
    let version = fields.version()
    try fields.check()
    guard let order = try await OrdersQueries.lock(orderOf: id, transaction),
      let ticket = order.tickets.first(where: { $0.id == id })
    else { throw .notFound("The ticket") }
    let caller = try request.require(.moveTickets, in: order.restaurant, of: "The ticket")
    if let version, version != ticket.version {
      throw .stale("The ticket", current: try await KitchenQueries.document(id, transaction))
    }
    let outcome: TicketOutcome
    do {
      outcome = try ticket.state.applying(move, order: order.status)
    } catch {
      throw .transition(error, of: "The ticket")
    }

    let work = KitchenWork(outcome, of: id)
    var writes = KitchenQueries.write(work, of: order)
    let answer = writes.count
    writes += KitchenEvents.told(work, in: order.restaurant)
    var status = order.status
    let states = order.tickets.map { $0.id == id ? outcome.state.status : $0.state.status }
    for step in OrderProgress.steps(from: status, tickets: states) {
      writes.append(OrdersQueries.advance(order.id, from: status, to: step, actor: caller.userID))
      writes.append(OrdersEvents.moved(order.id, in: order.restaurant, from: status, to: step))
      status = step
    }
    let results = try await transaction.batch(writes)
    return .ok(results[answer][0].bytes(0))
  }

  static func get(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The ticket")
    guard let found = try await KitchenQueries.find(id, database) else { throw .notFound("The ticket") }
    try request.require(.viewTickets, in: found.restaurant, of: "The ticket")
    return .ok(found.document)
  }

  /// With `open=true` the tickets that a kitchen screen shows, in fire order; else every ticket, newest first.
  static func list(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.queriedRestaurant(for: .viewTickets)
    let page = try Page(request.query)
    var faults: [FieldFault] = []
    let station = request.query["station_id"].flatMap { Identifier($0) }
    if station == nil, request.query["station_id"] != nil {
      faults.append(FieldFault(field: "station_id", code: "invalid_id", detail: "A UUID is needed."))
    }
    let isOpen = request.query["open"] == "true"
    if !isOpen, let open = request.query["open"], open != "false" {
      faults.append(FieldFault(field: "open", code: "invalid_type", detail: "true or false is needed."))
    }
    guard faults.isEmpty else { throw .validation(faults) }
    return try page.answer(
      try await KitchenQueries.list(in: restaurant, station: station, onlyOpen: isOpen, page, database))
  }
}
