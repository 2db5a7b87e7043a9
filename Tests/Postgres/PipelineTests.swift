import EventLoop
import Testing

@testable import Postgres

@Suite("The pipeline", .timeLimit(.minutes(1)))
struct PipelineTests {
  @Test("answers calls in the order they were made, each with its own rows")
  func order() async throws {
    try await withConnection { connection, _ in
      let answers = Events<Int64>()
      for number in 0..<500 {
        let statement = Statement("SELECT $1::bigint, pg_sleep(0)", [.integer(Int64(number))])
        connection.submit([statement], timeout: nil) { answers.send((try? $0.get())?.first?[0].int64(0) ?? -1) }
      }
      #expect(connection.pendingCount == 500)
      for number in 0..<500 { #expect(await answers.next() == Int64(number)) }
      #expect(connection.pendingCount == 0 && connection.isIdle)
    }
  }

  @Test("keeps a failure with the caller whose it is")
  func isolation() async throws {
    try await withConnection { connection, _ in
      let answers = Events<String>()
      for divisor in [1, 0, 2, 0, 4] as [Int64] {
        let statement = Statement("SELECT 8 / $1::int", [.integer(divisor)])
        connection.submit([statement], timeout: nil) { result in
          switch result {
          case .success(let rows): answers.send(rows[0][0].string(0))
          case .failure(let error): answers.send(error.sqlState ?? "\(error)")
          }
        }
      }
      for expected in ["8", "22012", "4", "22012", "2"] {
        #expect(await answers.next() == expected)
      }
    }
  }

  @Test("undoes a batch whose last statement fails, and runs nothing after the failure")
  func batchAbort() async throws {
    try await withConnection { connection, _ in
      try await connection.execute(Statement("CREATE TEMPORARY TABLE step (id int)"))
      let error = await failure {
        try await connection.execute([
          Statement("INSERT INTO step VALUES (1)"), Statement("SELECT 1 / 0"), Statement("SELECT absent()"),
        ])
      }
      #expect(error?.sqlState == "22012")
      #expect(try await connection.execute(Statement("SELECT count(*) FROM step"))[0].int64(0) == 0)
      #expect(connection.isIdle)
    }
  }

  @Test("prepares a statement once a session")
  func preparedOnce() async throws {
    try await withConnection { connection, _ in
      for _ in 0..<3 { try await connection.execute([Statement("SELECT 41"), Statement("SELECT 41")]) }
      let rows = try await connection.execute(
        Statement("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 41'"))
      #expect(rows[0].int64(0) == 1)
    }
  }

  @Test("does not believe a statement prepared that an aborted batch never came to")
  func cacheAfterAbort() async throws {
    try await withConnection { connection, _ in
      let late = Statement("SELECT $1::int + 1", [1])
      let answers = Events<String>()
      func note(_ result: Result<[PostgresRows], PostgresError>) {
        switch result {
        case .success(let rows): answers.send(rows[0][0].string(0))
        case .failure(let error): answers.send(error.sqlState ?? "\(error)")
        }
      }
      // The second call is sent while the first, which will abort before it prepares `late`, is still under way.
      connection.submit([Statement("SELECT 1 / 0"), late], timeout: nil, completion: note)
      connection.submit([late], timeout: nil, completion: note)
      #expect(await answers.next() == "22012")
      #expect(await answers.next() == "2")
      for _ in 0..<2 {
        let rows = try await connection.execute(late)
        #expect(rows[0].int64(0) == 2)
      }
    }
  }

  @Test("prepares anew after the session's statements were deallocated or their tables changed")
  func cacheAfterChange() async throws {
    try await withConnection { connection, _ in
      let seven = Statement("SELECT 7")
      try await connection.execute(seven)
      try await connection.execute(Statement("DEALLOCATE ALL"))
      // The first statement after it finds out; what it was prepared as is gone.
      _ = await failure { try await connection.execute(seven) }
      #expect(try await connection.execute(seven)[0].int64(0) == 7)

      try await connection.execute(Statement("CREATE TEMPORARY TABLE changing (id int)"))
      let all = Statement("SELECT * FROM changing")
      try await connection.execute(all)
      try await connection.execute(Statement("ALTER TABLE changing ADD name text"))
      let changed = await failure { try await connection.execute(all) }
      #expect(changed?.sqlState == "0A000")
      #expect(try await connection.execute(all).columns == 2)
    }
  }

  @Test("keeps no more statements prepared than its limit")
  func bounded() async throws {
    var options = PostgresOptions()
    options.preparedLimit = 8
    try await withConnection(options) { connection, _ in
      for number in 0..<40 {
        #expect(try await connection.execute(Statement("SELECT \(number)"))[0].int64(0) == Int64(number))
        let rows = try await connection.execute(Statement("SELECT count(*) FROM pg_prepared_statements"))
        #expect(rows[0].int64(0) <= 8)
      }
    }
  }

  @Test("ends the connection when a statement takes too long, and tells those behind it apart")
  func statementTimeout() async throws {
    try await withConnection { connection, _ in
      let answers = Events<PostgresError?>()
      let closed = Events<PostgresError>()
      connection.onClose = { closed.send($0) }
      func note(_ result: Result<[PostgresRows], PostgresError>) {
        if case .failure(let error) = result { answers.send(error) } else { answers.send(nil) }
      }
      connection.submit([Statement("SELECT 1")], timeout: nil, completion: note)
      connection.submit([Statement("SELECT pg_sleep(60)")], timeout: .milliseconds(50), completion: note)
      connection.submit([Statement("SELECT 2")], timeout: nil, completion: note)
      #expect(await answers.next() == nil)
      #expect(await answers.next() == .timedOut)
      #expect(await answers.next()?.isLost == true)
      #expect(await closed.next() == .timedOut)
      #expect(!connection.isOpen)
    }
  }

  @Test("holds a transaction over several calls")
  func transaction() async throws {
    try await withConnection { connection, _ in
      try await connection.execute([
        Statement("BEGIN"), Statement("CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT 1"),
      ])
      #expect(!connection.isIdle)
      #expect(await failure { try await connection.execute(Statement("SELECT 1 / 0")) } != nil)
      let aborted = await failure { try await connection.execute(Statement("SELECT 1")) }
      #expect(aborted?.sqlState == "25P02")
      try await connection.execute(Statement("ROLLBACK"))
      #expect(connection.isIdle)
    }
  }
}
