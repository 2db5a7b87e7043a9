// The deadlines engine as SQL (0009-deadlines.sql): claimed once, never early, a failure costs nobody else anything. Tests
// share a database and whoever fires acts on everybody's, so each looks at rows of its own. Time is moved, not waited for.
import Domain
import Protocol
import TestSupport
import Testing

@testable import Hub

/// A kind of deadline for one test, with a handler in PL/pgSQL that it makes up; `due` is the row.
struct DeadlineKind {
  let business: Business
  let name: String

  /// What handlers have acted on, made once.
  private static let table = Task {
    _ = try await Business.shared().value("CREATE TABLE app.test_acted (subject uuid)")
  }

  init(_ name: String, handler: String) async throws {
    business = try await Business.shared()
    self.name = "test.\(name)"
    try await Self.table.value
    _ = try await business.value(
      """
      CREATE FUNCTION app.test_\(name)(due hub.deadline) RETURNS hub.deadline LANGUAGE plpgsql AS $$ BEGIN \(handler) END $$
      """)
    _ = try await business.value("INSERT INTO hub.deadline_kind VALUES ('\(self.name)', 'app.test_\(name)')")
  }

  /// Sets one; by default it has been due for a minute, so that it comes before those of other tests.
  func set(in time: String = "-1 minute") async throws -> Identifier {
    let subject = Identifier.fresh()
    _ = try await business.value(
      """
      INSERT INTO hub.deadline (kind, subject, due_at)
      VALUES ('\(name)', '\(subject)', clock_timestamp() + interval '\(time)')
      """)
    return subject
  }

  func acted(on subject: Identifier) async throws -> Int {
    Int(try await business.value("SELECT count(*) FROM app.test_acted WHERE subject = '\(subject)'")) ?? -1
  }

  /// A column of the row; empty when there is none.
  func row(_ subject: Identifier, _ column: String) async throws -> String {
    try await business.value(
      "SELECT (SELECT (\(column))::text FROM hub.deadline WHERE kind = '\(name)' AND subject = '\(subject)')")
  }
}

@Suite struct DeadlinesTests {
  private static let acting = "INSERT INTO app.test_acted VALUES (due.subject);"

  @Test func `What is due is acted on once and is gone, what is not due stays`() async throws {
    let kind = try await DeadlineKind("plain", handler: "\(Self.acting) RETURN NULL;")
    let (now, later) = (try await kind.set(), try await kind.set(in: "1 hour"))
    try await kind.business.fireAll()
    #expect(try await kind.acted(on: now) == 1)
    #expect(try await kind.row(now, "id").isEmpty)
    #expect(try await kind.acted(on: later) == 0)
    #expect(try await kind.row(later, "attempts") == "0")
  }

  @Test func `Whoever fires at the same time, one of them acts`() async throws {
    let kind = try await DeadlineKind("raced", handler: "\(Self.acting) RETURN NULL;")
    let business = kind.business
    var subjects: [Identifier] = []
    for _ in 0..<40 { subjects.append(try await kind.set()) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<6 { group.addTask { try await business.fireAll() } }
      try await group.waitForAll()
    }
    for subject in subjects { #expect(try await kind.acted(on: subject) == 1) }
  }

  @Test func `A node that dies between acting and committing has done nothing, and another acts`() async throws {
    let kind = try await DeadlineKind("died", handler: "\(Self.acting) RETURN NULL;")
    let subject = try await kind.set(in: "1 hour")
    let makeDue = "UPDATE hub.deadline SET due_at = now() - interval '1 hour' WHERE subject = '\(subject)'"
    var dying: ForeignConnection? = try ForeignConnection(kind.business.database)
    // Due in its own transaction only, so that nobody else takes it first.
    let acted = try dying?.execute("BEGIN; \(makeDue); SELECT kind FROM hub.fire_deadlines(1)")
    #expect(acted == [["test.died"]])
    // Its session ends with it, and so does its transaction.
    dying = nil
    _ = try await kind.business.value("\(makeDue) RETURNING 1")
    try await kind.business.fireAll()
    #expect(try await kind.acted(on: subject) == 1)
    #expect(try await kind.row(subject, "id").isEmpty)
  }

  @Test func `A handler may keep the row for another time, with what it wants to remember`() async throws {
    let kind = try await DeadlineKind(
      "kept",
      handler: """
        \(Self.acting)
        due.due_at := clock_timestamp() + interval '1 hour';
        due.data := due.data || '{"seen": 1}';
        RETURN due;
        """)
    let subject = try await kind.set()
    try await kind.business.fireAll()
    try await kind.business.fireAll()
    #expect(try await kind.acted(on: subject) == 1)
    #expect(try await kind.row(subject, "data") == #"{"seen": 1}"#)
    #expect(try await kind.row(subject, "due_at > clock_timestamp() + interval '50 minutes'") == "true")
  }

  @Test func `A handler that fails is undone and tried again later, and the others are acted on`() async throws {
    let failing = try await DeadlineKind(
      "failing", handler: "\(Self.acting) RAISE EXCEPTION 'not today'; RETURN NULL;")
    let good = try await DeadlineKind("good", handler: "\(Self.acting) RETURN NULL;")
    let (bad, after) = (try await failing.set(in: "-2 minutes"), try await good.set())
    try await good.business.fireAll()
    #expect(try await good.acted(on: after) == 1)
    #expect(try await failing.acted(on: bad) == 0)
    #expect(try await failing.row(bad, "attempts > 0") == "true")
    #expect(try await failing.row(bad, "failure") == "P0001 not today")
    #expect(try await failing.row(bad, "due_at > clock_timestamp() - interval '1 minute'") == "true")
    // The sixth time it waits 2⁵ times as long as the first.
    _ = try await good.business.value(
      "UPDATE hub.deadline SET due_at = clock_timestamp(), attempts = 5 WHERE subject = '\(bad)'")
    try await good.business.fireAll()
    #expect(try await failing.row(bad, "attempts") == "6")
    #expect(try await failing.row(bad, "due_at > clock_timestamp() + interval '15 seconds'") == "true")
  }

  @Test func `A kind that nobody knows is kept and said`() async throws {
    let business = try await Business.shared()
    let subject = Identifier.fresh()
    _ = try await business.value(
      "INSERT INTO hub.deadline (kind, subject, due_at) VALUES ('test.unknown', '\(subject)', clock_timestamp())")
    try await business.fireAll()
    #expect(try await business.value("SELECT attempts > 0 FROM hub.deadline WHERE subject = '\(subject)'") == "t")
  }

  @Test func `A deadline is set or not with the transaction that sets it`() async throws {
    let business = try await Business.shared()
    let subject = Identifier.fresh()
    _ = try? await business.value(
      """
      WITH set AS (
        INSERT INTO hub.deadline (kind, subject, due_at) VALUES ('test.undone', '\(subject)', now()) RETURNING id
      ) SELECT 1 / (count(*) - 1) FROM set
      """)
    #expect(try await business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(subject)'") == "0")
  }

  @Test func `The next look is told when the next one is due`() async throws {
    // In a transaction that is undone, where nobody else sees the row and acts on it.
    let program = try ForeignConnection(try await Business.shared().database)
    try program.execute(
      """
      BEGIN;
      INSERT INTO hub.deadline (kind, subject, due_at)
      VALUES ('test.next', gen_random_uuid(), clock_timestamp() - interval '1 hour')
      """)
    let next = try program.execute("SELECT seconds < -3599 AND due > 0 FROM hub.next_deadline()")
    try program.execute("ROLLBACK")
    #expect(next == [["t"]])
  }
}
