// The SQL of receipts. Storing them clears the alarms that they answer, in the same transaction (0010-receipts.sql).
import Channels
import Domain
import Postgres
import Protocol

enum ReceiptsQueries {
  /// Stores what readers have said; answers the events that followed.
  static func store(
    _ entries: [Receipts<ReceiptReader>.Entry], _ pool: PostgresPool
  ) async throws(PostgresError) -> [LogEvent] {
    let document = JSON.array(entries.map { json($0.reader, $0.offsets) }).serialised()
    // A connection of its own: it may have to wait for a row, and nobody else should wait behind it.
    let answers = try await pool.withConnection { (connection: PostgresConnection) async throws(PostgresError) in
      try await connection.execute([
        Statement("BEGIN"), Statement("SELECT app.store_receipts($1::jsonb)", [.json(document)]), FeedQueries.flush,
        Statement("COMMIT"),
      ])
    }
    return answers.count == 4 ? answers[2].map { LogEvent($0) } : []
  }

  private static func json(_ reader: ReceiptReader, _ offsets: ReceiptOffsets) -> JSON {
    [
      "channel": .string(reader.channel.description), "device": .string(reader.device.description),
      "user": .string(reader.user.description), "role": .string(reader.role.rawValue),
      "stations": reader.stations.map { .array($0.map { .string($0.description) }) } ?? nil,
      "received": .integer(offsets.received), "shown": .integer(offsets.shown), "accepted": .integer(offsets.accepted),
    ]
  }

  /// As (device, instant, document), newest first.
  static func list(_ channel: ChannelName, _ page: Page, _ database: any Database) async throws(Problem) -> PostgresRows
  {
    try await database.rows(
      """
      SELECT device, hub.instant(at), document FROM hub.receipt_view
      WHERE channel = $1::text AND (at, device) < (coalesce($2::timestamptz, 'infinity'),
        coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY at DESC, device DESC LIMIT $4::integer
      """, [.text(channel.description), page.instant, page.id, page.fetched])
  }
}
