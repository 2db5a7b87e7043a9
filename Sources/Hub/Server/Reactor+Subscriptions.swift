// Subscribing and catching up. What a subscriber may be handed is decided by Channels.Subscription; this moves
// the bytes.
//
// Subscribe = register with the fan-out first, then read the snapshot and its offset in one statement (or resume after an
// offset), then read on from there until nothing is missing, then live. Each step only compares offsets, so it does not
// matter what is published in between.
import Channels
import Domain
import Postgres
import Protocol
import Telemetry

extension Reactor {
  /// Bytes of recent events handed to one connection at once.
  private static var burstBytes: Int { 64 * 1024 }

  // MARK: Subscribing

  func subscribe(_ wanted: PendingSubscription, _ session: ListeningSession, _ connection: Connection) {
    guard let caller = session.caller else { return }
    do throws(Problem) {
      try mayListen(caller, to: wanted.channel)
      guard session.subscriber(of: wanted.channel) == nil else {
        throw .conflict("already_subscribed", "This connection listens to that channel already.")
      }
      let most = node.configuration.limits.subscriptionsPerConnection
      guard session.subscribers.count < most, session.joinsRunning < most else {
        throw Problem(429, "too_many_subscriptions", "This connection listens to as many channels as it may.")
      }
    } catch {
      refuse(error, wanted, connection)
      return
    }
    let channel = channel(named: wanted.channel)
    let subscriber = Subscriber(connection: connection, channel: channel)
    channel.add(subscriber)
    session.subscribers.append(subscriber)
    connection.subscriptionCount += 1
    updateReadiness(of: connection)
    node.counters.subscriptions.add()
    session.joinsRunning += 1
    Task.immediate(executorPreference: tasks) {
      defer { session.joinsRunning -= 1 }
      do throws(Problem) {
        try await join(subscriber, wanted, connection)
        joined(session, connection)
        arrived(subscriber, wanted, session)
        advance(subscriber)
      } catch {
        guard !subscriber.hasLeft else { return }
        leave(subscriber, session)
        refuse(error, wanted, connection)
      }
    }
  }

  /// Tells why a subscription was not made; a connection that was opened for it is closed (wire §2).
  private func refuse(_ problem: Problem, _ wanted: PendingSubscription, _ connection: Connection) {
    guard wanted.isShortcut || problem.status == 401 else {
      error(problem, wanted.id, connection)
      return
    }
    if case .eventStream(let stream) = connection.phase {
      refuse(problem, stream, connection)
      return
    }
    close(connection, code: closeCode(of: problem), reason: problem.detail)
  }

  private func channel(named name: ChannelName) -> LocalChannel {
    if let channel = channels[name] { return channel }
    generation += 1
    let channel = LocalChannel(name: name, generation: generation)
    channels[name] = channel
    return channel
  }

  private func join(
    _ subscriber: Subscriber, _ wanted: PendingSubscription, _ connection: Connection
  ) async throws(Problem) {
    let channel = subscriber.channel
    try await attach(channel)
    guard !subscriber.hasLeft else { return }
    if channel.sum == nil { sumIsDue(of: channel) }
    let (epoch, era) = (node.feedState.epoch, channel.era)
    if let since = wanted.since, wanted.epoch == nil || wanted.epoch == epoch {
      if try await canResume(channel, after: since), channel.era == era {
        guard !subscriber.hasLeft else { return }
        try mayStillListen(subscriber)
        reply(to: connection) {
          ServerMessageEncoder.appendSubscribed(
            id: wanted.id, channel: channel.text, epoch: epoch, offset: since, recovered: true, snapshot: nil, to: &$0)
        }
        subscriber.subscription.subscribed(at: since)
        return
      }
    } else if wanted.since == nil, !wanted.wantsSnapshot {
      let position = try await currentHead(of: channel)
      guard !subscriber.hasLeft else { return }
      guard channel.era == era else { return try await join(subscriber, wanted, connection) }
      try mayStillListen(subscriber)
      reply(to: connection) {
        ServerMessageEncoder.appendSubscribed(
          id: wanted.id, channel: channel.text, epoch: epoch, offset: position, recovered: false, snapshot: nil, to: &$0
        )
      }
      subscriber.subscription.subscribed(at: position)
      return
    }
    try await sendSnapshot(subscriber, id: wanted.id)
  }

  private func sendSnapshot(_ subscriber: Subscriber, id: MessageID?) async throws(Problem) {
    let channel = subscriber.channel
    var (snapshot, era): (Snapshot, Int)
    repeat {
      try await attach(channel)
      era = channel.era
      snapshot = try await self.snapshot(of: channel)
    } while channel.era != era
    guard !subscriber.hasLeft else { return }
    try mayStillListen(subscriber)
    writeSubscribed(snapshot, id: id, channel, to: subscriber.connection)
    subscriber.subscription.subscribed(at: snapshot.offset)
  }

  /// Registers the channel with the feed, once for all that ask meanwhile.
  private func attach(_ channel: LocalChannel) async throws(Problem) {
    while channel.attachWaiters != nil {
      let problem = await withCheckedContinuation { (continuation: CheckedContinuation<Problem?, Never>) in
        // An await may cost a turn of the loop, and what is waited for may have ended in it.
        guard channel.attachWaiters != nil else { return continuation.resume(returning: nil) }
        channel.attachWaiters?.append(continuation)
      }
      if let problem { throw problem }
    }
    if channel.position != nil { return }
    channel.attachWaiters = []
    var problem: Problem?
    do throws(PostgresError) {
      var (offset, era): (Int64, Int)
      repeat {
        era = channel.era
        offset = try await node.api.feed.attach(channel.text, reactor: index, generation: channel.generation)
        // Begun anew meanwhile: the registration that was answered is gone.
      } while channel.era != era
      channel.position = max(channel.position ?? offset, offset)
      channel.head = max(channel.head, offset)
    } catch {
      // Events may have come for another reactor's sake; without a registration no more will.
      channel.position = nil
      problem = Problem(error)
    }
    let waiters = channel.attachWaiters ?? []
    channel.attachWaiters = nil
    for waiter in waiters { waiter.resume(returning: problem) }
    if let problem { throw problem }
  }

  // MARK: Leaving

  func leave(_ subscriber: Subscriber, _ session: ListeningSession) {
    guard !subscriber.hasLeft else { return }
    subscriber.channel.remove(subscriber)
    session.subscribers.removeAll { $0 === subscriber }
    subscriber.connection.subscriptionCount -= 1
    updateReadiness(of: subscriber.connection)
    node.counters.subscriptions.subtract()
    departed(subscriber, session)
    guard subscriber.channel.seats.isEmpty else { return }
    subscriber.channel.emptySince = second
    guard !subscriber.channel.isEmptied else { return }
    subscriber.channel.isEmptied = true
    emptied.append(subscriber.channel)
  }

  func leaveAll(_ session: ListeningSession) {
    for subscriber in session.subscribers { leave(subscriber, session) }
  }

  /// Gives up channels that nobody has listened to for a while.
  func dropEmptyChannels() {
    var later: [LocalChannel] = []
    for channel in emptied {
      guard channel.seats.isEmpty else {
        channel.isEmptied = false
        continue
      }
      guard channel.attachWaiters == nil, second - channel.emptySince > 30 else {
        later.append(channel)
        continue
      }
      channels[channel.name] = nil
      Task.immediate(executorPreference: tasks) {
        await node.api.feed.detach(channel.text, reactor: index, generation: channel.generation)
      }
    }
    emptied = later
  }

  // MARK: Catching up

  /// Brings a subscriber forward from memory as far as its socket allows; reads the log for what memory lacks.
  func advance(_ subscriber: Subscriber) {
    let channel = subscriber.channel
    let connection = subscriber.connection
    while !subscriber.hasLeft, !subscriber.isReading, let position = channel.position,
      subscriber.subscription.state == .catchingUp
    {
      if subscriber.subscription.reached(position) {
        askForPresence(subscriber)
        return
      }
      if connection.outbound.count >= node.configuration.limits.sendQueueBytes {
        subscriber.subscription.blocked()
        connection.hasLagging = true
        node.counters.lagging.add()
        return
      }
      let cursor = subscriber.subscription.cursor
      // The channel may stand further than its recent events: then the log has the next one.
      guard let (frames, last) = channel.recent.frames(after: cursor, limit: Self.burstBytes), last > cursor else {
        guard let page = keptPage(of: channel, after: cursor) else {
          replay(subscriber)
          return
        }
        handOver(page, after: cursor, to: subscriber)
        continue
      }
      guard subscriber.subscription.caughtUp(cursor + 1, through: last) != nil else { return }
      for message in frames { write(frame(of: message, for: connection), to: connection) }
    }
    if subscriber.subscription.state == .catchingUp, !subscriber.isReading { connection.hasStalled = true }
  }

  /// The connection's queue is empty again.
  func drained(_ session: ListeningSession, of connection: Connection) {
    connection.hasLagging = false
    for subscriber in session.subscribers {
      if subscriber.subscription.drained() { advance(subscriber) } else { askForPresence(subscriber) }
    }
  }

  /// Takes up again what an absent database left standing.
  func advanceStalled(_ session: ListeningSession) {
    for subscriber in session.subscribers where subscriber.subscription.state == .catchingUp { advance(subscriber) }
  }

  // MARK: Starting over

  /// What the subscriber has cannot be continued: it gets a snapshot again.
  func restart(_ subscriber: Subscriber) async {
    guard let session = subscriber.connection.session else { return }
    subscriber.subscription = Subscription()
    subscriber.toldSum = nil
    do throws(Problem) {
      try await sendSnapshot(subscriber, id: nil)
      advance(subscriber)
    } catch {
      guard !subscriber.hasLeft else { return }
      leave(subscriber, session)
      let code = closeCode(of: error)
      let reason = code == 1013 ? "the channel cannot be continued; connect again" : error.detail
      close(subscriber.connection, code: code, reason: reason)
    }
  }

  func restart(_ channel: LocalChannel) {
    channel.era += 1
    channel.position = nil
    channel.head = 0
    channel.recent.removeAll()
    channel.sum = nil
    sumIsDue(of: channel)
    // Who joins just now sees the new era for itself.
    for subscriber in channel.subscribers where subscriber.subscription.state != .joining {
      Task.immediate(executorPreference: tasks) { await restart(subscriber) }
    }
  }
}
