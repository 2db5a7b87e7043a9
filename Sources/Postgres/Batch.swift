// What a connection has sent and not yet had the full answer to: one caller's statements up to their Sync.
import EventLoop

final class Batch {
  typealias Completion = (Result<[PostgresRows], PostgresError>) -> Void

  /// One command that the server answers, in the order sent; the SQL text is its key in the statement cache.
  enum Command {
    case prepare(String)
    case execute(String)
  }

  let deadline: MonotonicTime
  private(set) var rows: [PostgresRows] = []
  private var commands: [Command] = []
  private var answered = 0
  private var failure: ServerError?
  private var completion: Completion?

  init(deadline: MonotonicTime, completion: @escaping Completion) {
    self.deadline = deadline
    self.completion = completion
  }

  func sent(_ command: Command) { commands.append(command) }

  /// The command that the next answer belongs to; nil when all are answered and only the Sync is to come.
  func nextCommand() -> Command? {
    guard answered < commands.count else { return nil }
    defer { answered += 1 }
    return commands[answered]
  }

  func received(_ rows: PostgresRows) { self.rows.append(rows) }

  /// The first failure is the one that aborted the rest.
  func received(_ error: ServerError) { if failure == nil { failure = error } }

  /// The Sync was answered: what was done is committed (or, inside a transaction, stands).
  func finish() { complete(failure.map { .failure(.server($0)) } ?? .success(rows)) }

  func fail(_ error: PostgresError) { complete(.failure(error)) }

  private func complete(_ result: Result<[PostgresRows], PostgresError>) {
    guard let completion else { return }
    self.completion = nil
    completion(result)
  }
}
