// What happens by the clock: once a second every connection is looked at. One timer a reactor instead of one a
// connection; heartbeats are spread over the period by descriptor.
import Channels
import Domain
import EventLoop
import Glibc
import Protocol
import Telemetry

extension Reactor {
  /// Seconds without a byte after which a Ping goes out, and again until the second stays unanswered (wire §2).
  private static var pingAfter: Int32 { 25 }

  func startClock() {
    refreshDate()
    loop.schedule(after: .seconds(1)) { [unowned self] in
      self.assumeIsolated { reactor in
        reactor.tick()
        reactor.startClock()
      }
    }
  }

  private func refreshDate() { dateField = HTTPDate(seconds: wallClockMicroseconds() / 1_000_000) }

  /// The wall clock as the wire writes it.
  func instant(_ microseconds: Int64 = wallClockMicroseconds()) -> String {
    Timestamp(microseconds: microseconds).description
  }

  private func tick() {
    second += 1
    let now = node.api.services.now
    let fresh = node.feedState.freshAt
    let isExpiring = !expired.isEmpty
    // Most connections are told the same: nothing moved.
    var quiet: [UInt8] = []
    ServerMessageEncoder.appendHeartbeat(at: instant(), fresh: instant(fresh), heads: [], to: &quiet)
    let heartbeat = SharedMessage(quiet, name: "heartbeat")
    var (queued, lagging) = (0, 0)
    for case let connection? in connections {
      queued += connection.outbound.count
      if connection.hasLagging { lagging += 1 }
      if second >= connection.deadline, !isExpiring { expired.append(connection) }
      if isStuck(connection) { continue }
      guard let session = connection.session, !session.isClosing else { continue }
      if let caller = session.caller, caller.isExpired(at: now) {
        close(connection, code: 4401, reason: "The token has expired.")
        continue
      }
      switch connection.phase {
      case .webSocket(let webSocket): checkLiveness(connection, webSocket)
      case .eventStream(let stream): keepOpen(stream, connection)
      case .http, .lingering, .closed: continue
      }
      if node.configuration.purpose == .hub, (second + connection.descriptor) % node.configuration.heartbeatSeconds == 0
      {
        self.heartbeat(connection, session, fresh: fresh, quiet: heartbeat)
      }
      if connection.hasStalled {
        connection.hasStalled = false
        advanceStalled(session)
      }
    }
    report(queued: queued, lagging: lagging)
    if !isExpiring { expireSome() }
    sweepEnded(now: now)
    if second % 10 == 0 { dropEmptyChannels() }
    if index == 0, second % 30 == 0 { node.dropUnusedReads() }
    if node.configuration.purpose == .hub, second % node.configuration.heartbeatSeconds == 0 { refreshSums() }
    if index == 0, second % 60 == 1, node.configuration.purpose == .hub {
      let days = node.configuration.retentionDays
      Task.immediate(executorPreference: tasks) { await Maintenance.run(database, retentionDays: days, log: node.log) }
    }
  }

  /// What waits in this reactor, as its part of the node's gauges.
  private func report(queued: Int, lagging: Int) {
    node.counters.queued.add(Double(queued - reported.queued))
    node.counters.laggingNow.add(Double(lagging - reported.lagging))
    reported = (queued, lagging)
  }

  /// Ends a peer that has not taken a byte for too long. Nothing can be said to it; a reset frees what the kernel holds.
  private func isStuck(_ connection: Connection) -> Bool {
    let seconds = connection.drainWatch.stalled(
      waiting: connection.outbound.count, taken: connection.outbound.taken, at: second)
    guard seconds >= node.configuration.limits.writeSeconds else { return false }
    node.counters.stuck.add()
    Socket.resetOnClose(connection.descriptor)
    closeNow(connection)
    return true
  }

  /// Thousands may run out of time together: they go in portions, and others have their turn in between.
  private func expireSome() {
    for connection in expired.prefix(128) where second >= connection.deadline { expire(connection) }
    expired.removeFirst(min(128, expired.count))
    guard !expired.isEmpty else { return }
    loop.schedule(after: .milliseconds(1)) { [unowned self] in
      self.assumeIsolated { $0.expireSome() }
    }
  }

  /// A connection did not do in time what it had to.
  private func expire(_ connection: Connection) {
    switch connection.phase {
    case .http(let exchange):
      // Half a request: tell, then close. Nothing at all: just close (RFC 9112 §9.5).
      if exchange.parser.isInsideRequest, !connection.closesWhenFlushed {
        node.counters.timedOut.add()
        exchange.isDismissed = true
        let problem = Problem(408, "request_timeout", "The request did not arrive in time.")
        answer(.problem(problem), to: .unread, exchange, connection, closing: true)
        connection.deadline = second + 5
      } else if !connection.outbound.isEmpty, !exchange.isDismissed {
        // Not idle: it still takes its answer, and whether it does is `isStuck`'s question.
        connection.deadline = second + node.configuration.limits.idleSeconds
      } else {
        closeNow(connection)
      }
    case .webSocket(let session):
      if session.isClosing {
        closeNow(connection)
      } else {
        close(connection, code: 4408, reason: "Sign in within \(node.configuration.limits.signInSeconds) s.")
      }
    case .eventStream, .lingering:
      closeNow(connection)
    case .closed:
      break
    }
  }

  private func checkLiveness(_ connection: Connection, _ session: WebSocketSession) {
    let silent = second - connection.lastHeard
    let due = Self.pingAfter * Int32(session.unansweredPings + 1)
    guard silent >= due else { return }
    if session.unansweredPings >= 2 {
      close(connection, code: 4408, reason: "no answer to two pings")
      return
    }
    session.unansweredPings += 1
    let payload: [UInt8] = []
    var frame: [UInt8] = []
    WebSocketEncoder.appendPing(payload.span.bytes, to: &frame)
    write(frame, to: connection)
  }
}
