// The connection that hears notifications. It connects again whenever it is lost; since what was notified meanwhile is
// gone, `listening` tells its owner each time to read what it may have missed, after LISTEN has taken effect.
//
// A trivial query every second keeps `lastHeard` fresh and notices a server that is connected but answers no more.
package import EventLoop

package final class PostgresListener {
  package struct Timing: Sendable {
    /// From one sign of life to asking for the next.
    package var heartbeat = Duration.seconds(1)
    /// A heartbeat unanswered for so long ends the connection.
    package var silence = Duration.seconds(3)
    package init() {}
  }

  /// LISTEN has taken effect, at first and after each reconnection: read now what came before.
  package var listening: (() -> Void)?
  package var notified: ((_ payload: String, _ backendPID: Int32) -> Void)?
  /// Notifications are missed from now on until `listening` comes again.
  package var lost: ((PostgresError) -> Void)?

  private let loop: EventLoop
  private let connectionString: String
  private let channels: [String]
  private let options: PostgresOptions
  private let timing: Timing
  private var connection: PostgresConnection?
  private var backOff = BackOff()
  private var opened = MonotonicTime(nanoseconds: 0)
  private var timer: LoopTimer?
  private var isClosed = false

  /// Listens to `channels`; the connection string must lead to the server itself, not to a pooler of transactions.
  package init(
    loop: EventLoop, connectionString: String, channels: [String] = ["hub"],
    options: PostgresOptions = PostgresOptions(applicationName: "hub listener"), timing: Timing = Timing()
  ) {
    self.loop = loop
    self.connectionString = connectionString
    self.channels = channels
    self.options = options
    self.timing = timing
  }

  /// Connects, again and again until it is closed; on the loop.
  package func start() {
    guard connection == nil, !isClosed else { return }
    connect()
  }

  package func close() {
    isClosed = true
    timer?.cancel()
    connection?.close()
  }

  package private(set) var isListening = false

  /// The process that serves this session, 0 while there is none; `notified` reports it for this session's own NOTIFY.
  package var backendPID: Int32 { connection?.backendPID ?? 0 }

  package private(set) var lastHeard: MonotonicTime?

  /// Runs another statement on this connection; a long one delays notifications and heartbeats.
  @discardableResult
  package func execute(_ statement: Statement) async throws(PostgresError) -> PostgresRows {
    guard let connection else { throw .connectionLost("not connected") }
    return try await connection.execute(statement)
  }

  // MARK: Connecting

  private func connect() {
    guard !isClosed else { return }
    let connection = PostgresConnection(loop: loop, connectionString: connectionString, options: options)
    self.connection = connection
    connection.onNotification = { [weak self] _, payload, backend in
      self?.heard()
      self?.notified?(payload, backend)
    }
    connection.onClose = { [weak self] in self?.ended($0) }
    connection.open { [weak self] result in
      guard let self else { return }
      switch result {
      case .success: self.listen(connection)
      case .failure(let error): self.ended(error)
      }
    }
  }

  private func listen(_ connection: PostgresConnection) {
    opened = .now()
    let statements = channels.map { Statement("LISTEN " + Self.quoted($0)) }
    connection.submit(statements, timeout: nil) { [weak self, weak connection] result in
      guard let self, let connection, connection === self.connection else { return }
      switch result {
      case .success:
        self.isListening = true
        self.heard()
        self.beat(connection)
        self.listening?()
      // Where it was the connection that failed, `onClose` does the rest.
      case .failure: connection.close()
      }
    }
  }

  private func ended(_ reason: PostgresError) {
    timer?.cancel()
    let wasListening = isListening
    isListening = false
    connection = nil
    backOff.lost(opened: opened)
    if !isClosed {
      timer = loop.schedule(after: backOff.next()) { [weak self] in self?.connect() }
    }
    if wasListening { lost?(reason) }
  }

  // MARK: Heartbeat

  private func heard() { lastHeard = .now() }

  private func beat(_ connection: PostgresConnection) {
    timer = loop.schedule(after: timing.heartbeat) { [weak self, weak connection] in
      guard let self, let connection, connection.isOpen else { return }
      // Behind another statement a heartbeat would only measure that one, which has a time limit of its own.
      guard connection.pendingCount == 0 else { return self.beat(connection) }
      connection.submit([Statement("SELECT 1")], timeout: self.timing.silence) { [weak self, weak connection] result in
        guard let self, let connection, case .success = result else { return }
        self.heard()
        self.beat(connection)
      }
    }
  }

  /// A name as SQL takes it whatever is in it.
  private static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
