// One session with the server, non-blocking and pipelined, on one loop.
//
// 1. It belongs to its loop's thread: callers are isolated to an actor of that loop, so nothing here is locked.
// 2. Opening: a thread begins it (Dialer), PQconnectPoll carries it on, one statement sets the run-time parameters.
//    All of it has one time limit.
// 3. Calls are sent at once, one behind another; each ends with a Sync, so a failure stays with its caller
//    (Pipeline.swift).
// 4. However it ends, `end` is the one place: every pending call gets its answer exactly once, then `onClose` is
//    called.
// 5. An open connection is held by its loop: who opened it closes it.
// Not here: a second try (Pool.swift, Listener.swift), scripts of several commands (BlockingConnection.swift).
import CPostgres
package import EventLoop

package final class PostgresConnection: DescriptorHandler {
  enum State {
    case unopened
    case dialling(Dialer)
    case negotiating(ConnectionHandle)
    /// Waiting for the run-time parameters to be set.
    case settingUp(ConnectionHandle)
    case open(ConnectionHandle)
    case closed(PostgresError)
  }

  /// Called for each notification of the channels that this session listens to.
  package var onNotification: ((_ channel: String, _ payload: String, _ backendPID: Int32) -> Void)?
  /// Called once when a connection that was open has ended, after its pending calls have failed.
  package var onClose: ((PostgresError) -> Void)?
  /// When the server was last heard from.
  package internal(set) var lastHeard: MonotonicTime?

  let loop: EventLoop
  let options: PostgresOptions
  private let connectionString: String
  var state = State.unopened
  var pending = Fifo<Batch>()
  var cache: StatementCache
  var parameters = ParameterBuffer()
  var lastBatch: UInt64 = 0
  var deadlineTimer: LoopTimer?
  var deadlineDue: MonotonicTime?
  private var watched: (descriptor: Int32, interest: Readiness)?
  private var openTimer: LoopTimer?
  private var opening: ((Result<Void, PostgresError>) -> Void)?

  package init(loop: EventLoop, connectionString: String, options: PostgresOptions = PostgresOptions()) {
    self.loop = loop
    self.connectionString = connectionString
    self.options = options
    cache = StatementCache(limit: options.preparedLimit)
  }

  // MARK: What callers use

  /// Connects, signs in and sets the run-time parameters. A connection is opened once.
  package func open() async throws(PostgresError) {
    try await withUnsafeContinuation { continuation in
      open { continuation.resume(returning: $0) }
    }.get()
  }

  /// Runs one statement and answers with its rows once it is committed (or, inside a transaction, done).
  @discardableResult
  package func execute(_ statement: Statement, timeout: Duration? = nil) async throws(PostgresError) -> PostgresRows {
    let all = try await execute([statement], timeout: timeout)
    guard let rows = all.first else { throw .connectionLost("the server's answer is out of step") }
    return rows
  }

  /// Runs the statements in one round trip, all or none: the first that fails ends the batch, and unless they stand in
  /// a transaction that was begun before, those ahead of it are undone.
  @discardableResult
  package func execute(_ batch: [Statement], timeout: Duration? = nil) async throws(PostgresError) -> [PostgresRows] {
    try await withUnsafeContinuation { continuation in
      submit(batch, timeout: timeout) { continuation.resume(returning: $0) }
    }.get()
  }

  /// Ends the session; calls that wait fail.
  package func close() { end(.connectionLost("closed")) }

  package var isOpen: Bool { if case .open = state { true } else { false } }

  /// The process that serves this session, as `pg_backend_pid()` says it; 0 when it is not open.
  package var backendPID: Int32 { handle.map { PQbackendPID($0.native) } ?? 0 }

  /// Whether the session is outside a transaction and nothing is under way.
  package var isIdle: Bool { handle.map { PQtransactionStatus($0.native) == PQTRANS_IDLE } ?? false }

  /// Calls that wait for their answer.
  package var pendingCount: Int { pending.count }

  // MARK: Opening

  func open(completion: @escaping (Result<Void, PostgresError>) -> Void) {
    guard case .unopened = state else {
      completion(.failure(.connectionLost("this connection was opened before")))
      return
    }
    opening = completion
    openTimer = loop.schedule(after: options.connectTimeout) { [weak self] in self?.end(.timedOut) }
    do {
      let dialer = try Dialer(loop: loop, connectionString: connectionString, options: options) { [weak self] handle in
        self?.begun(handle)
      }
      state = .dialling(dialer)
    } catch {
      end(.connectionLost("\(error)"))
    }
  }

  private func begun(_ handle: ConnectionHandle?) {
    guard let handle else {
      end(.connectionLost("out of memory"))
      return
    }
    state = .negotiating(handle)
    if PQstatus(handle.native) == CONNECTION_BAD {
      end(.connectionLost(handle.reason))
    } else {
      // libpq: after PQconnectStart proceed as if PQconnectPoll had answered PGRES_POLLING_WRITING.
      watch(handle, for: .writable)
    }
  }

  private func negotiate(_ handle: ConnectionHandle) {
    // PQconnectPoll may close its socket and make another, under the same number or not.
    unwatch()
    switch PQconnectPoll(handle.native) {
    case PGRES_POLLING_READING: watch(handle, for: .readable)
    case PGRES_POLLING_WRITING: watch(handle, for: .writable)
    case PGRES_POLLING_OK: setUp(handle)
    default: end(.connectionLost(handle.reason))
    }
  }

  private func setUp(_ handle: ConnectionHandle) {
    guard PQsetnonblocking(handle.native, 1) == 0, PQenterPipelineMode(handle.native) == 1 else {
      end(.connectionLost(handle.reason))
      return
    }
    state = .settingUp(handle)
    watch(handle, for: .readable)
    submit([options.setUp(statementTimeout: options.statementTimeout)], timeout: nil) { [weak self] result in
      guard let self, case .settingUp(let handle) = self.state else { return }
      switch result {
      case .success:
        self.state = .open(handle)
        self.openTimer?.cancel()
        self.finishOpening(.success(()))
      case .failure(let error): self.end(error)
      }
    }
  }

  private func finishOpening(_ result: Result<Void, PostgresError>) {
    guard let completion = opening else { return }
    opening = nil
    completion(result)
  }

  // MARK: Readiness

  package func ready(_ readiness: Readiness) {
    switch state {
    case .unopened, .dialling, .closed: break
    case .negotiating(let handle): negotiate(handle)
    case .settingUp(let handle), .open(let handle): transfer(handle, readiness)
    }
  }

  /// The session that statements go to.
  var handle: ConnectionHandle? {
    switch state {
    case .settingUp(let handle), .open(let handle): handle
    case .unopened, .dialling, .negotiating, .closed: nil
    }
  }

  func watch(_ handle: ConnectionHandle, for interest: Readiness) {
    let descriptor = PQsocket(handle.native)
    do {
      if let watched {
        guard watched.interest != interest else { return }
        try loop.modify(descriptor, for: interest)
      } else {
        try loop.register(descriptor, for: interest, handler: self)
      }
      watched = (descriptor, interest)
    } catch {
      end(.connectionLost("\(error)"))
    }
  }

  private func unwatch() {
    guard let watched else { return }
    loop.unregister(watched.descriptor)
    self.watched = nil
  }

  // MARK: Ending

  /// Ends the connection for `reason`.
  func end(_ reason: PostgresError) {
    if case .closed = state { return }
    let wasOpen = isOpen
    if case .dialling(let dialer) = state { dialer.abandon() }
    unwatch()
    openTimer?.cancel()
    deadlineTimer?.cancel()
    // Whoever calls this from inside a libpq loop still holds the handle, so PQfinish comes after that loop.
    state = .closed(reason)
    finishOpening(.failure(reason))
    let now = MonotonicTime.now()
    for batch in pending.removeAll() {
      // Those behind the call that took too long did not time out: their connection was taken from them.
      batch.fail(reason == .timedOut && batch.deadline <= now ? .timedOut : .lost(reason))
    }
    onNotification = nil
    let callback = onClose
    onClose = nil
    if wasOpen { callback?(reason) }
  }
}
