import EventLoop
import Glibc
import Testing

@testable import Postgres

@Suite("The pool", .timeLimit(.minutes(1)))
struct PoolTests {
  private func withPool(
    size: Int, limits: PostgresPool.Limits = PostgresPool.Limits(), target: String? = nil,
    _ body: @Sendable (PostgresPool, isolated Home) async throws -> Void
  ) async throws {
    let target = try target ?? TestServer.shared().connectionString
    try await onLoop { home in
      let pool = PostgresPool(loop: home.loop, connectionString: target, size: size, limits: limits)
      defer { pool.close() }
      try await body(pool, home)
    }
  }

  private static let sleep = Statement("SELECT pg_sleep(60)")

  @Test("connects by itself at the first statement and knows when it heard from the server")
  func first() async throws {
    try await withPool(size: 2) { pool, _ in
      #expect(!pool.isReady && pool.lastHeard == nil)
      let rows = try await pool.query(Statement("SELECT $1::int * 2", [21]))
      #expect(rows[0].int64(0) == 42)
      #expect(pool.isReady && pool.lastHeard != nil)
      let error = await failure { try await pool.query(Statement("SELECT 1 / 0")) }
      #expect(error?.sqlState == "22012")
    }
  }

  @Test("pipelines statements on the least busy connection")
  func leastBusy() async throws {
    try await withPool(size: 2) { pool, _ in
      let changes = Events<Bool>()
      pool.onChange = { if case .connected = $0 { changes.send(true) } }
      pool.start()
      for _ in 0..<2 { #expect(await changes.next()) }
      let answers = Events<String>()
      for _ in 0..<10 {
        pool.ask(.query(Statement("SELECT pg_backend_pid()")) { answers.send((try? $0.get())?[0][0].string(0) ?? "") })
      }
      #expect(pool.usage.pipelined == 10 && pool.usage.waiting == 0)
      var counts: [String: Int] = [:]
      for _ in 0..<10 { counts[await answers.next(), default: 0] += 1 }
      #expect(counts.values.sorted() == [5, 5])
    }
  }

  @Test("gives a lease a connection of its own, and everybody a turn in the order they asked")
  func fairness() async throws {
    try await withPool(size: 1) { pool, _ in
      let held = try await pool.lease()
      let order = Events<String>()
      pool.ask(.query(Statement("SELECT 1")) { _ in order.send("first query") })
      pool.ask(
        .lease { result in
          order.send("lease")
          if case .success(let lease) = result, let connection = pool.slots[lease.slot].connection {
            pool.giveBack(connection)
          }
        })
      pool.ask(.query(Statement("SELECT 2")) { _ in order.send("second query") })
      #expect(pool.usage.waiting == 3 && pool.usage.leased == 1)
      // While the lease lasts nobody else's statement is on its connection.
      let rows = try await held.execute([Statement("BEGIN"), Statement("SELECT 3"), Statement("COMMIT")])
      #expect(rows.count == 3 && pool.usage.waiting == 3)
      pool.giveBack(held)
      // The lease is given while the first query is still under way; its commands come behind it.
      #expect(await order.next() == "lease")
      #expect(await order.next() == "first query")
      #expect(await order.next() == "second query")
      #expect(pool.usage.leased == 0)
    }
  }

  @Test("rolls back the transaction of a lease that ends inside one")
  func rollback() async throws {
    try await withPool(size: 1) { pool, _ in
      let backend = try await pool.withConnection { connection throws(PostgresError) in
        try await connection.execute([Statement("BEGIN"), Statement("CREATE TABLE left_over ()")])
        return connection.backendPID
      }
      let rows = try await pool.query(Statement("SELECT to_regclass('left_over') IS NULL, pg_backend_pid()"))
      #expect(rows[0].bool(0) && rows[0].int64(1) == Int64(backend))
      // A failed one too.
      let error = await failure {
        try await pool.withConnection { connection throws(PostgresError) in
          try await connection.execute([Statement("BEGIN"), Statement("SELECT 1 / 0")])
        }
      }
      #expect(error?.sqlState == "22012")
      let after = try await pool.query(Statement("SELECT pg_backend_pid()"))
      #expect(after[0].int64(0) == Int64(backend))
    }
  }

  @Test("replaces a connection on which a single statement began a transaction")
  func strayTransaction() async throws {
    try await withPool(size: 1) { pool, _ in
      let before = try await pool.query(Statement("SELECT pg_backend_pid()"))
      try await pool.query(Statement("BEGIN"))
      let after = try await pool.query(Statement("SELECT pg_backend_pid()"))
      #expect(before[0].int64(0) != after[0].int64(0))
    }
  }

  @Test("refuses who would be one too many to wait")
  func tooMany() async throws {
    var limits = PostgresPool.Limits()
    limits.waiters = 2
    try await withPool(size: 1, limits: limits) { pool, _ in
      let held = try await pool.lease()
      let answers = Events<PostgresError?>()
      for _ in 0..<3 {
        pool.ask(
          .query(Statement("SELECT 1")) { result in
            if case .failure(let error) = result { answers.send(error) } else { answers.send(nil) }
          })
      }
      #expect(await answers.next() == .poolExhausted)
      pool.giveBack(held)
      for _ in 0..<2 { #expect(await answers.next() == nil) }
    }
  }

  @Test("lets nobody wait longer than its limit")
  func waitLimit() async throws {
    var limits = PostgresPool.Limits()
    limits.wait = .milliseconds(30)
    try await withPool(size: 1, limits: limits) { pool, _ in
      let changes = Events<Bool>()
      pool.onChange = { if case .connected = $0 { changes.send(true) } }
      pool.start()
      #expect(await changes.next())
      let held = try await pool.lease()
      #expect(await failure { try await pool.query(Statement("SELECT 1")) } == .poolExhausted)
      #expect(await failure { try await pool.lease() } == .poolExhausted)
      pool.giveBack(held)
      let rows = try await pool.query(Statement("SELECT 1"))
      #expect(rows.count == 1)
    }
  }

  @Test("bounds what is under way on one connection")
  func pipelineLimit() async throws {
    var limits = PostgresPool.Limits()
    limits.pipelined = 3
    try await withPool(size: 1, limits: limits) { pool, _ in
      try await pool.query(Statement("SELECT 1"))
      let answers = Events<Bool>()
      for _ in 0..<20 {
        pool.ask(
          .query(Statement("SELECT 1")) { if case .success = $0 { answers.send(true) } else { answers.send(false) } })
      }
      #expect(pool.usage.pipelined == 3 && pool.usage.waiting == 17)
      for _ in 0..<20 { #expect(await answers.next()) }
    }
  }

  @Test("replaces a lost connection, fails its calls and serves who waited")
  func replacement() async throws {
    try await withPool(size: 1) { pool, _ in
      let backend = try await pool.query(Statement("SELECT pg_backend_pid()"))[0].int64(0)
      let answers = Events<PostgresError?>()
      pool.ask(
        .query(Self.sleep) { result in
          if case .failure(let error) = result { answers.send(error) } else { answers.send(nil) }
        })
      let changes = Events<String>()
      pool.onChange = { change in
        switch change {
        case .connected: changes.send("connected")
        case .lost(_, let pause): changes.send(pause <= .milliseconds(50) ? "lost" : "\(pause)")
        }
      }
      try TestServer.shared().run("SELECT pg_terminate_backend($1)", [.integer(backend)])
      #expect(await answers.next()?.isLost == true)
      #expect(await changes.next() == "lost")
      // Asked while there is no connection: it waits for the next one.
      let rows = try await pool.query(Statement("SELECT pg_backend_pid()"))
      #expect(rows[0].int64(0) != backend)
      #expect(await changes.next() == "connected")
    }
  }

  @Test("survives that a leased connection is lost")
  func lostLease() async throws {
    try await withPool(size: 1) { pool, _ in
      let held = try await pool.lease()
      try TestServer.shared().run("SELECT pg_terminate_backend($1)", [.integer(Int64(held.backendPID))])
      #expect(await failure { try await held.execute(Self.sleep) }?.isLost == true)
      // The place is filled again before the lease is given back; giving it back must not free the new one's lease.
      let next = try await pool.lease()
      #expect(next !== held)
      pool.giveBack(held)
      #expect(pool.usage.leased == 1)
      pool.giveBack(next)
      #expect(pool.usage.leased == 0)
    }
  }

  @Test("says why when there is no server at all")
  func noServer() async throws {
    var limits = PostgresPool.Limits()
    limits.wait = .milliseconds(100)
    try await withPool(size: 2, limits: limits, target: "host=/nonexistent user=hub") { pool, _ in
      let error = await failure { try await pool.query(Statement("SELECT 1")) }
      #expect(error?.isLost == true && "\(error, default: "")".contains("/nonexistent"))
      #expect(!pool.isReady)
    }
  }

  @Test("answers everybody when it is closed")
  func closing() async throws {
    try await withPool(size: 1) { pool, _ in
      try await pool.query(Statement("SELECT 1"))
      let answers = Events<Bool>()
      func note(_ error: PostgresError?) { answers.send(error?.isLost == true) }
      pool.ask(.query(Self.sleep) { if case .failure(let error) = $0 { note(error) } else { note(nil) } })
      let held = try await pool.lease()
      pool.ask(.lease { if case .failure(let error) = $0 { note(error) } else { note(nil) } })
      pool.close()
      for _ in 0..<2 { #expect(await answers.next()) }
      #expect(!held.isOpen)
      pool.giveBack(held)
      #expect(await failure { try await pool.query(Statement("SELECT 1")) }?.isLost == true)
    }
  }
}

@Suite("Waiting before the next try")
struct BackOffTests {
  @Test("doubles from 50 ms to 5 s, with full jitter")
  func growth() {
    var backOff = BackOff()
    for ceiling in [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000] {
      #expect(backOff.ceiling == .milliseconds(ceiling))
      let wait = backOff.next()
      #expect(wait >= .zero && wait <= .milliseconds(ceiling))
    }
    backOff.lost(opened: .now())
    #expect(backOff.ceiling == .seconds(5))
    backOff.lost(opened: MonotonicTime.now().advanced(by: .seconds(-6)))
    #expect(backOff.ceiling == .milliseconds(50))
  }
}
