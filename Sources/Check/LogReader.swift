// The log as it stands in the database, read with plain SQL beside the hub.
import Postgres

final class LogReader {
  private static let page = 2000
  private let database: String
  private var connection: BlockingConnection?

  init(_ database: String) { self.database = database }

  /// The statement's rows; on a new connection when the old one is gone.
  private func query(_ statement: Statement) throws -> PostgresRows {
    if let connection {
      do { return try connection.query(statement) } catch {
        self.connection = nil
        if case .server = error { throw error }
      }
    }
    let made = try BlockingConnection(database, options: PostgresOptions(applicationName: "hub check"))
    connection = made
    return try made.query(statement)
  }

  /// The newest offset of each channel.
  func heads(of channels: [String]) throws -> [String: Int64] {
    let rows = try query(
      Statement("SELECT name, head FROM hub.channel WHERE name = ANY ($1::text[])", [.textArray(channels)]))
    var heads = Dictionary(uniqueKeysWithValues: channels.map { ($0, Int64(0)) })
    for row in rows { heads[row.string(0)] = row.int64(1) }
    return heads
  }

  /// How many listen to each channel, as every node sees it.
  func members(of channels: [String]) throws -> [String: Int] {
    let rows = try query(
      Statement(
        "SELECT channel, count(*) FROM hub.live_presence WHERE channel = ANY ($1::text[]) GROUP BY channel",
        [.textArray(channels)]))
    var members = Dictionary(uniqueKeysWithValues: channels.map { ($0, 0) })
    for row in rows { members[row.string(0)] = Int(row.int64(1)) }
    return members
  }

  /// Hands every event after `offset` to `take`, in order.
  func read(_ channel: String, after offset: Int64, _ take: (LogEntry) throws -> Void) throws {
    var last = offset
    while true {
      let rows = try query(
        Statement(
          """
          SELECT "offset", id, name, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), data::text
          FROM hub.event WHERE channel = $1 AND "offset" > $2::bigint ORDER BY "offset" LIMIT \(Self.page)
          """, [.text(channel), .integer(last)]))
      for row in rows {
        guard let data = Document(row.bytes(4)) else {
          throw CheckError("\(channel), \(row.int64(0)): the log's data is no JSON")
        }
        last = row.int64(0)
        try take(LogEntry(offset: last, id: row.string(1), name: row.string(2), at: row.string(3), data: data))
      }
      if rows.count < Self.page { return }
    }
  }

  /// The database's clock in microseconds since 1970.
  func clock() throws -> Int64 {
    try query(Statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))[0].int64(0)
  }
}
