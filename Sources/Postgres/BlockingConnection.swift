// A session that blocks its thread, for what runs before the loops do (migrations, a private server, the doctor) or beside
// them (`hub check`). It also runs scripts of several commands, which a pipelined connection cannot.
import CPostgres

package final class BlockingConnection {
  private let handle: ConnectionHandle

  /// Without `statementTimeout` statements may take as long as they like.
  package init(
    _ connectionString: String, options: PostgresOptions = PostgresOptions(), statementTimeout: Duration? = nil
  ) throws(PostgresError) {
    guard let native = options.withKeywords(connectionString, { PQconnectdbParams($0, $1, 1) }) ?? nil else {
      throw .connectionLost("out of memory")
    }
    handle = ConnectionHandle(owning: native)
    guard PQstatus(native) == CONNECTION_OK else { throw .connectionLost(handle.reason) }
    try query(options.setUp(statementTimeout: statementTimeout))
  }

  @discardableResult
  package func query(_ statement: Statement) throws(PostgresError) -> PostgresRows {
    if let fault = statement.fault { throw .server(fault) }
    var parameters = ParameterBuffer()
    let result = parameters.withPointers(for: statement.values) { count, pointers in
      PQexecParams(handle.native, statement.sql, count, nil, pointers, nil, nil, 0)
    }
    return try check(result)
  }

  /// Runs a script of any number of commands, in one transaction unless the script says otherwise.
  func run(script: [UInt8]) throws(PostgresError) {
    if script.contains(0) {
      throw .server(ServerError(sqlState: "22021", message: "the script holds a zero byte"))
    }
    let result = (script + [0]).withUnsafeBytes { raw in
      raw.baseAddress.flatMap { PQexec(handle.native, $0.assumingMemoryBound(to: CChar.self)) }
    }
    _ = try check(result)
  }

  package func run(_ sql: String) throws(PostgresError) { try run(script: Array(sql.utf8)) }

  /// Whether the session is in a transaction that has not failed.
  var isInTransaction: Bool { PQtransactionStatus(handle.native) == PQTRANS_INTRANS }

  /// The process number that was given at sign-in; behind a pooler it is not that of the server's process.
  var backendPID: Int32 { PQbackendPID(handle.native) }

  private func check(_ result: OpaquePointer?) throws(PostgresError) -> PostgresRows {
    guard let result else { throw .connectionLost(handle.reason) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return PostgresRows(owning: result)
    case PGRES_FATAL_ERROR:
      defer { PQclear(result) }
      guard let error = ServerError(result) else { throw .connectionLost(errorMessage(ofResult: result)) }
      throw .server(error)
    default:
      PQclear(result)
      throw .connectionLost("COPY is not carried by this engine")
    }
  }
}
