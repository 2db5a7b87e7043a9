// A subscriber that checks the promise of wire §1 while it listens: on a thread of its own it reads one channel, over
// WebSockets or event streams, connects again with where it stood whenever its connection ends, on whichever hub is there, and notes everything that it
// must never see: a gap, a repeat, a swap, an event nobody should have sent, a snapshot where it could resume.
import Foundation
import Glibc

/// The hubs that clients may go to; one that was killed is taken out.
package final class HubPorts: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var ports: [UInt16]

  package init(_ ports: [UInt16]) { self.ports = ports }

  package func add(_ port: UInt16) { lock.withLock { ports.append(port) } }

  package func remove(_ port: UInt16) { lock.withLock { ports.removeAll { $0 == port } } }

  package func random(_ random: inout SeededRandom) -> UInt16 {
    lock.withLock { ports.randomElement(using: &random) ?? 0 }
  }
}

package final class Subscriber: @unchecked Sendable {
  // @unchecked: what is shared with other threads is behind the lock.

  /// An event as it stands in the log.
  package struct Seen: Equatable, Sendable, CustomStringConvertible {
    package let offset: Int64
    package let id: String

    package init(offset: Int64, id: String) {
      self.offset = offset
      self.id = id
    }

    package var description: String { "\(offset) \(id)" }
  }

  /// What carries its events.
  package enum Carrier: Sendable { case webSocket, eventStream }

  package struct Record: Sendable {
    /// In the order they came, over all connections.
    package var events: [Seen] = []
    /// Whatever broke the promise, in words.
    package var faults: [String] = []
    package var connections = 0
    /// Connections that took up where the one before had ended.
    package var resumes = 0
    /// Connections and subscriptions that were refused for now (503, no listener yet).
    package var refusals = 0
    package var last: Int64 = -1
    package var isLive = false
  }

  private let lock = NSLock()
  private var shared = Record()
  private var socket: EventSocket?
  private var isStopped = false
  private let name: String
  private let channel: String
  private let token: String
  private let ports: HubPorts
  private let carrier: Carrier
  private let receiveBuffer: Int32?
  private let heedsGoAway: Bool
  /// How many milliseconds the last goaway asked to wait.
  private var wait: Int32 = 0
  private let known: @Sendable (String) -> Bool
  private var random: SeededRandom
  private var epoch: String?
  private var worker: Worker?

  /// Begins with a snapshot, or with what comes after the offset `since`. `receiveBuffer` bytes make a socket that is
  /// soon full; with `heedsGoAway` it waits for as long as it is told before it connects again; `known` says which event
  /// names may come.
  package init(
    _ name: String, channel: String, since: Int64? = nil, token: String, ports: HubPorts, random: SeededRandom,
    carrier: Carrier = .webSocket, receiveBuffer: Int32? = nil, heedsGoAway: Bool = false,
    known: @escaping @Sendable (String) -> Bool
  ) {
    shared.last = since ?? -1
    self.name = name
    self.channel = channel
    self.token = token
    self.ports = ports
    self.random = random
    self.carrier = carrier
    self.receiveBuffer = receiveBuffer
    self.heedsGoAway = heedsGoAway
    self.known = known
  }

  package var record: Record { lock.withLock { shared } }

  package func start() {
    worker = Worker("subscriber \(name)") { [self] in listen() }
  }

  /// Cuts the connection that it has now, if any, with a reset.
  package func cut() { lock.withLock { socket }?.cut() }

  package func stop() throws {
    lock.withLock { isStopped = true }
    cut()
    try worker?.wait(within: 30)
  }

  // MARK: The thread

  private var mayGoOn: Bool { lock.withLock { !isStopped } }

  private func change(_ body: (inout Record) -> Void) { lock.withLock { body(&shared) } }

  private func fault(_ text: String) { change { $0.faults.append("subscriber \(name) at \($0.last): \(text)") } }

  private func listen() {
    while mayGoOn {
      do {
        let connected = try connect()
        lock.withLock { socket = connected }
        // Stopped in the meantime: nobody will cut this one.
        if !mayGoOn { return }
        read(connected)
        if heedsGoAway, wait > 0 { poll(nil, 0, wait) }
        wait = 0
      } catch {
        change { $0.refusals += 1 }
        poll(nil, 0, 20)
      }
      lock.withLock {
        socket = nil
        shared.isLive = false
      }
    }
  }

  /// By the shortcut or by a message, as chance will have it.
  private func connect() throws -> EventSocket {
    let last = record.last
    let port = ports.random(&random)
    if carrier == .eventStream { return try connectStream(port, after: last) }
    let parts = channel.split(separator: ":")
    if random.chance(50), parts.count == 2 {
      var resume = last >= 0 ? "?since=\(last)" : ""
      if let epoch, last >= 0 { resume += "&epoch=\(epoch)" }
      return try EventSocket(
        webSocket: "/ws/\(parts[0])/\(parts[1])\(resume)", port: port, token: token, receiveBuffer: receiveBuffer)
    }
    let socket = try EventSocket(webSocket: "/ws", port: port, token: token, receiveBuffer: receiveBuffer)
    var message: [String: Any] = ["type": "subscribe", "id": 1, "channel": channel]
    if last >= 0 { message["since"] = last }
    if last >= 0, let epoch { message["epoch"] = epoch }
    try socket.send(message)
    return socket
  }

  private func connectStream(_ port: UInt16, after last: Int64) throws -> EventSocket {
    if last >= 0, epoch == nil {
      // An event stream is resumed by the id of an event, which has the epoch in it.
      let answer = try EventSocket(port: port).request("GET", "/api/v1/channels/\(channel)", token: token)
      guard answer.status == 200 else { throw SupportError("\(answer.status) \(answer.text)") }
      epoch = answer.json["epoch"] as? String
    }
    let id = last >= 0 ? "\(epoch ?? "")/\(last)" : nil
    return try EventSocket(
      eventStream: "/sse/\(channel)", port: port, token: token, lastEventID: id, receiveBuffer: receiveBuffer)
  }

  private func read(_ socket: EventSocket) {
    change { $0.connections += 1 }
    while mayGoOn {
      // A heartbeat comes every 10 s.
      switch socket.next(within: 25) {
      case .message(let message):
        guard take(message) else { return }
      case .ended(let code, let reason):
        // A cut, a hub that ended, a hub that cannot keep the promise: all of them mean to come back.
        if ![1001, 1006, 1012, 1013].contains(code) { fault("closed \(code) \(reason)") }
        return
      case .silent:
        fault("nothing came for 25 s, not even a heartbeat")
        return
      }
    }
  }

  /// Answers whether to stay on this connection.
  private func take(_ message: HubMessage) -> Bool {
    checkStreamFields(of: message)
    switch message.type {
    case "event": take(event: message)
    case "subscribed": subscribed(message)
    case "goaway": wait = Int32(((message.json["reconnect"] as? NSNumber)?.doubleValue ?? 0) * 1000)
    case "welcome", "heartbeat", "pong": break
    case "error":
      if (message.json["status"] as? Int) != 503 { fault("\(message.json)") }
      change { $0.refusals += 1 }
      return false
    default: fault("unexpected message \(message.json)")
    }
    return true
  }

  /// What an event stream says beside a message must be what the message says.
  private func checkStreamFields(of message: HubMessage) {
    guard carrier == .eventStream else { return }
    let position = "\(epoch ?? message.string("epoch"))/\(message.offset)"
    let expected: (name: String, id: String?) =
      switch message.type {
      case "event": (message.event, position)
      case "subscribed" where message.snapshot != nil: ("snapshot", "\(message.string("epoch"))/\(message.offset)")
      default: (message.type, nil)
      }
    if message.name != expected.name || message.streamID != expected.id {
      fault("\(message.name ?? "-") with id \(message.streamID ?? "-") around \(message.json)")
    }
  }

  private func subscribed(_ message: HubMessage) {
    let last = record.last
    let isRecovered = message.json["recovered"] as? Bool ?? false
    if message.string("channel") != channel { fault("subscribed to \(message.string("channel"))") }
    if message.string("epoch") != epoch ?? message.string("epoch") { fault("the epoch is \(message.string("epoch"))") }
    if last < 0 {
      if message.snapshot == nil { fault("the first subscription has no snapshot") }
      change { $0.last = message.offset }
    } else {
      if !isRecovered { fault("a snapshot at \(message.offset) where it could resume") }
      if message.offset != last { fault("resumed at \(message.offset)") }
      if epoch != nil { change { $0.resumes += 1 } }
    }
    epoch = message.string("epoch")
    change { $0.isLive = true }
  }

  private func take(event message: HubMessage) {
    let seen = Seen(offset: message.offset, id: message.string("id"))
    let record = lock.withLock { (last: shared.last, isLive: shared.isLive) }
    if !record.isLive { fault("event \(seen) before subscribed") }
    if message.string("channel") != channel { fault("event \(seen) of \(message.string("channel"))") }
    if !known(message.event) { fault("unknown event \(message.event) at \(seen.offset)") }
    if seen.offset > record.last + 1 {
      fault("gap: \(seen.offset) came after \(record.last)")
    } else if seen.offset <= record.last {
      fault(lock.withLock { shared.events.contains(seen) } ? "repeat: \(seen)" : "swap: \(seen)")
    }
    change {
      $0.events.append(seen)
      $0.last = max($0.last, seen.offset)
    }
  }
}
