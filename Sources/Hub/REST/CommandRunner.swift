// One command, one transaction: idempotency key first, then the service's statements, then the events' offsets, then
// COMMIT. Nothing is told to anybody before COMMIT has been answered.
//
// The key (RFC draft idempotency-key-header, wire §5) is stored in the command's own transaction. An advisory lock tells a
// repeat that the first still runs, without waiting for it; a stored answer is given again with its offsets.
//
// Whether the caller's rights still hold is asked with BEGIN, and again once the channels are locked (0011-access.sql),
// in round trips that are made anyway: what a revocation's commit ends cannot write after it.
import Domain
import Postgres
import Protocol

/// What a command came to once it was committed.
struct CommandOutcome {
  var answer: Answer
  /// The offsets that the change took, by channel.
  var offsets: [(channel: String, offset: Int64)] = []
  /// For the feed; empty when the answer is a replay.
  var events: [LogEvent] = []
  var isReplay = false
}

enum CommandRunner {
  /// A transaction that met another (serialisation failure, deadlock) is run again so often in all.
  private static let attempts = 3

  /// `access` is the route's: what anyone may call asks for no rights, and minds none that have ended.
  static func run(
    _ request: Request, _ handler: CommandHandler, access: Route.Access, fingerprint: String, pool: PostgresPool
  ) async throws(Problem) -> CommandOutcome {
    let check = access == .signedIn ? request.caller.flatMap { AccessQueries.check($0) } : nil
    var attempt = 1
    while true {
      do throws(Problem) {
        return try await once(request, handler, check, fingerprint: fingerprint, pool: pool)
      } catch {
        guard attempt < attempts, let state = error.sqlState, state == "40001" || state == "40P01" else { throw error }
        attempt += 1
      }
    }
  }

  private static func once(
    _ request: Request, _ handler: CommandHandler, _ check: Statement?, fingerprint: String, pool: PostgresPool
  ) async throws(Problem) -> CommandOutcome {
    let result: Result<CommandOutcome, Problem>
    do throws(PostgresError) {
      result = try await pool.withConnection {
        (connection: PostgresConnection) async throws(PostgresError) -> Result<CommandOutcome, Problem> in
        do throws(Problem) {
          return .success(try await inTransaction(request, handler, check, fingerprint, connection))
        } catch {
          // The refusal is the answer; if the rollback fails the connection is closed, which rolls back as well.
          if connection.isOpen { _ = try? await connection.execute(Statement("ROLLBACK")) }
          return .failure(error)
        }
      }
    } catch {
      throw Problem(error)
    }
    return try result.get()
  }

  private static func inTransaction(
    _ request: Request, _ handler: CommandHandler, _ check: Statement?, _ fingerprint: String,
    _ connection: PostgresConnection
  ) async throws(Problem) -> CommandOutcome {
    var opening = [Statement("BEGIN")]
    if let trace = request.trace {
      opening.append(Statement("SELECT set_config('hub.trace', $1, true)", [.text(trace)]))
    }
    if let check { opening.append(check) }
    let transaction = Transaction(connection, opening: opening)
    let scope = request.caller.map { $0.userID.description }
    if let key = request.idempotencyKey, let scope {
      if let stored = try await IdempotencyKeys.claim(key, scope: scope, fingerprint: fingerprint, in: transaction) {
        // Nothing was written: the transaction is only closed.
        _ = try await transaction.batch([Statement("ROLLBACK")])
        return stored
      }
    }
    let answer = try await handler(request, transaction)
    var closing = [FeedQueries.flush]
    if let check { closing.append(check) }
    if let key = request.idempotencyKey, let scope {
      closing.append(IdempotencyKeys.store(key, scope: scope, answer))
    }
    closing.append(Statement("COMMIT"))
    let results = try await transaction.batch(closing)
    var outcome = CommandOutcome(answer: answer)
    guard let flushed = results.first else { return outcome }
    for index in 0..<flushed.count {
      let event = LogEvent(flushed[index])
      outcome.events.append(event)
      // The nodes' own log is no channel of the wire.
      if event.channel == AccessChange.channel { continue }
      if outcome.offsets.last?.channel == event.channel { outcome.offsets.removeLast() }
      outcome.offsets.append((event.channel, event.offset))
    }
    return outcome
  }
}
