import EventLoop
import Glibc
import Testing

@testable import Postgres

@Suite("The listener", .timeLimit(.minutes(1)))
struct ListenerTests {
  private func withListener(
    channel: String, timing: PostgresListener.Timing = PostgresListener.Timing(),
    _ body: @Sendable (PostgresListener, Events<String>, isolated Home) async throws -> Void
  ) async throws {
    let target = try TestServer.shared().connectionString
    try await onLoop { home in
      let listener = PostgresListener(
        loop: home.loop, connectionString: target, channels: [channel, "\(channel) \"quoted\""], timing: timing)
      let events = Events<String>()
      listener.listening = { events.send("listening") }
      listener.notified = { payload, backend in events.send(backend == listener.backendPID ? "own" : payload) }
      listener.lost = { _ in events.send(listener.isListening ? "lost, yet listening" : "lost") }
      listener.start()
      defer { listener.close() }
      #expect(await events.next() == "listening")
      try await body(listener, events, home)
    }
  }

  @Test("hears other sessions and its own, in order")
  func hears() async throws {
    try await withListener(channel: "hears") { listener, events, _ in
      #expect(listener.isListening && listener.lastHeard != nil)
      try TestServer.shared().run("SELECT pg_notify('hears', n::text) FROM generate_series(1, 50) AS n")
      for number in 1...50 { #expect(await events.next() == String(number)) }
      try TestServer.shared().run("SELECT pg_notify('hears \"quoted\"', 'quoted')")
      #expect(await events.next() == "quoted")
      try await listener.execute(Statement("SELECT pg_notify('hears', 'x')"))
      #expect(await events.next() == "own")
    }
  }

  @Test("listens again after its session was ended, and says so before anything it hears then")
  func again() async throws {
    try await withListener(channel: "again") { listener, events, _ in
      for round in 1...3 {
        let backend = listener.backendPID
        try TestServer.shared().run("SELECT pg_terminate_backend($1)", [.integer(Int64(backend))])
        #expect(await events.next() == "lost")
        #expect(await failure { try await listener.execute(Statement("SELECT 1")) }?.isLost == true)
        #expect(await events.next() == "listening")
        #expect(listener.backendPID != backend)
        try TestServer.shared().run("SELECT pg_notify('again', $1)", [.text("round \(round)")])
        let heard = await events.next()
        #expect(heard == "round \(round)")
      }
    }
  }

  @Test("keeps its sign of life fresh and notices a server that froze")
  func frozen() async throws {
    var timing = PostgresListener.Timing()
    timing.heartbeat = .milliseconds(10)
    timing.silence = .milliseconds(200)
    try await withListener(channel: "frozen", timing: timing) { listener, events, home in
      let first = listener.lastHeard
      let fresh = Events<Bool>()
      func watch() {
        home.loop.schedule(after: .milliseconds(5)) {
          if listener.lastHeard != first { fresh.send(true) } else { watch() }
        }
      }
      watch()
      #expect(await fresh.next())
      let backend = listener.backendPID
      // 0 would stop this process itself.
      try #require(backend > 1)
      kill(backend, SIGSTOP)
      #expect(await events.next() == "lost")
      kill(backend, SIGCONT)
      #expect(await events.next() == "listening")
    }
  }
}
