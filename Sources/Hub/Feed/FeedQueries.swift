// Every statement of the feed; nothing else here knows the log's tables.
package import Postgres

package enum FeedQueries {
  package static let epoch = Statement("SELECT epoch FROM hub.epoch")

  /// Gives the log a new identity, unless another node was quicker.
  package static func changeEpoch(from epoch: String) -> Statement {
    Statement(
      """
      UPDATE hub.epoch SET epoch = replace(left(gen_random_uuid()::text, 13), '-', ''), since = now() WHERE epoch = $1
      """, [.text(epoch)])
  }

  package static func head(of channel: String) -> Statement {
    Statement("SELECT coalesce((SELECT head FROM hub.channel WHERE name = $1), 0)", [.text(channel)])
  }

  /// Heads that may have moved since a scan whose snapshot had this xmin (the first scan has none and is told only xmin).
  /// A transaction that was running then has a xid of at least that xmin, so no commit can slip between two scans.
  package static func movedHeads(since xmin: String?) -> Statement {
    Statement(
      """
      SELECT c.name, c.head, s.xmin::text
      FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) AS s
      LEFT JOIN hub.channel AS c ON c.last_xid >= $1::text::xid8
      """, [xmin.map { .text($0) } ?? .null])
  }

  /// The heads of the named channels, whenever they moved.
  package static func heads(of channels: [String]) -> Statement {
    Statement("SELECT name, head FROM hub.channel WHERE name = ANY($1::text[])", [.textArray(channels)])
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

  package static func notify(heads: [UInt8], node: String) -> Statement {
    Statement("SELECT hub.notify($1::jsonb, NULL, $2)", [.json(heads), .text(node)])
  }

  /// A channel's state and the offset it is the state of, as one statement sees them: one snapshot, so exactly.
  package static func snapshot(kind: String, id: String, channel: String) -> Statement {
    Statement(
      """
      SELECT coalesce((SELECT head FROM hub.channel WHERE name = $3), 0), app.snapshot($1, $2)
      """, [.text(kind), .text(id), .text(channel)])
  }
}
