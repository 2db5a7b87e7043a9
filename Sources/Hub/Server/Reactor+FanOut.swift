// From the feed's messages to the sockets of everybody who listens: the path that every event takes.
//
// 1. What was posted since the last turn is handed out a channel at a time, so that it leaves in one send a socket.
// 2. Almost every seat is live and its socket takes everything: those are served from two tables, the channel's seats and
//    the reactor's readiness by descriptor. The others go through their connection's queue, or lag (wire §3).
// 3. A change of rights begins a run, so that it parts what came before from what comes after.
import Channels
import EventLoop
import Protocol
import Telemetry

extension Reactor {
  /// What the feed has posted since the last turn. Events of one turn are handed out a channel at a time, whatever
  /// transactions they come from: no order is promised between channels, and a connection gets them in one send.
  func receive(_ messages: [FeedMessage]) {
    var events: [Delivery] = []
    for message in messages {
      if case .events(let more) = message {
        events += more
        continue
      }
      deliver(events)
      events = []
      receive(message)
    }
    deliver(events)
  }

  private func deliver(_ events: [Delivery]) {
    guard let first = events.first else { return }
    if events.allSatisfy({ $0.channel == first.channel }) { return deliverRuns(of: events) }
    var byChannel: [String: [Delivery]] = [:]
    for event in events { byChannel[event.channel, default: []].append(event) }
    for events in byChannel.values { deliverRuns(of: events) }
  }

  /// What an earlier registration of the channel left in the mailbox need not lead up to what follows. A change of rights
  /// begins a run: what was committed before it has been handed out by then.
  private func deliverRuns(of events: [Delivery]) {
    var start = 0
    for index in events.indices.dropFirst()
    where events[index].offset != events[index - 1].offset + 1 || events[index].access != nil {
      deliver(events[start..<index])
      start = index
    }
    deliver(events[start...])
  }

  private func receive(_ message: FeedMessage) {
    switch message {
    case .events(let events):
      deliver(events)
    case .head(let text, let offset):
      guard let channel = ChannelName(text).flatMap({ channels[$0] }) else { return }
      channel.head = max(channel.head, offset)
    case .reset(let text):
      guard let channel = ChannelName(text).flatMap({ channels[$0] }) else { return }
      restart(channel)
    case .presence(let news):
      tell(news)
    }
  }

  /// Hands consecutive events of one channel to all its live subscribers; they leave in one send a connection.
  private func deliver(_ run: ArraySlice<Delivery>) {
    guard let first = run.first, let last = run.last, let name = ChannelName(first.channel),
      let channel = channels[name]
    else { return }
    if let change = first.access { withdraw(change, in: channel) }
    for delivery in run {
      channel.recent.append(delivery.message, byteCount: delivery.frame.count, offset: delivery.offset)
      channel.times.append(delivery.committedAt, offset: delivery.offset)
    }
    // What an earlier registration of the channel left in the mailbox must not move it back.
    channel.position = max(channel.position ?? last.offset, last.offset)
    channel.head = max(channel.head, last.offset)
    sumIsDue(of: channel)
    var block = FanOutBlock(run)
    // Most seats are live, next to take the run, and nothing waits for their sockets: those are served from the channel's
    // and the reactor's tables alone. A connection's own memory, which would have to be fetched, is not touched.
    var exceptions: [Subscriber] = []
    let isBounded = block.plain.count <= node.configuration.limits.sendQueueBytes
    for index in channel.seats.indices {
      let descriptor = channel.seats[index].descriptor
      let readiness = ready[Int(descriptor)]
      guard isBounded, readiness != .no, channel.seats[index].subscription.takesAll(first.offset, through: last.offset)
      else {
        exceptions.append(channel.seats[index].subscriber)
        continue
      }
      let bytes =
        switch readiness {
        case .plain: block.plain
        case .eventStream: block.streamEvents(epoch: node.feedState.epoch)
        default: block.bytes(windowBits: readiness.windowBits, by: compressor)
        }
      let result = bytes.withUnsafeBytes { SystemCall.send(descriptor, $0) }
      if result != .moved(bytes.count) { keep(bytes, after: result, for: channel.seats[index].subscriber.connection) }
    }
    for subscriber in exceptions { offer(run, &block, to: subscriber) }
    // Where nobody is live there is no delay to speak of.
    guard channel.seats.contains(where: { $0.subscription.cursor >= last.offset }) else { return }
    let spread = node.counters.delays.commitToSocket(channel.name.kind)
    for delivery in run { spread.observe(delay(since: delivery.committedAt)) }
  }

  /// Seconds since an instant of the database's clock.
  func delay(since committedAt: Int64) -> Double {
    Double(max(0, wallClockMicroseconds() - node.feedState.localTime(of: committedAt))) / 1_000_000
  }

  /// A socket did not take all of a block that was sent to it past its queue.
  private func keep(_ bytes: [UInt8], after result: Transfer, for connection: Connection) {
    // A socket that is gone is found so when its queue is flushed.
    let count = if case .moved(let count) = result { count } else { 0 }
    connection.outbound.append(Array(bytes[count...]))
    markDirty(connection)
  }

  /// Hands a run to a subscriber that is not to be served from the tables, if it is to be served at all.
  private func offer(_ run: ArraySlice<Delivery>, _ block: inout FanOutBlock, to subscriber: Subscriber) {
    guard let first = run.first, let last = run.last else { return }
    let connection = subscriber.connection
    if connection.outbound.count + block.plain.count > node.configuration.limits.sendQueueBytes,
      subscriber.subscription.state == .live
    {
      subscriber.subscription.blocked()
      connection.hasLagging = true
      node.counters.lagging.add()
      // A run longer than the bound blocks an empty queue too: this turn's flush finds it drained and reads on.
      markDirty(connection)
      return
    }
    switch subscriber.subscription.offered(first.offset, through: last.offset) {
    case .takeAll:
      switch connection.form {
      case .plain: write(block.plain, to: connection)
      case .shared(let bits): write(block.bytes(windowBits: bits, by: compressor), to: connection)
      case .own: for delivery in run { write(frame(of: delivery.message, for: connection), to: connection) }
      case .eventStream: write(block.streamEvents(epoch: node.feedState.epoch), to: connection)
      }
    case .takeFrom(let offset):
      for delivery in run where delivery.offset >= offset {
        write(frame(of: delivery.message, for: connection), to: connection)
      }
    case .skip: break
    case .fellBehind: advance(subscriber)
    }
  }
}
