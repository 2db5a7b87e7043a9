// Every statement of the feed; nothing else here knows the log's tables.
package import Postgres

package enum FeedQueries {
  /// The last statement before COMMIT: gives the transaction's events their offsets and answers with them (LogEvent).
  package static let flush = Statement(#"SELECT channel, "offset", id, name, at, data FROM hub.flush()"#)

  /// The log's identity, changed first where it was restored or copied (0012-retention.sql).
  package static let epoch = Statement("SELECT hub.current_epoch()")

  /// Gives the log a new identity, unless another node was quicker.
  package static func changeEpoch(from epoch: String) -> Statement {
    Statement("SELECT hub.change_epoch($1)", [.text(epoch)])
  }

  /// The channel's head, and that of access:log as of the same moment.
  package static func head(of channel: String) -> Statement {
    Statement("SELECT coalesce((SELECT head FROM hub.channel WHERE name = $1), 0), \(accessHead)", [.text(channel)])
  }

  /// The head of access:log, to stand in a statement that moves a subscriber forward (AccessLedger).
  package static let accessHead = "coalesce((SELECT head FROM hub.channel WHERE name = 'access:log'), 0)"

  /// Whose rights have ended lately, and the head of access:log as of the same moment.
  package static let accessState = Statement(
    "SELECT app.access_state($1::integer * interval '1 second')", [.integer(AccessLedger.lifetime)])

  /// Heads that may have moved since a scan whose snapshot had this xmin (the first scan has none and is told only xmin).
  /// A transaction that was running then has a xid of at least that xmin, so no commit can slip between two scans.
  /// The fourth column is another one whenever somebody has written the epoch's row, and be it a restore; the last is the
  /// database's clock in microseconds since 1970.
  package static func movedHeads(since xmin: String?) -> Statement {
    Statement(
      """
      SELECT c.name, c.head, s.xmin::text, (SELECT epoch || ' ' || xmin::text FROM hub.epoch),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
      FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) AS s
      LEFT JOIN hub.channel AS c ON c.last_xid >= $1::text::xid8
      """, [xmin.map { .text($0) } ?? .null])
  }

  /// The heads of the named channels, whenever they moved.
  package static func heads(of channels: [String]) -> Statement {
    Statement("SELECT name, head FROM hub.channel WHERE name = ANY($1::text[])", [.textArray(channels)])
  }

  /// The first of these events that stands in the log under another id, if any.
  package static func otherwise(_ delivered: [(channel: String, offset: Int64, id: String)]) -> Statement {
    Statement(
      """
      SELECT e.channel, e."offset" FROM unnest($1::text[], $2::bigint[], $3::uuid[]) AS d (channel, "offset", id)
      JOIN hub.event AS e ON e.channel = d.channel AND e."offset" = d."offset" AND e.id <> d.id LIMIT 1
      """,
      [
        .textArray(delivered.map(\.channel)), .integerArray(delivered.map(\.offset)),
        .textArray(delivered.map(\.id)),
      ])
  }

  /// The events after the given offset of each channel, at most `limit` a channel, in order.
  package static func events(after offsets: [(channel: String, offset: Int64)], limit: Int) -> Statement {
    Statement(
      """
      SELECT e.channel, e."offset", e.id, e.name, hub.instant(e.at), e.data
      FROM unnest($1::text[], $2::bigint[]) AS wanted (channel, after)
      CROSS JOIN LATERAL (
        SELECT * FROM hub.event
        WHERE event.channel = wanted.channel AND event."offset" > wanted.after
        ORDER BY event."offset" LIMIT $3
      ) AS e
      ORDER BY e.channel, e."offset"
      """,
      [
        .textArray(offsets.map(\.channel)), .integerArray(offsets.map(\.offset)), .integer(Int64(limit)),
      ])
  }

  /// The channel's head, that of access:log, and the events of one page (LogPage), as one statement sees them; a row
  /// without an event when there is none.
  static func page(_ key: LogPageKey) -> Statement {
    Statement(
      """
      SELECT now.head, now.access, e.channel, e."offset", e.id, e.name, hub.instant(e.at), e.data
      FROM (SELECT coalesce((SELECT head FROM hub.channel WHERE name = $1), 0), \(accessHead)) AS now (head, access)
      LEFT JOIN hub.event AS e ON e.channel = $1 AND e."offset" > $2 AND e."offset" <= $3
      ORDER BY e."offset"
      """, [.text(key.channel), .integer(key.after), .integer(key.after + Int64(key.length))])
  }

  package static func notify(heads: [UInt8], node: String) -> Statement {
    Statement("SELECT hub.notify($1::jsonb, NULL, $2)", [.json(heads), .text(node)])
  }

  /// A channel's state, the offset it is the state of, and the head of access:log, as one statement sees them: one
  /// snapshot, so exactly.
  package static func snapshot(kind: String, id: String, channel: String) -> Statement {
    Statement(
      """
      SELECT coalesce((SELECT head FROM hub.channel WHERE name = $3), 0), app.snapshot($1, $2), \(accessHead)
      """, [.text(kind), .text(id), .text(channel)])
  }

  /// Of each kitchen its id, the head of its channel and the checksum of its state there.
  package static func sums(ofKitchens ids: [String]) -> Statement {
    Statement(
      """
      SELECT k.id, coalesce(c.head, 0), app.kitchen_sum(k.id)
      FROM unnest($1::uuid[]) AS k (id) LEFT JOIN hub.channel AS c ON c.name = 'kitchen:' || k.id
      """, [.textArray(ids)])
  }
}
