// Those who change things in the tests: a till that sends commands over REST and repeats them with the same key until it
// knows how they ended, and a program that publishes over a database connection of its own.
package import Foundation
import Glibc

/// One till; it belongs to the thread that made it.
package final class Till {
  private let ports: HubPorts
  private let token: String
  private var random: SeededRandom
  private var socket: EventSocket?
  /// Commands sent again because the answer did not come.
  package private(set) var repeats = 0
  /// Repeats that the hub answered from what it had stored.
  package private(set) var replays = 0

  package init(ports: HubPorts, token: String, random: SeededRandom) {
    self.ports = ports
    self.token = token
    self.random = random
  }

  /// Sends a command until it is answered with something else than "not now"; the key makes it happen once.
  package func command(
    _ method: String, _ path: String, body: String? = nil, key: String, within seconds: TimeInterval = 60
  ) throws -> RawAnswer {
    let limit = Patience.end(within: seconds)
    var attempt = 0
    while true {
      if attempt > 0 {
        guard Date() < limit else { throw SupportError("\(method) \(path) with key \(key): no answer in \(seconds) s") }
        repeats += 1
        poll(nil, 0, 10)
      }
      attempt += 1
      do {
        let socket = try socket ?? EventSocket(port: ports.random(&random))
        self.socket = socket
        let answer = try socket.request(method, path, token: token, body: body, headers: ["Idempotency-Key": key])
        let isRunning = answer.status == 409 && answer.json["code"] as? String == "idempotency_in_progress"
        if answer.status == 503 || isRunning { continue }
        if answer.header("Idempotent-Replayed") == "true" { replays += 1 }
        return answer
      } catch {
        // Whether it was carried out is not known: ask again, on a new connection.
        socket = nil
      }
    }
  }

  /// Places and confirms an order; answers its id.
  package func sell(_ order: String, key: String) throws -> String {
    let placed = try command("POST", "/api/v1/orders", body: order, key: "\(key)-place")
    guard placed.status == 201, let id = placed.json["id"] as? String else {
      throw SupportError("order \(key): \(placed.status) \(placed.text)")
    }
    let confirmed = try command("POST", "/api/v1/orders/\(id)/confirm", key: "\(key)-confirm")
    guard confirmed.status == 200, confirmed.json["status"] as? String == "confirmed" else {
      throw SupportError("confirming \(key): \(confirmed.status) \(confirmed.text)")
    }
    return id
  }
}

/// A program with a database connection that publishes by itself, in several ways.
package final class Publisher {
  private let database: String
  private var connection: ForeignConnection
  private var random: SeededRandom

  package init(_ database: String, random: SeededRandom) throws {
    self.database = database
    connection = try ForeignConnection(database)
    self.random = random
  }

  /// Publishes `test.published` {"n"} once on the channel: alone, in a transaction, beside another channel, after a
  /// savepoint that was undone, or with more data than a notification carries.
  package func publish(_ number: Int, on channel: String, beside other: String) throws {
    while true {
      do { return try publishOnce(number, on: channel, beside: other) } catch {
        // A good session that refuses is a fault of the test; a lost one may have committed or not.
        if (try? connection.execute("SELECT 1")) != nil { throw error }
        try eventually("the database is back", within: 60) {
          guard let again = try? ForeignConnection(database) else { return false }
          connection = again
          return true
        }
        let found = try connection.execute(
          """
          SELECT FROM hub.event WHERE channel = '\(channel)' AND name = 'test.published' AND data ->> 'n' = '\(number)'
          """)
        if !found.isEmpty { return }
      }
    }
  }

  private func publishOnce(_ number: Int, on channel: String, beside other: String) throws {
    let event = "'test.published', '{\"n\": \(number)}'"
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      try connection.execute("BEGIN; SELECT hub.publish('\(channel)', \(event)); COMMIT")
    case 1:
      try connection.execute("SELECT hub.publish(ARRAY['\(other)', '\(channel)'], \(event))")
    case 2:
      try connection.execute(
        """
        BEGIN; SAVEPOINT before; SELECT hub.publish('\(channel)', 'test.undone', '{}'); ROLLBACK TO before;
        SELECT hub.publish('\(other)', 'test.beside', '{}'); SELECT hub.publish('\(channel)', \(event)); COMMIT
        """)
    case 3:
      let padding = String(repeating: "x", count: Int.random(in: 6_000...12_000, using: &random))
      try connection.execute(
        "SELECT hub.publish('\(channel)', 'test.published', '{\"n\": \(number), \"padding\": \"\(padding)\"}')")
    default:
      try connection.execute("SELECT hub.publish('\(channel)', \(event))")
    }
  }
}
