// The feed: from the log in Postgres to the reactors of this node.
//
// 1. Events come from three sources: commits of this node (complete, from hub.flush), notifications (complete or only a
//    head) and the log itself. Whatever the source, a channel's events leave here in offset order, each once.
// 2. A notification is a hint. LISTEN comes first, then a read of the heads; a re-scan every 250 ms finds what a lost
//    notification hid. So a lost one costs at most that, never an event.
// 3. Only channels with a subscriber on this node are tracked; the rest costs nothing.
// 4. Own commits do not NOTIFY in their transaction (hub.notify = off); the heads they moved are announced to the other
//    nodes together, at most once in `announceDelay`.
// 5. Whose rights end is known here first: an event that says so is in the ledger before any reactor has it.
// Not here: who may listen, snapshots, slow readers (Server), encoding of anything but events.
import Domain
package import EventLoop
package import Postgres
import Protocol
package import Telemetry

package actor Feed {
  /// How long an early event waits for the one before it until the log is read; own commits overtake one another by less.
  private static let repairDelay = Duration.milliseconds(3)
  private static let announceDelay = Duration.milliseconds(3)
  private static let scanInterval = Duration.milliseconds(250)
  private static let readLimit = 500
  private static let repairChannels = 32

  package nonisolated let state: FeedState
  package nonisolated let access = AccessLedger()
  private nonisolated let loop: EventLoop
  nonisolated let tasks: LoopTasks
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private struct Entry {
    var track = FeedTrack()
    /// The reactors that listen, each with the generation of its registration.
    var reactors: [Int: Int] = [:]
    /// The id of the last event delivered.
    var lastID: String?
  }

  private let node: String
  private let listener: PostgresListener
  private let mailboxes: [Mailbox<FeedMessage>]
  private let log: Log
  private let counters: FeedCounters
  private var entries: [String: Entry] = [:]
  /// Channels of which events may be missing: those to look at, whatever the number of entries.
  private var incomplete: Set<String> = []
  private var outboxes: [[Delivery]]
  private var announced: [String: Int64] = [:]
  private var announceScheduled = false
  private var repairScheduled = false
  private var isRepairing = false
  private var isScanning = false
  private var isStopped = false
  /// Whoever waits for the ledger that is being read.
  private var accessWaiters: [CheckedContinuation<PostgresError?, Never>]?
  private var firstListeners: [CheckedContinuation<Void, Never>] = []
  private var lastXmin: String?
  /// The epoch's row as it was read last; another one means that the log may be.
  private var epochMark: String?

  package init(
    loop: EventLoop, connectionString: String, node: String, mailboxes: [Mailbox<FeedMessage>], state: FeedState,
    counters: FeedCounters, log: Log
  ) {
    self.loop = loop
    tasks = LoopTasks(loop)
    self.node = node
    self.mailboxes = mailboxes
    self.state = state
    self.counters = counters
    self.log = log
    outboxes = mailboxes.map { _ in [] }
    // What this session commits are hints to other nodes: their commits need not wait for the disk, nor hold the lock of
    // NOTIFY that long.
    var options = PostgresOptions(
      applicationName: "hub listener", parameters: [(name: "synchronous_commit", value: "off")])
    // A database that hangs is one that is away: the connection is given up and made anew.
    options.statementTimeout = .seconds(5)
    listener = PostgresListener(loop: loop, connectionString: connectionString, options: options)
  }

  // MARK: Life

  package func start() {
    listener.listening = { [unowned self] in
      self.assumeIsolated { feed in _ = Task.immediate(executorPreference: tasks) { await feed.relistened() } }
    }
    listener.notified = { [unowned self] payload, _ in self.assumeIsolated { $0.notified(payload) } }
    listener.lost = { [unowned self] reason in self.assumeIsolated { $0.lost("\(reason)") } }
    listener.start()
    scheduleScan()
  }

  package func stop() {
    isStopped = true
    listener.close()
  }

  /// Answers once LISTEN is in force, or after `limit`, and says whether it is; a hub does not accept before.
  package func waitUntilListening(limit: Duration) async -> Bool {
    loop.schedule(after: limit) { [unowned self] in self.assumeIsolated { $0.resumeFirstListeners() } }
    await withCheckedContinuation { continuation in
      if state.isListening { continuation.resume() } else { firstListeners.append(continuation) }
    }
    return state.isListening
  }

  private func resumeFirstListeners() {
    for waiter in firstListeners { waiter.resume() }
    firstListeners = []
  }

  private func lost(_ reason: String) {
    state.setListening(false)
    log.warning("feed.lost", ["reason": LogValue(reason)])
  }

  /// LISTEN is in force: whatever was committed before is found by reading, whatever comes after is notified.
  private func relistened() async {
    do throws(PostgresError) {
      let epoch = try await listener.execute(FeedQueries.epoch)[0].string(0)
      if state.replaceEpoch(epoch) {
        entries[AccessChange.channel] = nil
        for (channel, entry) in entries { reset(channel, entry) }
      }
      // The place where re-scans start is taken before the heads are read: what commits in between is in both.
      let place = try await listener.execute(FeedQueries.movedHeads(since: nil))
      let (xmin, mark) = (place[0].string(2), place[0].text(3))
      let shown = entries.compactMapValues(\.track.position)
      let rows = try await listener.execute(FeedQueries.heads(of: Array(entries.keys)))
      var heads: [String: Int64] = [:]
      for index in 0..<rows.count { heads[rows[index].string(0)] = rows[index].int64(1) }
      if let (channel, offset) = try await lostEvent(shown, heads) {
        // A failover or a restore has lost commits that were shown: from here on these offsets mean other events.
        log.error("feed.log_went_back", ["channel": LogValue(channel), "position": LogValue(offset)])
        try await listener.execute(FeedQueries.changeEpoch(from: epoch))
        return await relistened()
      }
      try await readAccess()
      for (channel, head) in heads { heard(channel, head) }
      lastXmin = xmin
      epochMark = mark
      state.setListening(true)
      state.heardFromDatabase()
      log.info("feed.listening", ["epoch": LogValue(epoch)])
      counters.relistens.add()
      resumeFirstListeners()
      await scan()
    } catch {
      log.warning("feed.relisten_failed", ["error": "\(error)"])
      listenAnewLater()
    }
  }

  /// A lost connection comes back by itself; a statement that failed on a good one is tried again.
  private func listenAnewLater() {
    loop.schedule(after: .seconds(1)) { [unowned self] in
      self.assumeIsolated { feed in
        guard !feed.isStopped, feed.listener.isListening, !feed.state.isListening else { return }
        _ = Task.immediate(executorPreference: feed.tasks) { await feed.relistened() }
      }
    }
  }

  /// Something that was delivered and that the log does not have, or has otherwise: then it is another log.
  private func lostEvent(
    _ shown: [String: Int64], _ heads: [String: Int64]
  ) async throws(PostgresError) -> (channel: String, offset: Int64)? {
    if let lost = shown.first(where: { $0.value > heads[$0.key] ?? 0 }) { return (lost.key, lost.value) }
    let delivered = entries.compactMap { channel, entry in
      entry.track.position.flatMap { offset in entry.lastID.map { (channel: channel, offset: offset, id: $0) } }
    }
    if delivered.isEmpty { return nil }
    let rows = try await listener.execute(FeedQueries.otherwise(delivered))
    return rows.first.map { ($0.string(0), $0.int64(1)) }
  }

  // MARK: Rights that end

  /// Answers once the ledger is complete up to this offset of access:log.
  package func completeAccess(upTo offset: Int64) async throws(PostgresError) {
    while access.position < offset { try await readAccess() }
  }

  /// Begins the ledger anew, once for all that ask meanwhile; what comes in between waits in the track.
  private func readAccess() async throws(PostgresError) {
    if accessWaiters != nil {
      let failure = await withCheckedContinuation { (continuation: CheckedContinuation<PostgresError?, Never>) in
        guard accessWaiters != nil else { return continuation.resume(returning: nil) }
        accessWaiters?.append(continuation)
      }
      if let failure { throw failure }
      return
    }
    accessWaiters = []
    var failure: PostgresError?
    do throws(PostgresError) {
      try await readAccessAlone()
    } catch {
      failure = error
    }
    let waiters = accessWaiters ?? []
    accessWaiters = nil
    for waiter in waiters { waiter.resume(returning: failure) }
    if let failure { throw failure }
  }

  private func readAccessAlone() async throws(PostgresError) {
    entries[AccessChange.channel] = Entry()
    let rows: PostgresRows
    do throws(PostgresError) {
      rows = try await listener.execute(FeedQueries.accessState)
    } catch {
      // Without it nothing may be believed: LISTEN begins anew, as after a lost connection.
      state.setListening(false)
      listenAnewLater()
      throw error
    }
    guard let document = try? JSON.parse(rows[0].bytes(0)), var entry = entries[AccessChange.channel] else { return }
    let ready = entry.track.begin(at: access.replace(with: document, now: wallClockMicroseconds() / 1_000_000))
    entries[AccessChange.channel] = entry
    post(ready, to: entry)
    if entry.track.isMissingEvents { scheduleRepair(of: AccessChange.channel) }
  }

  // MARK: Registration of reactors

  /// Delivers the channel's events to a reactor from now on; answers the offset after which they start. Throws when the
  /// database is away.
  package func attach(_ channel: String, reactor: Int, generation: Int) async throws(PostgresError) -> Int64 {
    entries[channel, default: Entry()].reactors[reactor] = generation
    if let position = entries[channel]?.track.position { return position }
    do throws(PostgresError) {
      let row = try await listener.execute(FeedQueries.head(of: channel))[0]
      let head = row.int64(0)
      try await completeAccess(upTo: row.int64(1))
      // Reset while the head was read: that registration is gone, and with it what the head was of.
      guard var entry = entries[channel], entry.reactors[reactor] == generation else {
        return try await attach(channel, reactor: reactor, generation: generation)
      }
      let ready = entry.track.begin(at: head)
      entry.lastID = ready.last?.id ?? entry.lastID
      entries[channel] = entry
      post(ready, to: entry)
      flush()
      if entry.track.isMissingEvents { scheduleRepair(of: channel) }
      // What was just posted lies after this offset, in the reactor's mailbox.
      return ready.isEmpty ? entry.track.position ?? head : head
    } catch {
      detach(channel, reactor: reactor, generation: generation)
      throw error
    }
  }

  package func detach(_ channel: String, reactor: Int, generation: Int) {
    guard var entry = entries[channel], entry.reactors[reactor] == generation else { return }
    entry.reactors[reactor] = nil
    entries[channel] = entry.reactors.isEmpty ? nil : entry
  }

  // MARK: Sources

  /// Events of a transaction that this node committed.
  package func committed(_ events: [LogEvent]) {
    for event in events {
      receive(event)
      announced[event.channel] = max(announced[event.channel] ?? 0, event.offset)
    }
    flush()
    guard !announceScheduled, !announced.isEmpty else { return }
    announceScheduled = true
    loop.schedule(after: Self.announceDelay) { [unowned self] in self.assumeIsolated { $0.announce() } }
  }

  private func announce() {
    announceScheduled = false
    let heads = announced
    announced = [:]
    Task.immediate(executorPreference: tasks) {
      let document = JSON(members: heads.map { ($0.key, .integer($0.value)) }).serialised()
      // A failure costs the other nodes a re-scan interval, nothing else.
      _ = try? await listener.execute(FeedQueries.notify(heads: document, node: node))
    }
  }

  private func notified(_ payload: String) {
    state.heardFromDatabase()
    counters.notifications.add()
    guard let document = try? JSON.parse(Array(payload.utf8)) else { return }
    if document["node"]?.string == node { return }
    guard let heads = document["heads"]?.object else {
      // Too many heads for one notification.
      Task.immediate(executorPreference: tasks) { await scan() }
      return
    }
    let event = document["event"]
    for member in heads.members {
      let (channel, head) = (member.name, member.value)
      guard entries[channel] != nil, let offset = head.int64 else { continue }
      // Who may notify need not be who may end rights: those are read from the log.
      if let event, event["event"]?.string?.hasPrefix("access.") == false, let id = event["id"]?.string,
        let name = event["event"]?.string, let at = event["at"]?.string,
        let data = event["data"]
      {
        receive(LogEvent(channel: channel, offset: offset, id: id, name: name, at: at, data: data.serialised()))
      } else {
        heard(channel, offset)
      }
    }
    flush()
    // The node that announced these heads has committed them: there is nothing to wait for.
    if event == nil { Task.immediate(executorPreference: tasks) { await repair() } }
  }

  private func receive(_ event: LogEvent) {
    guard var entry = entries.removeValue(forKey: event.channel) else { return }
    let ready = entry.track.received(event)
    let missing = entry.track.isMissingEvents
    if let last = ready.last { entry.lastID = last.id }
    entries[event.channel] = entry
    post(ready, to: entry)
    if missing { scheduleRepair(of: event.channel) }
  }

  private func heard(_ channel: String, _ offset: Int64) {
    guard var entry = entries[channel] else { return }
    entry.track.heard(ofHead: offset)
    entries[channel] = entry
    guard entry.track.isMissingEvents else { return }
    for reactor in entry.reactors.keys { mailboxes[reactor].post(.head(channel: channel, offset: offset)) }
    scheduleRepair(of: channel)
  }

  // MARK: Delivery

  private func post(_ events: [LogEvent], to entry: Entry) {
    for event in events {
      let delivery = Delivery(event)
      if let change = delivery.access { noteAccess(change, event) }
      for reactor in entry.reactors.keys { outboxes[reactor].append(delivery) }
    }
    counters.delivered.add(UInt64(events.count))
  }

  private func noteAccess(_ change: AccessChange, _ event: LogEvent) {
    access.note(change, event, now: wallClockMicroseconds() / 1_000_000)
    if event.channel == AccessChange.channel { access.reached(event.offset) }
  }

  private func flush() {
    for index in outboxes.indices where !outboxes[index].isEmpty {
      mailboxes[index].post(.events(outboxes[index]))
      outboxes[index] = []
    }
  }

  private func reset(_ channel: String, _ entry: Entry) {
    counters.resets.add()
    entries[channel] = nil
    for reactor in entry.reactors.keys { mailboxes[reactor].post(.reset(channel: channel)) }
    // When it fails, the connection is lost and LISTEN begins anew.
    if channel == AccessChange.channel { Task.immediate(executorPreference: tasks) { try? await readAccess() } }
  }

  // MARK: Repair and re-scan

  private func scheduleRepair(of channel: String) {
    incomplete.insert(channel)
    scheduleRepair()
  }

  private func scheduleRepair() {
    guard !repairScheduled else { return }
    repairScheduled = true
    loop.schedule(after: Self.repairDelay) { [unowned self] in
      self.assumeIsolated { feed in
        feed.repairScheduled = false
        Task.immediate(executorPreference: tasks) { await feed.repair() }
      }
    }
  }

  /// Reads what is missing from the log, until nothing is.
  private func repair() async {
    guard !isRepairing else { return }
    isRepairing = true
    defer { isRepairing = false }
    while true {
      let missing = incomplete.compactMap { channel in
        entries[channel].flatMap { entry in
          entry.track.isMissingEvents ? (channel: channel, offset: entry.track.position ?? 0) : nil
        }
      }
      incomplete = Set(missing.map(\.channel))
      if missing.isEmpty { return }
      // A part of them at a time, or after a long absence the answer would be all of it at once.
      let wanted = Array(missing.prefix(Self.repairChannels))
      counters.repairs.add()
      let rows: PostgresRows
      do throws(PostgresError) {
        rows = try await listener.execute(FeedQueries.events(after: wanted, limit: Self.readLimit))
      } catch {
        // The listener reconnects and reads the heads again; nothing is lost by stopping here.
        return
      }
      var firsts: [String: Int64] = [:]
      var events: [LogEvent] = []
      for index in 0..<rows.count {
        let event = LogEvent(rows[index])
        if firsts[event.channel] == nil { firsts[event.channel] = event.offset }
        events.append(event)
      }
      for (channel, _) in wanted {
        guard let entry = entries[channel] else { continue }
        if !entry.track.continues(with: firsts[channel]) {
          log.error("feed.hole", ["channel": LogValue(channel), "position": LogValue(entry.track.position ?? 0)])
          reset(channel, entry)
        }
      }
      for event in events { receive(event) }
      flush()
    }
  }

  private func scheduleScan() {
    loop.schedule(after: Self.scanInterval) { [unowned self] in
      self.assumeIsolated { feed in
        guard !feed.isStopped else { return }
        feed.scheduleScan()
        Task.immediate(executorPreference: tasks) { await feed.scan() }
      }
    }
  }

  private func scan() async {
    guard !isScanning, state.isListening else { return }
    isScanning = true
    defer { isScanning = false }
    do throws(PostgresError) {
      let asked = wallClockMicroseconds()
      let rows = try await listener.execute(FeedQueries.movedHeads(since: lastXmin))
      state.heardFromDatabase()
      if let row = rows.first {
        state.compareClocks(database: row.int64(4), asked: asked, now: wallClockMicroseconds())
      }
      for index in 0..<rows.count {
        let row = rows[index]
        if index == 0, row.text(3) != epochMark {
          log.warning("feed.epoch_written")
          return await relistened()
        }
        if index == 0 { lastXmin = row.string(2) }
        guard let channel = row.text(0) else { continue }
        heard(channel, row.int64(1))
      }
      // A repair that failed is taken up again.
      if !incomplete.isEmpty { scheduleRepair() }
    } catch {
      log.debug("feed.scan_failed", ["error": "\(error)"])
    }
  }
}
