// What these tests share: one private server for all that only need a database, a loop with an actor on it, and a way
// to wait for an event instead of sleeping.
import EventLoop
import Glibc
import Synchronization
import Testing

@testable import Postgres

/// An actor that lives on a loop's thread, as the hub's reactors do.
actor Home {
  let loop: EventLoop

  init() throws {
    loop = try EventLoop(name: "test loop")
    loop.start()
  }

  deinit { loop.stop() }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  func run<Answer: Sendable>(_ body: @Sendable (isolated Home) async throws -> Answer) async rethrows -> Answer {
    try await body(self)
  }
}

/// Makes a task resume on the loop. Without it every continuation goes by way of the global pool, so that a test would
/// see an event some turns of the loop after it happened.
final class LoopTasks: TaskExecutor {
  private let loop: EventLoop

  init(_ loop: EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) { loop.enqueue(job) }
}

/// Runs a test's body on a loop of its own.
func onLoop<Answer: Sendable>(_ body: @Sendable (isolated Home) async throws -> Answer) async throws -> Answer {
  let home = try Home()
  return try await withTaskExecutorPreference(LoopTasks(home.loop)) { try await home.run(body) }
}

/// Runs a test's body with an open connection to the shared server.
func withConnection(
  _ options: PostgresOptions = PostgresOptions(),
  _ body: @Sendable (PostgresConnection, isolated Home) async throws -> Void
) async throws {
  let target = try TestServer.shared().connectionString
  try await onLoop { home in
    let connection = PostgresConnection(loop: home.loop, connectionString: target, options: options)
    try await connection.open()
    defer { connection.close() }
    try await body(connection, home)
  }
}

/// Events in the order they came; `next` waits for the one that is not there yet. Used on one loop.
final class Events<Event: Sendable> {
  private var ready: [Event] = []
  private var waiter: UnsafeContinuation<Event, Never>?

  func send(_ event: Event) {
    if let waiter {
      self.waiter = nil
      waiter.resume(returning: event)
    } else {
      ready.append(event)
    }
  }

  func next() async -> Event {
    if !ready.isEmpty { return ready.removeFirst() }
    return await withUnsafeContinuation { waiter = $0 }
  }
}

/// A folder that the server's user may enter, removed with everything in it at the end.
func makeTemporaryFolder() -> String {
  var template = Array("/tmp/hub-test-XXXXXX".utf8CString)
  let path = template.withUnsafeMutableBufferPointer { buffer in
    buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp/hub-test-failed"
  }
  chmod(path, 0o711)
  return path
}

func removeFolder(_ path: String) {
  _ = try? ServerProcess.run("/bin/rm", ["-rf", path], as: nil, in: "/", output: "/dev/null")
}

/// The server that all tests but those of its life share.
final class TestServer: Sendable {
  let connectionString: String
  let folder: String

  private struct Failed: Error { let reason: String }

  private static let outcome: Result<TestServer, any Error> = Result { try TestServer() }
  // Ends at exit; touched by nobody else after it has started.
  nonisolated(unsafe) private static var server: PrivatePostgres?

  static func shared() throws -> TestServer { try outcome.get() }

  private init() throws {
    folder = makeTemporaryFolder()
    let server = try PrivatePostgres.prepare(data: folder)
    try server.start()
    connectionString = server.connectionString
    Self.server = server
    atexit {
      try? TestServer.server?.stop()
      if let folder = try? TestServer.shared().folder { removeFolder(folder) }
    }
  }

  /// A new, empty database, for a test that must not meet the others.
  func makeDatabase(_ name: String) throws -> String {
    try BlockingConnection(connectionString).run("CREATE DATABASE \(name)")
    return connectionString.replacing("dbname=hub", with: "dbname=\(name)")
  }

  /// Runs a statement on a session of its own.
  @discardableResult
  func run(_ sql: String, _ values: [PostgresValue] = []) throws -> PostgresRows {
    try BlockingConnection(connectionString).query(Statement(sql, values))
  }
}

/// What a call ended with, for comparing.
func failure<Answer>(_ body: () async throws -> Answer) async -> PostgresError? {
  do {
    _ = try await body()
    return nil
  } catch let error as PostgresError {
    return error
  } catch {
    Issue.record(error)
    return nil
  }
}

extension PostgresError {
  var sqlState: String? { if case .server(let error) = self { error.sqlState } else { nil } }
  var isLost: Bool { if case .connectionLost = self { true } else { false } }
}
