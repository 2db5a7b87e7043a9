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

  static func publish(_ channel: ChannelName, _ event: String, _ data: [UInt8]) -> Statement {
    Statement("SELECT hub.publish($1, $2, $3::jsonb)", [.text(channel.description), .text(event), .json(data)])
  }
}
