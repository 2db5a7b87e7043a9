// The product's promise, tried on real hub processes: each subscriber gets every event of its channel once and in order,
// an event is there if and only if its transaction was committed, and a snapshot with what follows is the state.
// The suites are in Delivery*Tests.swift; they run one after another, since each keeps the machine busy by itself.
import Foundation
import Testing
import TestSupport

@Suite(.serialized) enum DeliveryTests {}

/// A hub, a restaurant and a foreign connection: what most of these tests begin with.
struct DeliveryScene {
  let database: String
  let hub: HubUnderTest
  let restaurant: TestRestaurant
  let token: String
  /// A program of somebody else's, with a database connection of its own.
  let program: ForeignConnection

  init(database: String? = nil, products: Int = 6, arguments: [String] = []) throws {
    let database = try database ?? TestPostgres.makeDatabase()
    self.database = database
    hub = try HubUnderTest(database: database, arguments: arguments)
    restaurant = try TestRestaurant(at: hub, products: products)
    token = try hub.token(role: "manager", restaurant: restaurant.id)
    program = try ForeignConnection(database)
  }

  var kitchen: String { restaurant.channel("kitchen") }
  var pos: String { restaurant.channel("pos") }

  /// A socket without a channel yet.
  func connect(receiveBuffer: Int32? = nil) throws -> EventSocket {
    try EventSocket(webSocket: "/ws", port: hub.port, token: token, receiveBuffer: receiveBuffer)
  }

  /// Subscribes on a socket and answers `subscribed`.
  @discardableResult
  func subscribe(_ socket: EventSocket, _ channel: String, since: Int64? = nil, epoch: String? = nil) throws
    -> HubMessage
  {
    var message: [String: Any] = ["type": "subscribe", "id": 1, "channel": channel]
    if let since { message["since"] = since }
    if let epoch { message["epoch"] = epoch }
    try socket.send(message)
    return try socket.next("subscribed")
  }

  /// Publishes from outside, committed when it answers.
  func publish(_ event: String, on channels: String..., by program: ForeignConnection? = nil) throws {
    let list = channels.map { "'\($0)'" }.joined(separator: ", ")
    try (program ?? self.program).execute("SELECT hub.publish(ARRAY[\(list)], '\(event)', '{}')")
  }

  func head(_ channel: String) throws -> Int64 {
    let rows = try program.execute("SELECT head FROM hub.channel WHERE name = '\(channel)'")
    return rows.first.flatMap { Int64($0[0]) } ?? 0
  }

  /// Ends the session that listens for the hub.
  func killListener() throws {
    try eventually("there is a listener to kill") {
      try !program.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'hub listener'
        """
      ).isEmpty
    }
  }

  /// Waits until the hub has read the heads again that moved up to now (it does every 250 ms).
  func awaitRescan() throws {
    // A connection of its own: the scene's may be inside a transaction, where the activity is not read anew.
    let program = try ForeignConnection(database)
    let now = try program.execute("SELECT clock_timestamp()")[0][0]
    try eventually("the listener re-scans the heads") {
      try program.execute(
        """
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hub listener'
          AND query LIKE '%pg_snapshot_xmin%' AND state = 'idle' AND query_start > '\(now)'
        """
      ).count == 1
    }
  }
}

extension HubUnderTest {
  /// The value of one of the hub's metrics.
  func metric(_ name: String) throws -> Int {
    let text = try request("GET", "/metrics").text
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
    return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
  }
}
