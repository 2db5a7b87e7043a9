import EventLoop
import Glibc
import Testing

@testable import Postgres

/// In every state in which a session can be lost, each call is answered once and the owner is told once.
@Suite("A connection that the server ends", .timeLimit(.minutes(1)))
struct LossTests {
  private func terminate(_ backend: Int32) throws {
    try TestServer.shared().run("SELECT pg_terminate_backend($1)", [.integer(Int64(backend))])
  }

  @Test("while it is idle tells its owner why")
  func idle() async throws {
    try await withConnection { connection, _ in
      let closed = Events<PostgresError>()
      connection.onClose = { closed.send($0) }
      try terminate(connection.backendPID)
      let reason = await closed.next()
      #expect(reason == .connectionLost("terminating connection due to administrator command"))
      let later = await failure { try await connection.execute(Statement("SELECT 1")) }
      #expect(later == reason)
      #expect(connection.backendPID == 0 && !connection.isIdle)
    }
  }

  @Test("while statements are under way fails each of them", arguments: [1, 3, 100])
  func underWay(_ calls: Int) async throws {
    try await withConnection { connection, _ in
      let answers = Events<PostgresError?>()
      let closed = Events<Int>()
      connection.onClose = { _ in closed.send(connection.pendingCount) }
      let backend = connection.backendPID
      for _ in 0..<calls {
        connection.submit([Statement("SELECT pg_sleep(60)")], timeout: nil) { result in
          if case .failure(let error) = result { answers.send(error) } else { answers.send(nil) }
        }
      }
      try terminate(backend)
      for _ in 0..<calls { #expect(await answers.next()?.isLost == true) }
      #expect(await closed.next() == 0)
    }
  }

  @Test("inside a transaction fails the next call")
  func transaction() async throws {
    try await withConnection { connection, _ in
      try await connection.execute(Statement("BEGIN"))
      let closed = Events<PostgresError>()
      connection.onClose = { closed.send($0) }
      try terminate(connection.backendPID)
      let error = await failure { try await connection.execute(Statement("COMMIT")) }
      #expect(error?.isLost == true)
      #expect(await closed.next().isLost)
    }
  }

  @Test("by its own statement gives the answers that came before")
  func ownStatement() async throws {
    try await withConnection { connection, _ in
      let answers = Events<String>()
      for sql in ["SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 3"] {
        connection.submit([Statement(sql)], timeout: nil) { result in
          switch result {
          case .success(let rows): answers.send(rows[0][0].string(0))
          case .failure(let error): answers.send(error.isLost ? "lost" : "\(error)")
          }
        }
      }
      #expect(await answers.next() == "1")
      #expect(await answers.next() == "lost")
      #expect(await answers.next() == "lost")
    }
  }

  @Test("while a large statement is still being sent fails it")
  func sending() async throws {
    try await withConnection { connection, _ in
      let answers = Events<Bool>()
      let backend = connection.backendPID
      connection.submit([Statement("SELECT pg_sleep(60)")], timeout: nil) { _ in }
      let large = Statement("SELECT length($1::text)", [.text(String(repeating: "x", count: 16 << 20))])
      connection.submit([large], timeout: nil) {
        if case .failure(.connectionLost) = $0 { answers.send(true) } else { answers.send(false) }
      }
      try terminate(backend)
      #expect(await answers.next())
    }
  }

  @Test("or that its owner closes, in any state, answers every call once")
  func closed() async throws {
    let target = try TestServer.shared().connectionString
    try await onLoop { home in
      // Before and while it opens.
      let unopened = PostgresConnection(loop: home.loop, connectionString: target)
      #expect(await failure { try await unopened.execute(Statement("SELECT 1")) }?.isLost == true)
      unopened.close()
      let opening = PostgresConnection(loop: home.loop, connectionString: target)
      let opened = Events<Bool>()
      opening.open { if case .success = $0 { opened.send(true) } else { opened.send(false) } }
      opening.close()
      #expect(await opened.next() == false)
      // With calls under way.
      let busy = PostgresConnection(loop: home.loop, connectionString: target)
      try await busy.open()
      let answers = Events<Bool>()
      for _ in 0..<3 {
        busy.submit([Statement("SELECT pg_sleep(60)")], timeout: nil) { result in
          // Closing again from inside must do no harm.
          busy.close()
          if case .failure(.connectionLost("closed")) = result { answers.send(true) } else { answers.send(false) }
        }
      }
      busy.close()
      for _ in 0..<3 { #expect(await answers.next()) }
    }
  }
}
