// Who listens, on this node and on all: the node's lease, its members' rows, and what watchers are told.
//
// 1. What reactors report is gathered and written in one statement at most every `writeDelay`. No subscription waits for
//    it, and while the database is away only the last word about each connection is kept.
// 2. A node that dies leaves rows behind. Its lease is over after 8 s by the database's clock; every living node looks for
//    such every `renewInterval`, and the one that finds it takes them away. So nobody listens on after a crash for longer
//    than 8 s, the interval and a reading.
// 3. After an outage of the database every lease is over, though nobody has died. A node that has just come back ends
//    nobody's lease until the others had the time of one to come back as well.
// 4. Each node tells its own watchers what differs between two readings of a channel. Notifications say when to read; a
//    reading of all now and then finds what a lost one hid.
import Channels
import Domain
package import EventLoop
import Postgres
import Protocol
package import Telemetry

package actor Presence {
  private static let renewInterval = Duration.seconds(2)
  private static let leaseLength = Duration.seconds(8)
  private static let writeDelay = Duration.milliseconds(75)
  private static let readDelay = Duration.milliseconds(100)
  /// A statement that failed on a good connection is tried again after so long.
  private static let retryDelay = Duration.seconds(1)
  /// Renewals between two readings of every watched channel.
  private static let renewalsPerScan = 3
  private static let writeLimit = 2000
  private static let readLimit = 64
  /// Members that are listed in one message; more are only counted.
  private static let listLimit = 100

  private nonisolated let loop: EventLoop
  nonisolated let tasks: LoopTasks
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private struct Room {
    var presence = PresenceRoom<Identifier, [UInt8]>()
    var reactors: Set<Int> = []
    /// Connections that have not been told yet, by reactor.
    var waiting: [Int: Set<Identifier>] = [:]
  }

  private let node: String
  private let listener: PostgresListener
  private let mailboxes: [Mailbox<FeedMessage>]
  private let counters: PresenceCounters
  private let log: Log
  private var roster = PresenceRoster<PresenceKey, PresenceMember>()
  private var rooms: [String: Room] = [:]
  /// Watched channels that may have changed since they were read.
  private var stale: Set<String> = []
  private var isWriteScheduled = false
  private var isReadScheduled = false
  private var isReading = false
  private var isRenewing = false
  private var isStopped = false
  private var renewals = 0
  /// Before this moment no other node's lease is ended; nil until the database was away once.
  private var patience: MonotonicTime?
  private var hasListened = false

  package init(
    loop: EventLoop, connectionString: String, node: String, mailboxes: [Mailbox<FeedMessage>],
    counters: PresenceCounters, log: Log
  ) {
    self.loop = loop
    tasks = LoopTasks(loop)
    self.node = node
    self.mailboxes = mailboxes
    self.counters = counters
    self.log = log
    // Nothing here needs to survive a crash of the server: the nodes write it again.
    var options = PostgresOptions(
      applicationName: "hub presence", parameters: [(name: "synchronous_commit", value: "off")])
    options.statementTimeout = .seconds(4)
    listener = PostgresListener(
      loop: loop, connectionString: connectionString, channels: ["hub_presence"], options: options)
  }

  // MARK: Life

  package func start() {
    listener.listening = { [unowned self] in
      self.assumeIsolated { presence in _ = Task.immediate(executorPreference: tasks) { await presence.returned() } }
    }
    listener.notified = { [unowned self] payload, _ in self.assumeIsolated { $0.notified(payload) } }
    listener.start()
    scheduleRenewal()
  }

  /// Takes the node's rows away at once, and writes none any more.
  package func leave() async {
    isStopped = true
    do throws(PostgresError) {
      try await listener.execute(PresenceQueries.endLease(node))
    } catch {
      log.debug("presence.leave_failed", ["error": "\(error)"])
    }
  }

  package func stop() {
    isStopped = true
    listener.close()
  }

  /// The database is there: at first, or again.
  private func returned() async {
    if hasListened { patience = .now().advanced(by: Self.leaseLength) }
    hasListened = true
    await renew()
    stale.formUnion(rooms.keys)
    scheduleWrite()
    scheduleRead()
  }

  // MARK: The lease

  private func scheduleRenewal() {
    loop.schedule(after: Self.renewInterval) { [unowned self] in
      self.assumeIsolated { presence in
        guard !presence.isStopped else { return }
        presence.scheduleRenewal()
        _ = Task.immediate(executorPreference: presence.tasks) { await presence.renew() }
      }
    }
  }

  private func renew() async {
    guard !isRenewing, !isStopped, listener.isListening else { return }
    isRenewing = true
    defer { isRenewing = false }
    let expected = roster.isSettled ? roster.count : 0
    do throws(PostgresError) {
      let row = try await listener.execute(PresenceQueries.renewLease(node))[0]
      if row.bool(0) || row.int64(1) < Int64(expected) {
        // Another node took this one for dead, or the server lost what it had not yet put on disk.
        roster.lost()
        scheduleWrite()
      }
      if patience.map({ $0 <= .now() }) ?? true { try await endLeases() }
      renewals += 1
      if renewals % Self.renewalsPerScan == 0 {
        stale.formUnion(rooms.keys)
        scheduleRead()
      }
    } catch {
      log.debug("presence.renewal_failed", ["error": "\(error)"])
    }
  }

  private func endLeases() async throws(PostgresError) {
    let ended = try await listener.execute(PresenceQueries.endLeases)[0].int64(0)
    guard ended > 0 else { return }
    counters.endedLeases.add(UInt64(ended))
    log.warning("presence.nodes_ended", ["nodes": LogValue(Int(ended))])
  }

  // MARK: What reactors report

  package func take(_ changes: [PresenceChange]) {
    for change in changes {
      switch change {
      case .arrived(let member): roster.arrived(member, as: member.key)
      case .departed(let key):
        roster.departed(key)
        for reactor in rooms[key.channel]?.waiting.keys.map({ $0 }) ?? [] {
          rooms[key.channel]?.waiting[reactor]?.remove(key.connection)
        }
      case .watches(let key, let reactor):
        rooms[key.channel, default: Room()].reactors.insert(reactor)
        rooms[key.channel]?.waiting[reactor, default: []].insert(key.connection)
        stale.insert(key.channel)
      case .watchesNoMore(let channel, let reactor):
        rooms[channel]?.reactors.remove(reactor)
        rooms[channel]?.waiting[reactor] = nil
        if rooms[channel]?.reactors.isEmpty == true { rooms[channel] = nil }
      }
    }
    counters.members.set(Double(roster.count))
    // Whoever asks is itself in the answer: it is written first, and then read.
    if roster.isSettled { scheduleRead() } else { scheduleWrite() }
  }

  private func scheduleWrite(after delay: Duration = writeDelay) {
    guard !isWriteScheduled, roster.hasUnwritten else { return }
    isWriteScheduled = true
    loop.schedule(after: delay) { [unowned self] in
      self.assumeIsolated { presence in
        presence.isWriteScheduled = false
        _ = Task.immediate(executorPreference: presence.tasks) { await presence.write() }
      }
    }
  }

  private func write() async {
    // Without a database nothing is begun: `returned` takes it up.
    guard !isStopped, listener.isListening, let changes = roster.begin(limit: Self.writeLimit) else { return }
    counters.writes.add()
    do throws(PostgresError) {
      let rows = try await listener.execute(PresenceQueries.write(changes, node: node, now: .now()))
      if rows[0].bool(0) {
        roster.written()
        scheduleWrite()
      } else {
        roster.failed()
        await renew()
        scheduleWrite(after: Self.retryDelay)
      }
    } catch {
      log.debug("presence.write_failed", ["error": "\(error)"])
      roster.failed()
      scheduleWrite(after: Self.retryDelay)
    }
    scheduleRead()
  }

  // MARK: What watchers are told

  private func notified(_ payload: String) {
    if payload == "*" {
      stale.formUnion(rooms.keys)
    } else {
      for channel in payload.split(separator: " ") where rooms[String(channel)] != nil { stale.insert(String(channel)) }
    }
    scheduleRead()
  }

  private func scheduleRead(after delay: Duration = readDelay) {
    guard !isReadScheduled, !isReading, !stale.isEmpty else { return }
    isReadScheduled = true
    loop.schedule(after: delay) { [unowned self] in
      self.assumeIsolated { presence in
        presence.isReadScheduled = false
        _ = Task.immediate(executorPreference: presence.tasks) { await presence.read() }
      }
    }
  }

  /// Reads channels that may have changed, and tells what has.
  private func read() async {
    guard !isStopped, listener.isListening else { return }
    let wanted = stale.filter { rooms[$0] != nil }.prefix(Self.readLimit)
    stale = stale.subtracting(wanted).filter { rooms[$0] != nil }
    guard !wanted.isEmpty else { return }
    isReading = true
    do throws(PostgresError) {
      let rows = try await listener.execute(PresenceQueries.members(of: Array(wanted)))
      isReading = false
      var readings: [String: [(key: Identifier, member: [UInt8])]] = [:]
      for row in rows {
        guard let connection = Identifier(row.string(1)) else { continue }
        readings[row.string(0), default: []].append((connection, row.bytes(2)))
      }
      for channel in wanted { tell(readings[channel] ?? [], of: channel) }
      scheduleRead()
    } catch {
      log.debug("presence.read_failed", ["error": "\(error)"])
      isReading = false
      stale.formUnion(wanted)
      scheduleRead(after: Self.retryDelay)
    }
  }

  private func tell(_ reading: [(key: Identifier, member: [UInt8])], of channel: String) {
    guard var room = rooms.removeValue(forKey: channel) else { return }
    let news = room.presence.read(reading)
    rooms[channel] = room
    let messages = news.map { news in
      switch news {
      case .joined(let member, let count): message(channel, .join, member, count: count)
      case .left(let member, let count): message(channel, .leave, member, count: count)
      case .everything: list(of: room, channel)
      }
    }
    if !messages.isEmpty {
      for reactor in room.reactors {
        mailboxes[reactor].post(.presence(PresenceNews(channel: channel, messages: messages, newcomers: nil)))
      }
    }
    guard !room.waiting.isEmpty else { return }
    let present = list(of: room, channel)
    let keys = Set(reading.map(\.key))
    for (reactor, connections) in room.waiting {
      // Whoever is not written yet waits for the reading that has it: it is told of itself too.
      let newcomers = connections.intersection(keys)
      rooms[channel]?.waiting[reactor] = newcomers.count == connections.count ? nil : connections.subtracting(keys)
      if newcomers.isEmpty { continue }
      mailboxes[reactor].post(.presence(PresenceNews(channel: channel, messages: [present], newcomers: newcomers)))
    }
  }

  private func message(
    _ channel: String, _ event: ServerMessageEncoder.PresenceEvent, _ member: [UInt8], count: Int
  ) -> SharedMessage {
    var bytes: [UInt8] = []
    ServerMessageEncoder.appendPresence(
      channel: channel, event: event, member: member.span.bytes, count: count, to: &bytes)
    return SharedMessage(bytes, name: "presence")
  }

  private func list(of room: Room, _ channel: String) -> SharedMessage {
    let members = room.presence.present ?? []
    var bytes: [UInt8] = []
    ServerMessageEncoder.appendPresence(
      channel: channel, members: members.count <= Self.listLimit ? members : nil, count: members.count, to: &bytes)
    return SharedMessage(bytes, name: "presence")
  }
}

package struct PresenceCounters: Sendable {
  package let members: Gauge
  package let writes: Counter
  package let endedLeases: Counter

  package init(_ metrics: Metrics) {
    members = metrics.gauge("hub_presence_members", help: "Subscriptions of this node in hub.presence.")
    writes = metrics.counter("hub_presence_writes_total", help: "Statements that wrote who listens.")
    endedLeases = metrics.counter("hub_presence_leases_ended_total", help: "Dead nodes that this node took away.")
  }
}
