// The deadlines engine of one node: looks for what is due in hub.deadline and has it done (0009-deadlines.sql says what
// is promised). Every node runs one; whichever comes first acts.
//
// 1. It looks when the next known deadline has come, and once a second for those that were set meanwhile: a read of one
//    index entry. Only what is due opens a transaction.
// 2. It has a connection of its own, so that a handler that takes long holds up no command.
// 3. What its transaction published reaches the feed as a command's events do, at once.
// 4. While the database is away it keeps trying; nothing is due twice for it, and nothing is forgotten.
package import EventLoop
import Postgres
package import Telemetry

package actor Deadlines {
  /// The longest pause between two looks.
  private static let lookInterval = Duration.seconds(1)
  /// The shortest: what is due and cannot be had is with another node just now.
  private static let shortestPause = Duration.milliseconds(25)
  private static let pauseAfterFailure = Duration.milliseconds(250)
  /// How many one transaction acts on.
  static let batch = 64

  private nonisolated let loop: EventLoop
  private nonisolated let tasks: LoopTasks
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private let pool: PostgresPool
  private let feed: Feed
  private let counters: DeadlineCounters
  private let log: Log
  private var isStopped = false

  package init(loop: EventLoop, connectionString: String, feed: Feed, metrics: Metrics, log: Log) {
    self.loop = loop
    tasks = LoopTasks(loop)
    var options = PostgresOptions(
      applicationName: "hub deadlines", parameters: [(name: "hub.notify", value: "off")])
    options.statementTimeout = .seconds(10)
    pool = PostgresPool(loop: loop, connectionString: connectionString, size: 1, options: options)
    self.feed = feed
    counters = DeadlineCounters(metrics)
    self.log = log
  }

  package func start() {
    pool.start()
    look(after: .zero)
  }

  package func stop() {
    isStopped = true
    pool.close()
  }

  private func look(after pause: Duration) {
    // Holds the engine until it has fired: the loop outlives whoever stopped the engine.
    loop.schedule(after: pause) {
      self.assumeIsolated { engine in
        guard !engine.isStopped else { return }
        Task.immediate(executorPreference: engine.tasks) {
          let pause = await engine.turn()
          engine.look(after: pause)
        }
      }
    }
  }

  /// One look, and what follows from it; answers how long to wait for the next.
  private func turn() async -> Duration {
    do throws(PostgresError) {
      let next = try await pool.query(DeadlineQueries.next)[0]
      counters.due.set(Double(next.int64(1)))
      // Also one that is due never ("Infinity").
      guard let seconds = Double(next.string(0)), seconds < 1 else { return Self.lookInterval }
      guard seconds <= 0 else { return max(Self.shortestPause, .seconds(seconds)) }
      let fired = try await DeadlineQueries.fire(pool, most: Self.batch)
      for deadline in fired.deadlines { report(deadline) }
      if !fired.events.isEmpty { await feed.committed(fired.events) }
      return fired.deadlines.isEmpty ? Self.shortestPause : .zero
    } catch {
      guard !isStopped else { return Self.lookInterval }
      guard case .server = error else {
        log.debug("deadlines.away", ["error": "\(error)"])
        return Self.pauseAfterFailure
      }
      // Not a handler's failure, which costs nobody else anything: the statement around them, or the commit.
      counters.failed.add()
      log.error("deadlines.failed", ["error": "\(error)"])
      return Self.lookInterval
    }
  }

  private func report(_ deadline: FiredDeadline) {
    guard let failure = deadline.failure else {
      counters.fired.add()
      counters.late.observe(deadline.late)
      return
    }
    counters.failed.add()
    log.error(
      "deadline.failed",
      [
        "kind": LogValue(deadline.kind), "subject": LogValue(deadline.subject),
        "attempts": LogValue(deadline.attempts), "failure": LogValue(failure),
      ])
  }
}

struct DeadlineCounters: Sendable {
  let due: Gauge
  let fired: Counter
  let failed: Counter
  let late: Histogram

  init(_ metrics: Metrics) {
    due = metrics.gauge("hub_deadlines_due", help: "Deadlines that were due at the last look, at most 1000.")
    fired = metrics.counter("hub_deadlines_fired_total", help: "Deadlines that this node acted on.")
    failed = metrics.counter("hub_deadlines_failed_total", help: "Times that acting on a deadline failed.")
    late = metrics.histogram("hub_deadline_late_seconds", help: "How long after its time a deadline was acted on.")
  }
}
