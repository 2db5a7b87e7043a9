// What the reactors of one process share; all of it is immutable or safe from any thread.
import Channels
package import Telemetry

package final class Node: Sendable {
  /// This process, as other nodes and clients see it.
  package let name: String
  package let configuration: Configuration
  package let api: API
  package let assets: Assets
  package let feedState: FeedState
  package let presence: Presence
  package let metrics: Metrics
  package let counters: ServerCounters
  package let admission: Admission
  package let crossOrigin: CrossOrigin
  /// Nil when the hub was given no certificates.
  package let tls: TLSCertificates?
  package let log: Log
  /// Read once for all reactors.
  let snapshots = SharedReads<SnapshotKey, Snapshot>(maximumBytes: 16 << 20)
  let pages = SharedReads<LogPageKey, LogPage>(maximumBytes: 8 << 20)
  let heads = SharedReads<String, ChannelHead>(maximumBytes: 1 << 20)

  package init(
    name: String, configuration: Configuration, api: API, assets: Assets, feedState: FeedState, presence: Presence,
    metrics: Metrics, tls: TLSCertificates? = nil, log: Log
  ) {
    self.name = name
    self.configuration = configuration
    self.api = api
    self.assets = assets
    self.feedState = feedState
    self.presence = presence
    self.metrics = metrics
    counters = ServerCounters(metrics)
    admission = Admission(configuration.limits)
    crossOrigin = CrossOrigin(allowed: configuration.allowedOrigins)
    self.tls = tls
    self.log = log
  }
}

/// How long what is committed takes to get to people, by channel kind, in seconds.
struct DeliveryDelays: Sendable {
  private let toSocket: [Histogram]
  private let toShown: [Histogram]

  init(_ metrics: Metrics) {
    toSocket = ChannelKind.allCases.map {
      metrics.histogram(
        "hub_commit_to_socket_seconds", help: "From an event's commit until every live socket here was sent it.",
        labels: ["kind": $0.rawValue])
    }
    toShown = ChannelKind.allCases.map {
      metrics.histogram(
        "hub_commit_to_shown_seconds", help: "From an event's commit until a screen said that it shows it.",
        labels: ["kind": $0.rawValue])
    }
  }

  func commitToSocket(_ kind: ChannelKind) -> Histogram { toSocket[kind.position] }
  func commitToShown(_ kind: ChannelKind) -> Histogram { toShown[kind.position] }
}

package struct ServerCounters: Sendable {
  let delays: DeliveryDelays
  let connections: Gauge
  let webSockets: Gauge
  let eventStreams: Gauge
  let subscriptions: Gauge
  let accepted: Counter
  let acceptFailures: Counter
  let refused: Counter
  let timedOut: Counter
  let stuck: Counter
  let requests: Counter
  let violations: Counter
  let commands: Counter
  let lagging: Counter
  let laggingNow: Gauge
  let queued: Gauge
  let replays: Counter
  let snapshots: Counter
  let receipts: Counter
  let receiptsIgnored: Counter
  let receiptBatches: Counter
  let withdrawals: Counter
  let compressions: Counter
  let contexts: Gauge

  init(_ metrics: Metrics) {
    delays = DeliveryDelays(metrics)
    connections = metrics.gauge("hub_connections", help: "Open connections.")
    webSockets = metrics.gauge("hub_websockets", help: "Open WebSocket sessions.")
    eventStreams = metrics.gauge("hub_event_streams", help: "Open event streams (Server-Sent Events).")
    subscriptions = metrics.gauge("hub_subscriptions", help: "Subscriptions of all connections.")
    accepted = metrics.counter("hub_connections_accepted_total", help: "Connections accepted.")
    acceptFailures = metrics.counter("hub_accept_failures_total", help: "Connections that could not be accepted.")
    refused = metrics.counter("hub_connections_refused_total", help: "Connections for which there was no place.")
    timedOut = metrics.counter("hub_requests_timed_out_total", help: "Requests that did not arrive in time.")
    stuck = metrics.counter("hub_connections_stuck_total", help: "Connections closed since the peer did not read.")
    requests = metrics.counter("hub_http_requests_total", help: "HTTP requests received.")
    violations = metrics.counter("hub_protocol_violations_total", help: "Connections closed for breaking a protocol.")
    commands = metrics.counter("hub_commands_total", help: "Commands carried out, over HTTP or a socket.")
    lagging = metrics.counter("hub_subscriptions_lagging_total", help: "Times a subscription fell behind its socket.")
    laggingNow = metrics.gauge("hub_connections_lagging", help: "Connections with a subscription that lags just now.")
    queued = metrics.gauge("hub_send_queue_bytes", help: "Bytes that wait for sockets to take them.")
    replays = metrics.counter("hub_replay_queries_total", help: "Reads of the log for subscribers.")
    receipts = metrics.counter("hub_receipts_total", help: "Receipts (seen) that clients sent.")
    receiptsIgnored = metrics.counter(
      "hub_receipts_ignored_total", help: "Receipts that could not be true, or for which there was no room.")
    receiptBatches = metrics.counter("hub_receipt_batches_total", help: "Writes of receipts, many in each.")
    withdrawals = metrics.counter(
      "hub_rights_withdrawn_total", help: "Subscriptions and sockets that lost their right.")
    compressions = metrics.counter("hub_compressions_total", help: "Messages compressed, however many got them.")
    contexts = metrics.gauge("hub_compression_contexts", help: "zlib streams kept for single connections.")
    snapshots = metrics.counter("hub_snapshot_queries_total", help: "Reads of a channel's snapshot.")
  }
}
