// What can be set about a hub, with the values that apply when nothing is said. Where options come from (flags, HUB_…
// variables) is Command's business.
package import Crypto
import Postgres
import Protocol
package import Telemetry

/// Bounds on what peers may cost.
package struct ServerLimits: Sendable {
  /// Seconds from a connection's start to its first byte (a TLS handshake included), and from a request's first byte
  /// to the end of its head.
  package var headSeconds: Int32 = 10
  /// Seconds for a request's body to arrive, and a second more for every `bodyBytesPerSecond` of it that have come.
  package var bodySeconds: Int32 = 30
  package var bodyBytesPerSecond = 500
  /// Seconds that an idle HTTP connection is kept open.
  package var idleSeconds: Int32 = 75
  /// Seconds until a WebSocket must have signed in (wire §2).
  package var signInSeconds: Int32 = 10
  /// Seconds after which a peer that has not taken one byte of what waits for it is closed.
  package var writeSeconds: Int32 = 60
  /// Connections of the process; past it a peer is told 503.
  package var connections = Int.max
  /// Connections from one IPv4 address or IPv6 network of 64 bits.
  package var connectionsPerAddress = 10_000
  /// Whether that holds for loopback too, where a proxy would have everybody behind one address.
  package var countsLoopback = false
  /// Bytes waiting in one connection past which its subscriptions lag (wire §3).
  package var sendQueueBytes = 256 * 1024
  /// The longest WebSocket message in bytes (close code 1009 past it).
  package var messageBytes = 64 * 1024
  /// The most frames that one WebSocket message may come in (close code 1008 past it).
  package var fragments = 1024
  package var subscriptionsPerConnection = 100
  /// Commands of one socket that may run at once.
  package var commandsPerConnection = 16

  package init() {}

  var webSocket: WebSocketLimits { WebSocketLimits(messageBytes: messageBytes, fragments: fragments) }
}

/// What a process serves.
package enum ServerPurpose: Sendable {
  case hub
  /// Sends every WebSocket message back, without sign-in or database.
  case echo
}

/// What becomes of an offer of permessage-deflate (RFC 7692).
package enum CompressionSetting: String, Sendable {
  /// It is declined.
  case off
  /// Taken up without contexts in either direction: connections share streams, and a publish is compressed once.
  case shared
  /// Taken up with the contexts that the client offers to keep, at up to 300 KiB a connection.
  case takeover

  var policy: PermessageDeflate.Policy? {
    switch self {
    case .off: nil
    case .shared: PermessageDeflate.Policy(serverKeepsContext: false, clientKeepsContext: false)
    case .takeover: PermessageDeflate.Policy(serverKeepsContext: true, clientKeepsContext: true)
    }
  }
}

package struct Configuration: Sendable {
  package var purpose = ServerPurpose.hub
  package var listen: [ListenAddress] = []
  /// Certificates and rules for clients; nil for a hub that speaks in clear only.
  package var tls: TLSFiles?
  /// Where the private Postgres and the secret live.
  package var data = PrivatePostgres.standardData
  /// The key that tokens are signed with; made at first start. Nodes of one hub share it.
  package var secretFile = ""
  /// A libpq connection string or URL; empty for the private Postgres.
  package var connectionString = ""
  package var reactors = 1
  /// Postgres connections a reactor.
  package var poolSize = 4
  package var demo = false
  /// The folder with `js` and `web`.
  package var clients = ""
  /// Origins besides the hub's own whose pages may connect and read answers, as `HTTPOrigin` writes them.
  package var allowedOrigins: Set<String> = []
  /// Seconds between heartbeat messages (wire §2).
  package var heartbeatSeconds: Int32 = 10
  /// Days that the log is kept at least; a day goes when its last event is as old.
  package var retentionDays = 7
  /// Seconds that a drain may take until the hub exits.
  package var drainSeconds = 8
  package var limits = ServerLimits()
  package var compression = CompressionSetting.shared
  package var logForm = Log.Form.text
  package var logLevel = Log.Level.info

  package init() {}
}
