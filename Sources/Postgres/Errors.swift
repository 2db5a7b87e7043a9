// What can go wrong with a statement, and how a PGresult or PGconn says it.
import CPostgres

/// An error that the server reported.
package struct ServerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The five characters of SQLSTATE (PostgreSQL appendix A), such as `23505` for a unique violation.
  package let sqlState: String
  package let message: String
  package let detail: String?
  package let hint: String?
  package let constraint: String?
  package let table: String?
  package let column: String?

  package init(
    sqlState: String, message: String, detail: String? = nil, hint: String? = nil, constraint: String? = nil,
    table: String? = nil, column: String? = nil
  ) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.constraint = constraint
    self.table = table
    self.column = column
  }

  package var description: String {
    var text = "\(sqlState) \(message)"
    if let detail { text += " (\(detail))" }
    if let hint { text += " Hint: \(hint)" }
    return text
  }
}

/// Why a call to Postgres failed.
package enum PostgresError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The connection ended before the answer was complete. Whether a statement, a COMMIT above all, took effect is
  /// unknown.
  case connectionLost(String)
  /// The answer did not come in time; the connection was closed for it. Whether it took effect is unknown.
  case timedOut
  /// No connection came free in time, or too many callers wait already; nothing was sent.
  case poolExhausted
  case server(ServerError)

  package var description: String {
    switch self {
    case .connectionLost(let reason): "connection to Postgres lost: \(reason)"
    case .timedOut: "Postgres did not answer in time"
    case .poolExhausted: "no connection to Postgres came free in time"
    case .server(let error): "Postgres: \(error)"
    }
  }
}

extension PostgresError {
  /// What a call is told whose connection ended for `reason`.
  static func lost(_ reason: PostgresError) -> PostgresError {
    switch reason {
    case .connectionLost: reason
    case .timedOut: .connectionLost("closed after a time-out")
    case .poolExhausted, .server: .connectionLost("\(reason)")
    }
  }
}

extension ServerError {
  /// Reads a result of status PGRES_FATAL_ERROR; nil when the error is libpq's own (no SQLSTATE) or ends the session.
  init?(_ result: OpaquePointer) {
    func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
    guard let state = field(hub_field_sqlstate), !endsSession(result) else { return nil }
    self.init(
      sqlState: state, message: field(hub_field_message) ?? "unknown error", detail: field(hub_field_detail),
      hint: field(hub_field_hint), constraint: field(hub_field_constraint), table: field(hub_field_table),
      column: field(hub_field_column))
  }
}

/// Whether the server ends the session with this message.
func endsSession(_ result: OpaquePointer) -> Bool {
  guard let severity = PQresultErrorField(result, hub_field_severity) else { return false }
  let text = String(cString: severity)
  return text == "FATAL" || text == "PANIC"
}

/// The message of a result, on one line.
func errorMessage(ofResult result: OpaquePointer) -> String {
  if let primary = PQresultErrorField(result, hub_field_message) { return String(cString: primary) }
  return oneLine(UnsafePointer(PQresultErrorMessage(result)))
}

/// The last message of a connection, on one line.
func errorMessage(ofConnection connection: OpaquePointer) -> String {
  oneLine(UnsafePointer(PQerrorMessage(connection)))
}

private func oneLine(_ text: UnsafePointer<CChar>?) -> String {
  let lines = text.map { String(cString: $0) }?.split(separator: "\n") ?? []
  return lines.isEmpty ? "unknown error" : lines.joined(separator: "; ")
}
