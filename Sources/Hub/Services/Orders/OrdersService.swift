// Orders: placing them, moving them on, looking at them (domain.md §3). Load → ask Domain → write rows and stage events
// in one transaction, in two round trips. A command on an order holds the lock of its row from the load on, so what was
// loaded is still true when it is written (0004-orders.sql, note 2).
import Domain
import Postgres
import Protocol

enum OrdersService {
  // MARK: Placing

  static func place(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let asked = OrderRequest(request.body, only: try request.signedIn.onlyRestaurant)
    guard let restaurant = asked.restaurant else { throw .validation(asked.faults) }
    let caller = try request.require(.createOrders, in: restaurant)
    let menu = try await OrdersQueries.menu(of: restaurant, for: asked.draft, transaction)
    let order: PricedOrder
    do {
      order = try asked.draft.priced(from: menu)
    } catch {
      throw .validation(error, after: asked.faults)
    }
    guard asked.faults.isEmpty else { throw .validation(asked.faults) }

    let id = request.services.newIdentifier()
    let results = try await transaction.batch([
      OrdersQueries.reserve(order.reservations),
      OrdersQueries.insert(order, id: id, restaurant: restaurant, customer: asked.customer, actor: caller.userID),
      OrdersQueries.insert(
        order.lines.map { ($0, request.services.newIdentifier()) }, of: id,
        counted: Set(order.reservations.map(\.productID))),
      OrdersEvents.placed(id, in: restaurant),
    ])
    let reserved = results[0]
    guard reserved.count == order.reservations.count else {
      throw try await refusal(of: asked.draft, in: restaurant, transaction)
    }
    try await announce(try OrdersQueries.turned(reserved), isAvailable: false, in: restaurant, transaction)
    return .created(results[3][0].bytes(0), location: "/api/v1/orders/\(id)")
  }

  /// Between the reading of the menu and the reservation somebody else took the last of something. Nothing was reserved
  /// then, so the menu is read again as it is now and says what is missing.
  private static func refusal(
    of draft: OrderDraft, in restaurant: Identifier, _ transaction: Transaction
  ) async throws(Problem) -> Problem {
    let menu = try await OrdersQueries.menu(of: restaurant, for: draft, transaction)
    do {
      _ = try draft.priced(from: menu)
    } catch {
      return .validation(error)
    }
    return .conflict("menu_changed", "The menu changed while the order was placed; place it again.")
  }

  // MARK: Moving

  static func confirm(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(to: .confirmed, request, transaction)
  }

  static func prepare(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(to: .preparing, request, transaction)
  }

  static func ready(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(to: .ready, request, transaction)
  }

  static func complete(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(to: .completed, request, transaction)
  }

  static func cancel(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    try await move(to: .cancelled, request, transaction)
  }

  private static func move(
    to next: OrderStatus, _ request: Request, _ transaction: Transaction
  ) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The order")
    var fields = Fields(request.body)
    let version = fields.version()
    let reason = next == .cancelled ? fields.text("reason", .reason) : nil
    try fields.check()
    guard let order = try await OrdersQueries.lock(id, transaction) else { throw .notFound("The order") }
    let caller = try request.require(
      next == .cancelled ? .cancelOrders : .moveOrders, in: order.restaurant, of: "The order")
    if let version, version != order.version {
      throw .stale("The order", current: try await OrdersQueries.document(id, transaction))
    }
    do {
      _ = try order.status.moved(to: next)
    } catch {
      throw .transition(error, of: "The order")
    }

    let kitchen = KitchenWork(following: next, of: order, newIdentifier: request.services.newIdentifier)
    var writes = [
      OrdersQueries.advance(id, from: order.status, to: next, actor: caller.userID, reason: reason)
    ]
    // Before the tickets are voided: what the kitchen has not begun goes back into stock.
    if next == .cancelled { writes.append(OrdersQueries.release(id)) }
    writes += KitchenQueries.write(kitchen, of: order)
    let answer = writes.count
    writes.append(OrdersEvents.moved(id, in: order.restaurant, from: order.status, to: next, reason: reason))
    writes += KitchenEvents.told(kitchen, in: order.restaurant)
    let results = try await transaction.batch(writes)
    guard results[0].count == 1 else {
      throw .transition(InvalidTransition(from: order.status, to: next), of: "The order")
    }
    if next == .cancelled {
      try await announce(try OrdersQueries.turned(results[1]), isAvailable: true, in: order.restaurant, transaction)
    }
    return .ok(results[answer][0].bytes(0))
  }

  /// Tells of the products that an order's stock has just made unavailable or available again. It is rare, so it may
  /// cost a round trip of its own.
  private static func announce(
    _ products: [ProductName], isAvailable: Bool, in restaurant: Identifier, _ transaction: Transaction
  ) async throws(Problem) {
    guard !products.isEmpty else { return }
    _ = try await transaction.batch(
      products.map { MenuEvents.turned($0, isAvailable: isAvailable, in: restaurant) })
  }

  // MARK: Looking

  static func get(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The order")
    guard let found = try await OrdersQueries.find(id, database) else { throw .notFound("The order") }
    try request.require(.viewOrders, in: found.restaurant, of: "The order")
    return .ok(found.document)
  }

  static func history(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let id = try request.identifier("id", of: "The order")
    guard let found = try await OrdersQueries.find(id, database) else { throw .notFound("The order") }
    try request.require(.viewOrders, in: found.restaurant, of: "The order")
    return Page.answer(whole: try await OrdersQueries.history(id, database), document: 0)
  }

  /// The open orders, oldest first: what a kitchen or a counter has before it today.
  static func open(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.queriedRestaurant(for: .viewOrders)
    return Page.answer(whole: try await OrdersQueries.open(in: restaurant, database), document: 0)
  }

  static func list(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let restaurant = try request.queriedRestaurant(for: .viewOrders)
    let page = try Page(request.query)
    var faults: [FieldFault] = []
    let status = request.query["status"].flatMap { OrderStatus(rawValue: $0) }
    if status == nil, request.query["status"] != nil {
      faults.append(FieldFault(field: "status", code: "invalid_status", detail: "There is no such status."))
    }
    for field in ["from", "to"] where request.query[field].map({ isInstant($0) }) == false {
      faults.append(FieldFault(field: field, code: "invalid_time", detail: "An RFC 3339 time or a date is needed."))
    }
    guard faults.isEmpty else { throw .validation(faults) }
    let rows = try await OrdersQueries.list(
      in: restaurant, status: status, table: request.query["table"], from: request.query["from"],
      to: request.query["to"], page, database)
    return try page.answer(rows)
  }
}
