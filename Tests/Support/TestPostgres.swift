// The Postgres of the tests: one private server a test process, a database for each test. And a plain libpq connection,
// the foreign writer that knows nothing of the hub's own engine.
import CPostgres
import Foundation
package import Postgres

package final class TestPostgres: @unchecked Sendable {
  // @unchecked: PrivatePostgres is used under the lock only.
  private static let lock = NSLock()
  nonisolated(unsafe) private static var current: TestPostgres?

  package let server: PrivatePostgres

  private init() throws {
    server = try PrivatePostgres.prepare(data: TestFolder.make("postgres"))
    // Suites run beside one another, each with hubs of its own, and a hub keeps about ten connections.
    let settings = try FileHandle(forWritingTo: URL(fileURLWithPath: server.clusterFolder + "/postgresql.conf"))
    try settings.seekToEnd()
    try settings.write(contentsOf: Data("max_connections = 400\n".utf8))
    try settings.close()
    try server.start()
  }

  /// The server of this process, started at first use.
  package static func shared() throws -> TestPostgres {
    lock.lock()
    defer { lock.unlock() }
    if let current { return current }
    let made = try TestPostgres()
    current = made
    return made
  }

  static func stopShared() {
    lock.lock()
    defer { lock.unlock() }
    try? current?.server.stop()
    current = nil
  }

  /// A new empty database; answers how to connect.
  package static func makeDatabase() throws -> String {
    let server = try shared().server
    let name = "test_" + UUID().uuidString.prefix(12).lowercased().replacingOccurrences(of: "-", with: "_")
    try ForeignConnection(server.connectionString).execute("CREATE DATABASE \(name)")
    return server.connectionString.replacing(/dbname=('[^']*'|\S+)/, with: "dbname=\(name)")
  }
}

/// A blocking libpq connection, as psql or another back end would have.
package final class ForeignConnection {
  private let native: OpaquePointer

  package init(_ connectionString: String) throws {
    let native = PQconnectdb(connectionString)
    guard let native, PQstatus(native) == CONNECTION_OK else {
      PQfinish(native)
      throw SupportError("cannot connect to \(connectionString)")
    }
    self.native = native
  }

  deinit { PQfinish(native) }

  /// Runs one statement; answers its rows as text, null as "".
  @discardableResult
  package func execute(_ sql: String, _ values: [String] = []) throws -> [[String]] {
    let result: OpaquePointer?
    if values.isEmpty {
      // The simple protocol: also several statements at once.
      result = PQexec(native, sql)
    } else {
      let texts = values.map { strdup($0) }
      defer { for text in texts { free(text) } }
      let pointers = texts.map { UnsafePointer<CChar>($0) }
      result = pointers.withUnsafeBufferPointer {
        PQexecParams(native, sql, Int32(values.count), nil, $0.baseAddress, nil, nil, 0)
      }
    }
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
      throw SupportError(String(cString: PQerrorMessage(native)))
    }
    return (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in String(cString: PQgetvalue(result, row, column)) }
    }
  }
}
