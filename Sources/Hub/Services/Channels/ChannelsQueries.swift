// Statements of the channels' read side; the log's own are in Feed/FeedQueries.
import Channels
import Postgres

enum ChannelsQueries {
  /// Epoch, offset and state as one snapshot sees them.
  static func snapshot(_ channel: ChannelName) -> Statement {
    Statement(
      """
      SELECT (SELECT epoch FROM hub.epoch), coalesce((SELECT head FROM hub.channel WHERE name = $3), 0),
        app.snapshot($1, $2)
      """, [.text(channel.kind.rawValue), .text(channel.id), .text(channel.description)])
  }

  /// Who listens, on every living node, by the connections' ids, which is by the moment of connecting.
  static func presence(_ channel: ChannelName, _ page: Page) -> Statement {
    Statement(
      """
      SELECT p.connection, NULL, \(PresenceQueries.member) FROM hub.live_presence AS p
      WHERE p.channel = $1 AND ($2::uuid IS NULL OR p.connection > $2::uuid) ORDER BY p.connection LIMIT $3
      """, [.text(channel.description), page.id, page.fetched])
  }

  static func publish(_ channel: ChannelName, _ event: String, _ data: [UInt8]) -> Statement {
    Statement("SELECT hub.publish($1, $2, $3::jsonb)", [.text(channel.description), .text(event), .json(data)])
  }
}
