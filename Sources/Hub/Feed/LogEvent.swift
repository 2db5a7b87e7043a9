// An event of the channel log as it travels in the hub, and its one encoded form.
import Domain
package import Postgres
import Protocol
import Telemetry

/// A committed event with its place in one channel.
package struct LogEvent: Sendable {
  package let channel: String
  package let offset: Int64
  package let id: String
  package let name: String
  /// The database's clock in the transaction, RFC 3339.
  package let at: String
  /// JSON text as Postgres wrote it; never decoded here.
  package let data: [UInt8]

  package init(channel: String, offset: Int64, id: String, name: String, at: String, data: [UInt8]) {
    self.channel = channel
    self.offset = offset
    self.id = id
    self.name = name
    self.at = at
    self.data = data
  }

  /// A row of `hub.flush()` or of the log: channel, offset, id, name, at, data, from a column on.
  package init(_ row: PostgresRow, from column: Int = 0) {
    self.init(
      channel: row.string(column), offset: row.int64(column + 1), id: row.string(column + 2),
      name: row.string(column + 3), at: row.string(column + 4), data: row.bytes(column + 5))
  }

  /// The event message of wire §2 as JSON.
  package var message: [UInt8] {
    var bytes: [UInt8] = []
    ServerMessageEncoder.appendEvent(
      channel: channel, offset: offset, id: id, event: name, at: at, data: data.span.bytes, to: &bytes)
    return bytes
  }
}

/// An event of one channel, encoded, on its way to a reactor.
package struct Delivery: Sendable {
  package let channel: String
  package let offset: Int64
  /// Shared by every connection it is written to.
  package let message: SharedMessage
  /// When it was committed by the database's clock, in microseconds since 1970.
  let committedAt: Int64
  /// The rights that end or come back with this event; nil for nearly every event.
  let access: AccessChange?
  /// The whole frame, not compressed.
  package var frame: [UInt8] { message.frame }

  package init(_ event: LogEvent) {
    channel = event.channel
    offset = event.offset
    message = SharedMessage(event.message, name: event.name, offset: event.offset)
    committedAt = Timestamp(event.at)?.microseconds ?? 0
    access = AccessChange(event)
  }
}

/// What the feed and the presence of the node tell a reactor, in order.
package enum FeedMessage: Sendable {
  case events([Delivery])
  /// A head that the feed knows of but has not delivered yet.
  case head(channel: String, offset: Int64)
  /// The channel cannot be continued from where it was: its subscribers need a snapshot.
  case reset(channel: String)
  /// Who listens.
  case presence(PresenceNews)
}
