// A few connections that serve many callers, all on one loop.
//
// 1. A single statement is pipelined on the least busy connection; a transaction takes a lease: a connection of its
//    own.
// 2. Who finds none free waits in one queue, first come first served, at most 1,024 callers and at most 5 s each.
// 3. A connection that ends is replaced, after a back-off with jitter, as long as the pool lives.
// 4. A lease given back inside a transaction is rolled back, and closed if that fails; nobody inherits a transaction.
// Not guaranteed: that a caller that asks for a second connection while it holds a lease ever gets one. Do not.
package import EventLoop

package final class PostgresPool {
  /// What a pool tells whoever watches over it.
  package enum Change: Sendable {
    case connected
    /// A connection was lost or could not be made; the next try comes after the pause.
    case lost(PostgresError, retryIn: Duration)
  }

  package struct Limits: Sendable {
    package var waiters = 1_024
    package var wait = Duration.seconds(5)
    /// Single statements under way on one connection; more wait.
    package var pipelined = 256
    package init() {}
  }

  enum Request {
    case query(Statement, Batch.Completion)
    case lease((Result<Lease, PostgresError>) -> Void)
  }

  /// A claim on a place; the number tells it from later claims on the same place.
  struct Lease: Equatable {
    let slot: Int
    let number: UInt64
  }

  struct Waiter {
    let deadline: MonotonicTime
    let request: Request
  }

  /// Called on the loop at each change of a connection.
  package var onChange: ((Change) -> Void)?

  let loop: EventLoop
  let limits: Limits
  private let connectionString: String
  private let options: PostgresOptions
  let slots: [PoolSlot]
  private var waiters = Fifo<Waiter>()
  private var lastLease: UInt64 = 0
  private var waitTimer: LoopTimer?
  private var lastFailure: PostgresError?
  private var isStarted = false
  private var isClosed = false

  package init(
    loop: EventLoop, connectionString: String, size: Int = 4, options: PostgresOptions = PostgresOptions(),
    limits: Limits = Limits()
  ) {
    self.loop = loop
    self.connectionString = connectionString
    self.options = options
    self.limits = limits
    slots = (0..<max(1, size)).map { PoolSlot(index: $0) }
  }

  /// Begins to connect; on the loop. The first call of `query` or `lease` does it too.
  package func start() {
    guard !isStarted, !isClosed else { return }
    isStarted = true
    for slot in slots { connect(slot) }
  }

  /// Ends every connection for good; callers that wait fail.
  package func close() {
    isClosed = true
    waitTimer?.cancel()
    for waiter in waiters.removeAll() { fail(waiter.request, .connectionLost("the pool is closed")) }
    for slot in slots { slot.retry?.cancel() }
    for slot in slots { slot.connection?.close() }
  }

  /// Whether a statement could be sent now to some connection.
  package var isReady: Bool { slots.contains { $0.isOpen } }

  /// When the server was last heard from, on any connection.
  package var lastHeard: MonotonicTime? { slots.compactMap { $0.connection?.lastHeard }.max() }

  /// How the pool is used, for metrics.
  package var usage: (open: Int, leased: Int, pipelined: Int, waiting: Int) {
    (
      slots.count(where: \.isOpen), slots.count(where: \.isLeased),
      slots.reduce(0) { $0 + $1.load }, waiters.count
    )
  }

  // MARK: What callers use

  /// Runs one statement by itself: it is committed when the rows are here. It must not begin a transaction.
  @discardableResult
  package func query(_ statement: Statement) async throws(PostgresError) -> PostgresRows {
    let answer = await withUnsafeContinuation { continuation in
      ask(.query(statement) { continuation.resume(returning: $0) })
    }
    guard let rows = try answer.get().first else { throw .connectionLost("the server's answer is out of step") }
    return rows
  }

  /// Like `query`, without suspending: `completion` is called exactly once, on the loop, perhaps before this returns.
  package func submit(
    _ statement: Statement, completion: @escaping (Result<[PostgresRows], PostgresError>) -> Void
  ) {
    ask(.query(statement, completion))
  }

  /// Runs `body` with a connection that nobody else uses meanwhile.
  package func withConnection<Value>(
    _ body: (PostgresConnection) async throws(PostgresError) -> Value
  ) async throws(PostgresError) -> Value {
    let connection = try await lease()
    defer { giveBack(connection) }
    return try await body(connection)
  }

  /// Takes a connection that nobody else uses until it is given back.
  package func lease() async throws(PostgresError) -> PostgresConnection {
    // The connection itself does not go through the continuation: it belongs to this loop.
    let lease = try await withUnsafeContinuation { continuation in
      ask(.lease { continuation.resume(returning: $0) })
    }.get()
    // Lost since, and perhaps another's by now.
    guard let connection = slots[lease.slot].connection, slots[lease.slot].lease == lease else {
      throw .connectionLost("the connection ended before it was used")
    }
    return connection
  }

  /// Ends a lease. What is still under way finishes first; an open transaction is rolled back.
  package func giveBack(_ connection: PostgresConnection) {
    guard let slot = slots.first(where: { $0.connection === connection && $0.isLeased }) else { return }
    guard connection.isOpen, !connection.isIdle else {
      release(slot)
      return
    }
    connection.submit([Statement("ROLLBACK")], timeout: nil) { [weak self, weak connection] _ in
      guard let self, let connection, slot.connection === connection else { return }
      if connection.isIdle { self.release(slot) } else { connection.close() }
    }
  }

  private func release(_ slot: PoolSlot) {
    slot.lease = nil
    serve()
  }

  // MARK: Serving

  func ask(_ request: Request) {
    guard !isClosed else {
      fail(request, .connectionLost("the pool is closed"))
      return
    }
    start()
    if waiters.isEmpty, let slot = freeSlot() {
      give(slot, to: request)
    } else if waiters.count < limits.waiters {
      waiters.append(Waiter(deadline: MonotonicTime.now().advanced(by: limits.wait), request: request))
      watchWaiters()
    } else {
      fail(request, .poolExhausted)
    }
  }

  private func freeSlot() -> PoolSlot? {
    slots.lazy.filter { $0.isOpen && !$0.isLeased && $0.load < self.limits.pipelined }.min { $0.load < $1.load }
  }

  private func give(_ slot: PoolSlot, to request: Request) {
    switch request {
    case .lease(let completion):
      lastLease += 1
      let lease = Lease(slot: slot.index, number: lastLease)
      slot.lease = lease
      completion(.success(lease))
    case .query(let statement, let completion):
      slot.connection?.submit([statement], timeout: nil) { [weak self, weak slot] result in
        completion(result)
        guard let self, let slot else { return }
        self.queryEnded(slot)
      }
    }
  }

  private func queryEnded(_ slot: PoolSlot) {
    // A statement that began a transaction would carry the next ones into it.
    if let connection = slot.connection, connection.isOpen, !slot.isLeased, connection.pendingCount == 0,
      !connection.isIdle
    {
      connection.close()
    }
    serve()
  }

  /// Serves those who wait, in their order, as far as connections go.
  private func serve() {
    while !waiters.isEmpty, let slot = freeSlot(), let waiter = waiters.popFirst() { give(slot, to: waiter.request) }
  }

  private func fail(_ request: Request, _ error: PostgresError) {
    switch request {
    case .query(_, let completion): completion(.failure(error))
    case .lease(let completion): completion(.failure(error))
    }
  }

  /// All wait equally long, so the first in the queue is always the first whose time is over.
  private func watchWaiters() {
    guard waitTimer == nil, let first = waiters.first else { return }
    waitTimer = loop.schedule(after: first.deadline.since(.now())) { [weak self] in
      guard let self else { return }
      self.waitTimer = nil
      let now = MonotonicTime.now()
      while let waiter = self.waiters.first, waiter.deadline <= now {
        _ = self.waiters.popFirst()
        // Without any connection the reason is worth more than the fact that none came free.
        self.fail(waiter.request, self.isReady ? .poolExhausted : self.lastFailure ?? .poolExhausted)
      }
      self.watchWaiters()
    }
  }

  // MARK: Connecting

  private func connect(_ slot: PoolSlot) {
    guard !isClosed else { return }
    let connection = PostgresConnection(loop: loop, connectionString: connectionString, options: options)
    slot.connection = connection
    slot.lease = nil
    connection.onClose = { [weak self, weak slot] reason in
      guard let self, let slot else { return }
      slot.backOff.lost(opened: slot.opened)
      self.retry(slot, reason)
    }
    connection.open { [weak self, weak slot] result in
      guard let self, let slot else { return }
      switch result {
      case .success:
        slot.opened = .now()
        self.lastFailure = nil
        self.onChange?(.connected)
        self.serve()
      case .failure(let error): self.retry(slot, error)
      }
    }
  }

  private func retry(_ slot: PoolSlot, _ reason: PostgresError) {
    // A lease of it ends here; who holds it finds the connection closed.
    slot.connection = nil
    slot.lease = nil
    guard !isClosed else { return }
    let pause = slot.backOff.next()
    lastFailure = .lost(reason)
    slot.retry = loop.schedule(after: pause) { [weak self, weak slot] in
      guard let self, let slot else { return }
      self.connect(slot)
    }
    onChange?(.lost(reason, retryIn: pause))
  }
}

/// A place of the pool, with the connection that fills it just now.
final class PoolSlot {
  let index: Int
  var connection: PostgresConnection?
  /// Who has it to himself.
  var lease: PostgresPool.Lease?
  var opened = MonotonicTime(nanoseconds: 0)
  var backOff = BackOff()
  var retry: LoopTimer?

  init(index: Int) { self.index = index }

  var isLeased: Bool { lease != nil }
  var isOpen: Bool { connection?.isOpen ?? false }
  var load: Int { connection?.pendingCount ?? 0 }
}
