import EventLoop
import Glibc
import Testing

@testable import Postgres

@Suite("A connection", .timeLimit(.minutes(1)))
struct ConnectionTests {
  @Test(
    "carries each kind of value to the server and back",
    arguments: [
      ("SELECT $1::text", PostgresValue.text("Zoë's \"crème\" \\ brûlée 🍮"), "Zoë's \"crème\" \\ brûlée 🍮"),
      ("SELECT $1::text", .text(""), ""),
      ("SELECT $1::text", .null, nil),
      ("SELECT $1::text", PostgresValue(nil as String?), nil),
      ("SELECT $1::bigint", .integer(.min), "-9223372036854775808"),
      ("SELECT $1::smallint", 7, "7"),
      ("SELECT $1::numeric / 4", 10, "2.5000000000000000"),
      ("SELECT $1::boolean", true, "t"),
      ("SELECT NOT $1::boolean", true, "f"),
      ("SELECT ($1::jsonb)->>'name'", .json(Array(#"{"name":"Grill"}"#.utf8)), "Grill"),
      ("SELECT $1::uuid", "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000001"),
      ("SELECT ($1::text[])[2]", .textArray(["a", "b,\"c\"\\{}", nil]), "b,\"c\"\\{}"),
      ("SELECT ($1::text[])[1]", .textArray(["NULL"]), "NULL"),
      ("SELECT ($1::text[])[3] IS NULL", .textArray(["a", "b", nil]), "t"),
      ("SELECT cardinality($1::text[])", .textArray([]), "0"),
      ("SELECT (SELECT sum(x) FROM unnest($1::bigint[]) AS x)", .integerArray([1, -2, 40]), "39"),
      ("SELECT cardinality($1::bigint[])", .integerArray([]), "0"),
    ] as [(String, PostgresValue, String?)])
  func values(_ sql: String, _ value: PostgresValue, _ expected: String?) async throws {
    try await withConnection { connection, _ in
      let rows = try await connection.execute(Statement(sql, [value]))
      #expect(rows.count == 1)
      #expect(rows[0].text(0) == expected)
      #expect(rows[0].isNull(0) == (expected == nil))
    }
  }

  @Test("reads rows by number and name, and what is not there as NULL")
  func rows() async throws {
    try await withConnection { connection, _ in
      let rows = try await connection.execute(
        Statement("SELECT n AS number, n % 2 = 0 AS even, 'x' || n AS name FROM generate_series(1, 3) AS n"))
      #expect(rows.count == 3 && rows.columns == 3 && rows.affected == 3)
      #expect(rows.map { $0.int64(0) } == [1, 2, 3])
      #expect(rows.map { $0.bool(1) } == [false, true, false])
      #expect(rows.column(named: "name") == 2 && rows.column(named: "absent") == nil)
      #expect(rows[1].bytes(2) == Array("x2".utf8))
      #expect(rows[1].withBytes(2) { $0.count } == 2)
      #expect(rows[1].withSpan(2) { $0.byteCount } == 2)
      #expect(rows[1].integer(2) == nil)
      #expect(rows[9].text(0) == nil && rows[0].text(9) == nil && rows[-1].string(-1) == "")
    }
  }

  @Test("reports how many rows a command touched")
  func affected() async throws {
    try await withConnection { connection, _ in
      let results = try await connection.execute([
        Statement("CREATE TEMPORARY TABLE dish (id int)"),
        Statement("INSERT INTO dish SELECT generate_series(1, 5)"),
        Statement("UPDATE dish SET id = id + 10 WHERE id > $1", [3]),
        Statement(""),
      ])
      #expect(results.map(\.affected) == [0, 5, 2, 0])
    }
  }

  @Test("opens with UTC, UTF-8, its name and the caller's run-time parameters")
  func settings() async throws {
    let options = PostgresOptions(
      applicationName: "hub test", parameters: [("hub.notify", "off"), ("work_mem", "5MB")])
    try await withConnection(options) { connection, _ in
      let names = ["timezone", "client_encoding", "application_name", "hub.notify", "work_mem", "statement_timeout"]
      let rows = try await connection.execute(names.map { Statement("SELECT current_setting($1)", [.text($0)]) })
      #expect(rows.map { $0[0].string(0) } == ["UTC", "UTF8", "hub test", "off", "5MB", "35s"])
      #expect(connection.isOpen && connection.isIdle && connection.lastHeard != nil)
    }
  }

  @Test(
    "reports the server's error with its SQLSTATE and stays usable",
    arguments: [
      ("SELEC 1", "42601"), ("SELECT * FROM absent", "42P01"), ("SELECT 1 / $1::int", "22012"),
      ("SELECT $1::int + 'x'::int", "22P02"),
    ])
  func errors(_ sql: String, _ sqlState: String) async throws {
    try await withConnection { connection, _ in
      let values: [PostgresValue] = sql.contains("$1") ? [0] : []
      let error = await failure { try await connection.execute(Statement(sql, values)) }
      #expect(error?.sqlState == sqlState)
      let next = try await connection.execute(Statement("SELECT 2"))
      #expect(next[0].int64(0) == 2)
    }
  }

  @Test("names the constraint, table and column of a violation")
  func violation() async throws {
    try await withConnection { connection, _ in
      try await connection.execute(
        Statement("CREATE TEMPORARY TABLE seat (id int CONSTRAINT seat_key PRIMARY KEY, name text NOT NULL)"))
      try await connection.execute(Statement("INSERT INTO seat VALUES (1, 'window')"))
      let twice = await failure {
        try await connection.execute(Statement("INSERT INTO seat VALUES (1, 'aisle')"))
      }
      guard case .server(let duplicate) = twice else {
        Issue.record("no server error")
        return
      }
      #expect(duplicate.sqlState == "23505" && duplicate.constraint == "seat_key" && duplicate.table == "seat")
      #expect(duplicate.detail == "Key (id)=(1) already exists.")
      let empty = await failure {
        try await connection.execute(Statement("INSERT INTO seat VALUES (2, NULL)"))
      }
      guard case .server(let missing) = empty else {
        Issue.record("no server error")
        return
      }
      #expect(missing.sqlState == "23502" && missing.column == "name")
    }
  }

  @Test("reports a commit that fails where the statements themselves succeeded")
  func deferredConstraint() async throws {
    try await withConnection { connection, _ in
      try await connection.execute(
        Statement("CREATE TEMPORARY TABLE pair (id int CONSTRAINT pair_key UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
      let error = await failure {
        try await connection.execute([
          Statement("INSERT INTO pair VALUES (1)"), Statement("INSERT INTO pair VALUES (1)"),
        ])
      }
      #expect(error?.sqlState == "23505")
      #expect(try await connection.execute(Statement("SELECT count(*) FROM pair"))[0].int64(0) == 0)
    }
  }

  @Test(
    "refuses a zero byte, which would cut the value off",
    arguments: [
      Statement("SELECT $1::text", ["a\0b"]), Statement("SELECT $1::json", [.json([0x22, 0, 0x22])]),
      Statement("SELECT $1::text[]", [.textArray(["\0"])]), Statement("SELECT 1\0"),
    ])
  func zeroByte(_ statement: Statement) async throws {
    try await withConnection { connection, _ in
      let error = await failure { try await connection.execute(statement) }
      #expect(error?.sqlState == "22021")
      let next = try await connection.execute(Statement("SELECT 1"))
      #expect(next.count == 1)
    }
  }

  @Test("refuses more parameters than the protocol can count")
  func parameterCount() async throws {
    try await withConnection { connection, _ in
      let statement = Statement("SELECT 1", Array(repeating: 1, count: 65_536))
      let error = await failure { try await connection.execute(statement) }
      #expect(error?.sqlState == "54023")
      let next = try await connection.execute(Statement("SELECT 1"))
      #expect(next.count == 1)
    }
  }

  @Test("moves megabytes both ways while several calls are under way")
  func large() async throws {
    try await withConnection { connection, _ in
      let text = String(repeating: "Smörgåsbord ", count: 500_000)
      let answers = Events<Int>()
      for _ in 0..<4 {
        connection.submit([Statement("SELECT $1::text", [.text(text)])], timeout: nil) { result in
          answers.send((try? result.get())?.first?[0].string(0).utf8.count ?? -1)
        }
      }
      for _ in 0..<4 { #expect(await answers.next() == text.utf8.count) }
    }
  }

  @Test("ends rather than carry COPY")
  func copy() async throws {
    try await withConnection { connection, _ in
      let error = await failure { try await connection.execute(Statement("COPY (SELECT 1) TO STDOUT")) }
      #expect(error?.isLost == true)
      #expect(!connection.isOpen)
    }
  }

  @Test("delivers its notifications, also while it is idle")
  func notifications() async throws {
    try await withConnection { connection, _ in
      let heard = Events<String>()
      let backend = connection.backendPID
      connection.onNotification = { channel, payload, sender in
        heard.send("\(channel) \(payload) \(sender == backend)")
      }
      try await connection.execute(Statement("LISTEN kitchen"))
      try await connection.execute([Statement("NOTIFY kitchen, 'own'"), Statement("SELECT 1")])
      #expect(await heard.next() == "kitchen own true")
      try TestServer.shared().run("SELECT pg_notify('kitchen', 'another''s')")
      #expect(await heard.next() == "kitchen another's false")
    }
  }

  @Test(
    "fails to open with the server's reason",
    arguments: [
      ("dbname=hub", "dbname=absent", "database \"absent\" does not exist"),
      ("user=hub", "user=nobody_there", "role \"nobody_there\" does not exist"),
      ("port=5432", "port=5433", "No such file or directory"),
      ("port=5432", "port=x", "invalid"),
    ])
  func refused(_ part: String, _ replacement: String, _ reason: String) async throws {
    let target = try TestServer.shared().connectionString.replacing(part, with: replacement)
    try await onLoop { home in
      let connection = PostgresConnection(loop: home.loop, connectionString: target)
      let error = await failure { try await connection.open() }
      #expect(error.map { $0.isLost && "\($0)".contains(reason) } == true, "\(String(describing: error))")
    }
  }

  @Test("fails to open with a run-time parameter that the server refuses")
  func badParameter() async throws {
    let target = try TestServer.shared().connectionString
    try await onLoop { home in
      let options = PostgresOptions(parameters: [("work_mem", "plenty")])
      let connection = PostgresConnection(loop: home.loop, connectionString: target, options: options)
      let error = await failure { try await connection.open() }
      #expect(error?.sqlState == "22023")
      let later = await failure { try await connection.execute(Statement("SELECT 1")) }
      #expect(later?.isLost == true)
    }
  }

  @Test("gives up a server that accepts and then says nothing")
  func silentServer() async throws {
    let folder = makeTemporaryFolder()
    defer { removeFolder(folder) }
    let silent = try Socket.listen(.unix(path: "\(folder)/.s.PGSQL.5432"), shared: false)
    try await onLoop { home in
      var options = PostgresOptions()
      options.connectTimeout = .milliseconds(50)
      let connection = PostgresConnection(
        loop: home.loop, connectionString: "host=\(folder) user=hub", options: options)
      #expect(await failure { try await connection.open() } == .timedOut)
      let again = await failure { try await connection.open() }
      #expect(again?.isLost == true)
    }
    _ = silent.number
  }
}
