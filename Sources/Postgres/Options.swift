// How a connection is made: what the caller may choose, and how that becomes the parameters of libpq.
import CPostgres
import Glibc

package struct PostgresOptions: Sendable {
  /// Shown in pg_stat_activity, unless the connection string names another.
  package var applicationName = "hub"
  /// Run-time parameters set as the session opens, such as ("hub.notify", "off"); a bad one makes opening fail.
  package var parameters: [(name: String, value: String)] = []
  /// For all of opening: name look-up, connection, sign-in and the run-time parameters.
  package var connectTimeout: Duration = .seconds(5)
  /// After this the connection is closed; the server itself gives the statement up a little later.
  package var statementTimeout: Duration = .seconds(30)
  /// Statements kept prepared in a session.
  package var preparedLimit = 512

  package init(applicationName: String = "hub", parameters: [(name: String, value: String)] = []) {
    self.applicationName = applicationName
    self.parameters = parameters
  }

  /// One statement that sets every run-time parameter. `set_config` takes values as parameters where SET takes none.
  /// The server's own statement time-out ends what a closed connection left running.
  func setUp(statementTimeout: Duration?) -> Statement {
    var settings = [(name: "timezone", value: "UTC")]
    if let statementTimeout {
      let milliseconds = (statementTimeout + .seconds(5)) / .milliseconds(1)
      settings.append((name: "statement_timeout", value: String(Int64(milliseconds))))
    }
    settings += parameters
    var values: [PostgresValue] = []
    var calls: [String] = []
    for setting in settings {
      values += [.text(setting.name), .text(setting.value)]
      calls.append("set_config($\(values.count - 1), $\(values.count), false)")
    }
    return Statement("SELECT " + calls.joined(separator: ", "), values)
  }

  /// Calls `body` with the keywords and values that PQconnectStartParams takes. Those before `dbname` are defaults that
  /// the connection string may override, those after it are not.
  func withKeywords<Answer>(
    _ connectionString: String,
    _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Answer
  ) -> Answer? {
    // A cut network is noticed after 10 s + 3 × 3 s of silence, or when sent bytes stay unacknowledged for 10 s.
    let pairs = [
      ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "3"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "10000"), ("connect_timeout", "5"), ("application_name", applicationName),
      ("dbname", connectionString), ("client_encoding", "UTF8"),
    ]
    let keywords = pairs.map { strdup($0.0) }
    let values = pairs.map { strdup($0.1) }
    defer { for text in keywords + values { free(text) } }
    return (keywords.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { keywords in
      (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
        guard let keywords = keywords.baseAddress, let values = values.baseAddress else { return nil }
        return body(keywords, values)
      }
    }
  }
}
