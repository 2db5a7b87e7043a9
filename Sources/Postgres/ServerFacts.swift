// What `hub doctor` wants to know of a server.
import EventLoop

package struct ServerFacts: Sendable, Equatable {
  package enum Pooler: Sendable, Equatable {
    case none
    /// A pooler that gives a client one server session for as long as it stays.
    case session
    /// A pooler that may give each transaction another session: LISTEN, prepared statements and session locks fail.
    case transaction
  }

  /// As the server says it, such as "15.18 (Debian 15.18-0+deb12u1)".
  package let version: String
  /// As a number that compares: 150018 is 15.18.
  package let versionNumber: Int
  package let pooler: Pooler
  /// The server's clock less this machine's, in milliseconds; it is uncertain by half of `roundTrip`.
  package let clockSkew: Int64
  /// The quickest of several trivial queries.
  package let roundTrip: Duration
  package let maximumConnections: Int
  /// Sessions of all databases just now.
  package let usedConnections: Int
  /// A standby takes no writes.
  package let isStandby: Bool

  /// Asks the server, over two connections; blocking.
  package static func gather(
    _ connectionString: String, options: PostgresOptions = PostgresOptions(applicationName: "hub doctor")
  ) throws(PostgresError) -> ServerFacts {
    let session = try BlockingConnection(connectionString, options: options, statementTimeout: .seconds(10))
    let (skew, roundTrip) = try clock(session)
    let rows = try session.query(
      Statement(
        """
        SELECT current_setting('server_version'), current_setting('server_version_num'),
          current_setting('max_connections'), pg_is_in_recovery(),
          (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
        """))
    let row = rows[0]
    return ServerFacts(
      version: row.string(0), versionNumber: Int(row.int64(1)),
      pooler: try pooler(session, connectionString, options), clockSkew: skew, roundTrip: roundTrip,
      maximumConnections: Int(row.int64(2)), usedConnections: Int(row.int64(4)), isStandby: row.bool(3))
  }

  /// The quickest of five exchanges is the one whose midpoint is known best.
  private static func clock(_ session: BlockingConnection) throws(PostgresError) -> (Int64, Duration) {
    var best: (skew: Int64, roundTrip: Duration) = (0, .seconds(3600))
    for _ in 0..<5 {
      let begun = MonotonicTime.now()
      let wall = wallClockMicroseconds()
      let rows = try session.query(
        Statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
      let roundTrip = MonotonicTime.now().since(begun)
      guard roundTrip < best.roundTrip else { continue }
      let middle = wall + Int64(roundTrip / .microseconds(2))
      best = ((rows[0].int64(0) - middle) / 1000, roundTrip)
    }
    return best
  }

  /// A pooler signs clients in itself, so the process number from sign-in is not that of the server's process. Whether
  /// it pools transactions shows when another client is in a transaction meanwhile: then the session changes.
  private static func pooler(
    _ session: BlockingConnection, _ connectionString: String, _ options: PostgresOptions
  ) throws(PostgresError) -> Pooler {
    let before = try process(session)
    guard before != Int64(session.backendPID) else { return .none }
    let other = try BlockingConnection(connectionString, options: options, statementTimeout: .seconds(10))
    try other.run("BEGIN")
    let taken = try process(other)
    let after = try process(session)
    try other.run("ROLLBACK")
    return taken == before || after != before ? .transaction : .session
  }

  private static func process(_ session: BlockingConnection) throws(PostgresError) -> Int64 {
    try session.query(Statement("SELECT pg_backend_pid()"))[0].int64(0)
  }
}
