// What services speak to the database through. A Transaction lives inside one command: the runner opens it, stages its
// events, commits it; a service only adds statements. Both map the database's errors to problems.
package import Postgres

package protocol Database: AnyObject {
  func rows(_ sql: String, _ values: [PostgresValue]) async throws(Problem) -> PostgresRows
  /// Several statements in one round trip; the first that fails ends the batch.
  func batch(_ statements: [Statement]) async throws(Problem) -> [PostgresRows]
}

extension Database {
  package func rows(_ statement: Statement) async throws(Problem) -> PostgresRows {
    try await rows(statement.sql, statement.values)
  }
}

/// Reads outside a transaction, on whichever pooled connection is least busy.
package final class PooledDatabase: Database {
  private let pool: PostgresPool

  package init(_ pool: PostgresPool) { self.pool = pool }

  package func rows(_ sql: String, _ values: [PostgresValue] = []) async throws(Problem) -> PostgresRows {
    do throws(PostgresError) {
      return try await pool.query(Statement(sql, values))
    } catch {
      throw Problem(error)
    }
  }

  package func batch(_ statements: [Statement]) async throws(Problem) -> [PostgresRows] {
    do throws(PostgresError) {
      return try await pool.withConnection { (connection: PostgresConnection) async throws(PostgresError) in
        try await connection.execute(statements)
      }
    } catch {
      throw Problem(error)
    }
  }
}

package final class Transaction: Database {
  private let connection: PostgresConnection
  /// Statements that travel with the next round trip: BEGIN waits here, so that it costs none of its own.
  private var ahead: [Statement]

  init(_ connection: PostgresConnection, opening: [Statement]) {
    self.connection = connection
    ahead = opening
  }

  package func rows(_ sql: String, _ values: [PostgresValue] = []) async throws(Problem) -> PostgresRows {
    let results = try await batch([Statement(sql, values)])
    guard let last = results.last else { throw .internal() }
    return last
  }

  package func batch(_ statements: [Statement]) async throws(Problem) -> [PostgresRows] {
    let leading = ahead.count
    let all = ahead + statements
    ahead = []
    do throws(PostgresError) {
      return Array(try await connection.execute(all).dropFirst(leading))
    } catch {
      throw Problem(error)
    }
  }
}
