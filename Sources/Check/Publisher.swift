// A writer that knows nothing of the hub but its SQL: publishes in transactions of its own, alone and together, on one
// channel and on several, rolls back, undoes savepoints, holds transactions open for seconds, and loses its connection.
import Postgres

struct Publisher {
  let database: String
  /// Those it may publish on.
  let channels: [String]
  let run: String
  let number: Int
  let transactionsPerSecond: Double
  /// Whether its transactions stay open for seconds.
  let holds: Bool
  let ending: Ending
  var random: Seeded

  private var journal = Journal()
  private var connection: BlockingConnection?
  private var count = 0

  init(
    database: String, channels: [String], run: String, number: Int, transactionsPerSecond: Double, holds: Bool,
    ending: Ending, random: Seeded
  ) {
    self.database = database
    self.channels = channels
    self.run = run
    self.number = number
    self.transactionsPerSecond = transactionsPerSecond
    self.holds = holds
    self.ending = ending
    self.random = random
  }

  mutating func work() -> Journal {
    var pace = Pace(perSecond: transactionsPerSecond)
    while !ending.hasCome {
      if let connection = connected() { publish(on: connection) }
      pace.wait(random: &random)
    }
    return journal
  }

  private mutating func connected() -> BlockingConnection? {
    if let connection { return connection }
    do throws(PostgresError) {
      connection = try BlockingConnection(database, options: PostgresOptions(applicationName: "hub check"))
    } catch {
      journal.failures += 1
      pause(0.1)
    }
    return connection
  }

  private mutating func publish(on connection: BlockingConnection) {
    count += 1
    let key = "\(run) program \(number) event \(count)"
    let chosen = Array(channels.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)))
    do throws(PostgresError) {
      if holds || random.chance(60) {
        try publish(key, on: chosen, inTransactionOf: connection)
      } else {
        try publishAlone(key, on: chosen, connection)
      }
    } catch {
      journal.failures += 1
      if case .server = error, (try? connection.run("ROLLBACK")) != nil { return }
      self.connection = nil
    }
  }

  /// One statement, its own transaction.
  private mutating func publishAlone(
    _ key: String, on chosen: [String], _ connection: BlockingConnection
  ) throws(PostgresError) {
    do throws(PostgresError) {
      try connection.query(statement(key, chosen))
      journal.publications.append(Journal.Publication(.acknowledged, chosen, key))
    } catch {
      journal.publications.append(Journal.Publication(outcome(of: error), chosen, key))
      throw error
    }
  }

  /// Several publishes with the same key, each on channels of its own, in an order of their own: all of them or none.
  private mutating func publish(
    _ key: String, on chosen: [String], inTransactionOf connection: BlockingConnection
  ) throws(PostgresError) {
    let isUndone = random.chance(15)
    var isEnding = false
    do throws(PostgresError) {
      try connection.run("BEGIN")
      // Others' commits are told by a notification; these are found by the re-scan.
      let isUnannounced = random.chance(20)
      if isUnannounced { try connection.run("SET LOCAL hub.notify = 'off'") }
      if random.chance(20) {
        let undone = "\(key) undone"
        journal.publications.append(Journal.Publication(.undone, chosen, undone))
        try connection.run("SAVEPOINT before")
        try connection.query(statement(undone, chosen))
        try connection.run("ROLLBACK TO before")
      }
      if holds, random.chance(50) {
        for channel in chosen { try connection.query(statement(key, [channel], isUnannounced)) }
      } else {
        try connection.query(statement(key, chosen, isUnannounced))
      }
      if holds { pause(Double.random(in: 0.2...4, using: &random)) }
      isEnding = true
      try connection.run(isUndone ? "ROLLBACK" : "COMMIT")
      if isUndone { journal.rollbacks += 1 }
      journal.publications.append(Journal.Publication(isUndone ? .undone : .acknowledged, chosen, key))
    } catch {
      // Without COMMIT nothing can have taken place; with it only the server's refusal says so.
      let undone = !isEnding || isUndone
      journal.publications.append(Journal.Publication(undone ? .undone : outcome(of: error), chosen, key))
      throw error
    }
  }

  private func outcome(of error: PostgresError) -> Journal.Outcome {
    if case .server = error { return .undone }
    return .unknown
  }

  /// Now and then with more data than a notification carries.
  private mutating func statement(
    _ key: String, _ channels: [String], _ isUnannounced: Bool = false
  ) -> Statement {
    let filling = String(repeating: "x", count: random.chance(5) ? 9000 : Int.random(in: 0..<300, using: &random))
    return Statement(
      """
      SELECT hub.publish($1::text[], $2,
        jsonb_build_object('key', $3::text, 'filling', $4::text, 'unannounced', $5::boolean))
      """,
      [.textArray(channels), .text(Happenings.published), .text(key), .text(filling), .boolean(isUnannounced)])
  }
}
