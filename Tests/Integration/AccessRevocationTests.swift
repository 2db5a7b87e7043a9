// Rights ordered with the data (domain.md §1): while writers go on, a right ends in the middle. The log says where, and
// nothing from there on may have reached the socket on any node: live, behind, resuming or asking for a snapshot.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite(.serialized) struct AccessRevocationTests {
  /// How a right ends.
  enum Ending: Sendable, CaseIterable {
    case signedOut, refreshTokenUsedTwice, sessionDeleted, roleChanged, memberRemoved, deviceRemoved, suspended

    /// The close code of an open socket.
    var code: Int { self == .memberRemoved || self == .suspended ? 4403 : 4401 }
    /// What commands and handshakes are answered.
    var refusals: Set<Int> {
      switch self {
      // Until the node knows, the token is out of date; then the restaurant is not one of its own.
      case .memberRemoved: [401, 403, 404]
      case .suspended: [403]
      default: [401]
      }
    }
  }

  @Test(arguments: Ending.allCases)
  func `Nothing of after the revocation reaches any socket on any node, and no command is carried out`(
    _ ending: Ending
  ) throws {
    let shared = try AccessHubs.shared
    let restaurant = try TestRestaurant(at: shared.hubs[0], products: 1)
    let channel = restaurant.channel("kitchen")
    let holder = try Holder(shared, [restaurant.id], role: ending == .deviceRemoved ? "kitchen" : "manager")
    // Somebody whom it does not concern: the hubs do go on.
    let other = ending == .suspended ? "restaurant" : "kitchen"
    let otherToken = try shared.forge.token(
      role: ending == .suspended ? "platform_owner" : "manager", restaurants: [restaurant.id])
    let others = shared.hubs.indices.map {
      Listening(.live, hub: $0, port: shared.hubs[$0].port, channel: "\(other):\(restaurant.id)", token: otherToken)
    }
    let listening = shared.hubs.indices.flatMap { hub in
      Listening.Kind.allCases.map {
        Listening($0, hub: hub, port: shared.hubs[hub].port, channel: channel, token: holder.token)
      }
    }
    try eventually("everybody listens") { (listening + others).allSatisfy { $0.record.isLive } }

    let published = SharedCount()
    let mayStop = SharedCount()
    let writers = (0..<3).map { number in
      Worker("writer \(number)") {
        let program = try shared.foreign()
        while mayStop.value == 0 {
          // As fast as a busy house, not as fast as the machine.
          poll(nil, 0, 3)
          try program.execute(
            """
            SELECT hub.publish(ARRAY['\(channel)', '\(restaurant.channel("restaurant"))'], 'test.published',
              jsonb_build_object('x', repeat('x', \(published.add() < 100 ? 3000 : 30))))
            """)
        }
      }
    }
    let accepted = Mail()
    let command = commandOf(ending, restaurant)
    let commands = SharedCount()
    let commanders = shared.hubs.map { hub in
      Worker("commands") {
        let socket = try EventSocket(port: hub.port)
        while true {
          let answer = try socket.request(
            command.method, command.path, token: holder.token, body: command.bodies[commands.add() % 2])
          guard answer.status < 300 else {
            if !ending.refusals.contains(answer.status) { throw SupportError("\(answer.status) \(answer.text)") }
            return
          }
          accepted.add(answer.header("Hub-Offsets") ?? "")
        }
      }
    }
    // The large ones fill the slow sockets; whoever is live has taken them, and is not behind when the right ends.
    try eventually("writers, commands and those who come again run") {
      published.value >= 150 && accepted.all.count >= 4
        && listening.allSatisfy { ![.resuming, .fresh].contains($0.kind) || $0.record.connections > 3 }
        && listening.allSatisfy { $0.kind != .live || $0.record.offsets.count > 130 }
    }
    try end(ending, holder, restaurant, shared)
    let midway = published.value
    try eventually("the writers go on") { published.value >= midway + 150 }
    // At once, on every node, after the revocation's commit.
    for hub in shared.hubs {
      let answer = try hub.request(command.method, command.path, token: holder.token, body: command.bodies[0])
      #expect(ending.refusals.contains(answer.status), "\(answer.text)")
    }
    for commander in commanders { try commander.wait(within: 20) }
    mayStop.add()
    for writer in writers { try writer.wait(within: 20) }
    for socket in listening where socket.kind == .slow { socket.read() }
    for socket in listening { try socket.wait() }

    let admin = try shared.foreign()
    func revokedAt(_ kind: String) throws -> Int64 {
      let rows = try admin.execute(
        """
        SELECT "offset" FROM hub.event WHERE channel = '\(kind):\(restaurant.id)' AND name = 'access.revoked'
          AND (data -> 'sessions' ? '\(holder.session)' OR data ? 'restaurant')
        """)
      return try #require(rows.count == 1 ? Int64(rows[0][0]) : nil)
    }
    let end = try revokedAt("kitchen")
    let head = Int64(try admin.execute("SELECT head FROM hub.channel WHERE name = '\(channel)'")[0][0]) ?? 0
    #expect(head > end + 100, "much was published after it")
    for socket in listening {
      let (record, name) = (socket.record, "\(socket.kind) on hub \(socket.hub), revoked at \(end)")
      #expect(record.faults.isEmpty, "\(name): \(record.faults.prefix(3))")
      #expect(record.offsets.allSatisfy { $0 < end }, "\(name): \(record.offsets.filter { $0 >= end }.prefix(3))")
      switch socket.kind {
      case .live:
        #expect(record.offsets.last == end - 1, "\(name): everything of before, \(record.offsets.last ?? -1)")
        #expect(record.end == ending.code, "\(name): \(record.end)")
      case .slow, .stream:
        // Where they are when the right ends, there they end.
        #expect(record.offsets.count > 1 && [ending.code, 1006].contains(record.end), "\(name): \(record.end)")
      case .resuming, .fresh:
        #expect(record.connections > 3, "\(name)")
        // Refused before the upgrade, or behind it.
        let isRefused = ending.refusals.contains { [$0, 4000 + $0].contains(record.end) }
        #expect(isRefused || record.end == ending.code, "\(name): \(record.end)")
      }
    }
    // wire §5: the offsets that an accepted command took lie before the revocation's in the same channel.
    for offsets in accepted.all {
      for entry in offsets.split(separator: ",") {
        let parts = entry.split(separator: "=")
        let kind = String(parts[0].split(separator: ":")[0]).trimmingCharacters(in: .whitespaces)
        #expect(try (Int64(parts[1]) ?? .max) < revokedAt(kind), "\(offsets)")
      }
    }
    for socket in others {
      let all = try admin.execute("SELECT head FROM hub.channel WHERE name = '\(other):\(restaurant.id)'")[0][0]
      try eventually("the others hear on") { socket.record.offsets.last == Int64(all) }
      try socket.stop()
      #expect(socket.record.faults.isEmpty && socket.record.connections == 1)
    }
  }

  /// A command that the holder may give as often as they like, the one body after the other.
  private func commandOf(
    _ ending: Ending, _ restaurant: TestRestaurant
  ) -> (method: String, path: String, bodies: [String]) {
    let product = restaurant.products[0]
    if ending == .deviceRemoved {
      return ("PATCH", "/api/v1/products/\(product.id)", [#"{"available":true}"#, #"{"available":false}"#])
    }
    let order = """
      {"restaurant_id":"\(restaurant.id)","order_type":"takeaway","items":[{"product_id":"\(product.id)","quantity":1}]}
      """
    return ("POST", "/api/v1/orders", [order, order])
  }

  private func end(_ ending: Ending, _ holder: Holder, _ restaurant: TestRestaurant, _ shared: AccessHubs) throws {
    let hub = shared.hubs[0]
    func call(_ method: String, _ path: String, _ body: String? = nil, as token: String) throws -> Int {
      try hub.request(method, "/api/v1/\(path)", token: token, body: body).status
    }
    let owner = try shared.forge.token(role: "restaurant_owner", restaurants: [restaurant.id])
    let platform = try shared.forge.token(role: "platform_owner")
    switch ending {
    case .signedOut: #expect(try call("POST", "auth/logout", as: holder.token) == 204)
    case .refreshTokenUsedTwice:
      let body = #"{"refresh_token":"\#(holder.spentRefreshToken)"}"#
      #expect(try hub.request("POST", "/api/v1/auth/refresh", body: body).status == 401)
    case .sessionDeleted: try shared.foreign().execute("DELETE FROM app.session WHERE id = '\(holder.session)'")
    case .roleChanged: #expect(try call("PATCH", "users/\(holder.user)", #"{"role":"employee"}"#, as: owner) == 200)
    case .memberRemoved:
      #expect(try call("DELETE", "restaurants/\(restaurant.id)/members/\(holder.user)", as: owner) == 204)
    case .deviceRemoved: #expect(try call("DELETE", "devices/\(holder.user)", as: owner) == 204)
    case .suspended: #expect(try call("POST", "restaurants/\(restaurant.id)/suspend", as: platform) == 200)
    }
  }
}

/// What threads leave for the test.
private final class Mail: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var letters: [String] = []

  var all: [String] { lock.withLock { letters } }

  func add(_ letter: String) { lock.withLock { letters.append(letter) } }
}
