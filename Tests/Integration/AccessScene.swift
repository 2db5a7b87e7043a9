// Somebody who listens on two hubs in every way there is, until a right of theirs ends: what the tests of revocation do
// and what they look at afterwards.
import Foundation
import Testing
import TestSupport

/// Two hubs on one database, for the whole suite.
struct AccessHubs: Sendable {
  let database: String
  let hubs: [HubUnderTest]
  let forge: TokenForge

  private static let started = Result { try AccessHubs() }
  static var shared: AccessHubs { get throws { try started.get() } }

  init() throws {
    database = try TestPostgres.makeDatabase()
    let first = try HubUnderTest(database: database)
    hubs = [first, try HubUnderTest(database: database, data: first.data)]
    forge = try TokenForge(secretFile: first.data + "/secret")
    for hub in hubs { SharedHub.stopAtExit(hub) }
  }

  func foreign() throws -> ForeignConnection { try ForeignConnection(database) }
}

/// A person or a device with a session, and the tokens of it.
struct Holder: Sendable {
  let user = UUID().uuidString.lowercased()
  let session = UUID().uuidString.lowercased()
  let token: String
  /// One that was good before the session's newest.
  let spentRefreshToken: String

  init(_ shared: AccessHubs, _ restaurants: [String], role: String = "manager") throws {
    let isDevice = role == "kitchen" || role == "till"
    var claims = TokenForge.claims(role: role, restaurants: restaurants, user: user)
    claims["sid"] = session
    token = try shared.forge.sign(claims)
    claims["typ"] = "refresh"
    claims["jti"] = UUID().uuidString.lowercased()
    spentRefreshToken = try shared.forge.sign(claims)
    var sql =
      isDevice
      ? "INSERT INTO app.device (id, restaurant_id, kind, name) VALUES ('\(user)', '\(restaurants[0])', '\(role)', 'Screen');"
      : """
      INSERT INTO app.user (id, email, name, role, password_hash)
      VALUES ('\(user)', '\(user)@demo.test', 'Holder', '\(role)', 'x');
      """
    for restaurant in restaurants where !isDevice {
      sql += "INSERT INTO app.membership (user_id, restaurant_id) VALUES ('\(user)', '\(restaurant)');"
    }
    sql += """
      INSERT INTO app.session (id, \(isDevice ? "device_id" : "user_id"), refresh_id, expires_at)
      VALUES ('\(session)', '\(user)', gen_random_uuid(), now() + interval '1 day')
      """
    try shared.foreign().execute(sql)
  }
}

/// One socket that listens on a thread of its own and notes what it is given.
final class Listening: @unchecked Sendable {
  // @unchecked: the record is behind the lock; the socket is the thread's.
  enum Kind: Sendable, CaseIterable {
    /// Reads as it comes.
    case live
    /// Does not read until it is told to.
    case slow
    /// Goes away after a few events and comes back with its last offset.
    case resuming
    /// Comes again and again for a snapshot.
    case fresh
    /// Reads Server-Sent Events as they come.
    case stream
  }

  struct Record: Sendable {
    var offsets: [Int64] = []
    var faults: [String] = []
    /// How the last connection ended, or was refused.
    var end = 0
    var connections = 0
    var isLive = false
  }

  let kind: Kind
  let hub: Int
  private let lock = NSLock()
  private var shared = Record()
  private var mayRead = false
  private var isStopped = false
  private var worker: Worker?

  var record: Record { lock.withLock { shared } }

  init(_ kind: Kind, hub: Int, port: UInt16, channel: String, token: String) {
    self.kind = kind
    self.hub = hub
    worker = Worker("\(kind)") { [self] in
      if kind == .stream { try stream(port, channel, token) } else { try listen(port, channel, token) }
    }
  }

  func read() { lock.withLock { mayRead = true } }

  /// Waits until it was turned away for good.
  func wait() throws { try worker?.wait(within: 30) }

  func stop() throws {
    lock.withLock {
      isStopped = true
      mayRead = true
    }
    try wait()
  }

  private func change(_ body: (inout Record) -> Void) { lock.withLock { body(&shared) } }

  private func listen(_ port: UInt16, _ channel: String, _ token: String) throws {
    let parts = channel.split(separator: ":")
    var last: Int64?
    while !lock.withLock({ isStopped }) {
      let resume = kind == .resuming ? last.map { "?since=\($0)" } ?? "" : ""
      let path = parts[0] == "restaurant" ? "/ws/\(parts[1])" : "/ws/\(parts[0])/\(parts[1])"
      let socket: EventSocket
      do {
        socket = try EventSocket(
          webSocket: path + resume, port: port, token: token, receiveBuffer: kind == .slow ? 4096 : nil)
      } catch {
        change { $0.end = Int("\(error)".prefix(3)) ?? 0 }
        return
      }
      change { $0.connections += 1 }
      if !take(from: socket, &last) { return }
    }
  }

  /// wire §4: the id of an event is epoch/offset.
  private func stream(_ port: UInt16, _ channel: String, _ token: String) throws {
    let socket = try RawSocket(port: port)
    try socket.send("GET /sse/\(channel) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n")
    let head = try socket.take(through: "\r\n\r\n")
    guard head.contains(" 200 ") else { throw SupportError(head) }
    var last: Int64?
    while true {
      let block = try socket.take(through: "\n\n")
      if let code = block.firstMatch(of: /"code":(4\d+)/) { change { $0.end = Int(code.1) ?? 0 } }
      guard let offset = block.firstMatch(of: /(?m)^id: ?\w+\/(\d+)$/).flatMap({ Int64($0.1) }) else {
        if record.end != 0 { return }
        continue
      }
      if let last, offset != last + 1 { change { $0.faults.append("\(offset) after \(last)") } }
      last = offset
      change {
        $0.offsets.append(offset)
        $0.isLive = true
      }
    }
  }

  /// Answers whether to come again.
  private func take(from socket: EventSocket, _ last: inout Int64?) -> Bool {
    var taken = 0
    while true {
      if lock.withLock({ isStopped && kind != .slow }) { return false }
      // Subscribed and told so, a slow one stops.
      if kind == .slow, record.isLive, !lock.withLock({ mayRead }) {
        poll(nil, 0, 5)
        continue
      }
      switch socket.next(within: 0.5) {
      case .message(let message) where message.type == "subscribed":
        change {
          if $0.offsets.isEmpty || kind == .fresh { $0.offsets.append(message.offset) }
          $0.isLive = true
        }
        last = message.offset
        if kind == .fresh { return true }
      case .message(let message) where message.type == "event":
        if let last, message.offset != last + 1 { change { $0.faults.append("\(message.offset) after \(last)") } }
        last = message.offset
        change { $0.offsets.append(message.offset) }
        taken += 1
        if kind == .resuming, taken == 3 { return true }
      case .message(let message) where message.type == "unsubscribed":
        change { $0.end = 1 }
        return false
      case .message: break
      case .silent: if lock.withLock({ isStopped }) { return false }
      case .ended(let code, _):
        change { $0.end = code }
        // Turned away by the close after the upgrade, or at the next handshake.
        return code == 1006 && kind != .slow
      }
    }
  }
}
