// One reactor a core: a loop, the connections that the kernel gave it, their subscriptions and a few database
// connections. Everything it owns is plain and unshared; the actor's executor is its loop, so no lock is needed.
//
// 1. Isolation is entered once for all events of a turn (`process`), connections are looked up by descriptor.
// 2. Bytes are read into one buffer of the reactor and parsed in place; answers of one readiness gather in one cork.
// 3. Whatever else is written in a turn waits in the connection and leaves in `endTurn`, in one send.
// What a connection says is handled in the extensions: Reactor+HTTP, +WebSocket, +Subscriptions, +Clock, +Drain.
package import CLinux
import Channels
import Crypto
package import EventLoop
import Glibc
import Postgres
import Protocol
import Telemetry

/// The memory that a reactor reads into, whichever connection is ready.
private final class ReadBuffer {
  let memory: UnsafeMutableRawBufferPointer

  init(byteCount: Int) { memory = .allocate(byteCount: byteCount, alignment: 64) }

  deinit { memory.deallocate() }
}

private func takeTurn(of reactor: isolated Reactor, _ events: UnsafeBufferPointer<epoll_event>) -> Bool {
  reactor.handle(events)
  return !reactor.dirty.isEmpty || !reactor.postponed.isEmpty
}

/// What `assumeIsolated` does behind its check, made once: its asking the runtime which executor is the current one and
/// its closure's allocation are a third of a turn's instructions when a turn brings one message.
private let enterTurn: @Sendable (Reactor, UnsafeBufferPointer<epoll_event>) -> Bool = unsafeBitCast(
  takeTurn, to: (@Sendable (Reactor, UnsafeBufferPointer<epoll_event>) -> Bool).self)

package actor Reactor: LoopClient {
  package nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  package nonisolated let mailbox: Mailbox<FeedMessage>
  /// Keeps this reactor's tasks on its loop.
  nonisolated let tasks: LoopTasks
  nonisolated let node: Node
  nonisolated let index: Int

  let pool: PostgresPool
  let database: PooledDatabase
  /// By descriptor.
  var connections: [Connection?] = []
  /// By descriptor: what a fan-out may send without a look at the connection.
  var ready: [FanOutReadiness] = []
  var connectionCount = 0
  var listeners: [Int32: ListenAddress] = [:]
  var channels: [ChannelName: LocalChannel] = [:]
  /// Channels whose last subscriber has left, also those that have one again since.
  var emptied: [LocalChannel] = []
  var dirty: [Connection] = []
  /// Connections with more to read than one turn allows.
  fileprivate var postponed: [Connection] = []
  /// TLS handshakes that may still take a step in this turn.
  var handshakesLeft = Reactor.handshakesPerTurn
  private let readBuffer = ReadBuffer(byteCount: 512 * 1024)
  var cork = Cork(byteCount: 256 * 1024)
  /// The connection whose bytes are being handled: what it is answered meanwhile goes through the cork.
  var corked: Connection?
  /// Where what waits in a connection is laid side by side before it is sent.
  private var scratch: [UInt8] = []
  /// The message being written as JSON; kept, so that its memory is asked for once.
  var message: [UInt8] = []
  /// The answer being written to an HTTP request; kept likewise.
  var serialised: [UInt8] = []
  let compressor: Compressor
  let receipts = PendingReceipts()
  /// Seconds since the reactor started, for deadlines that need no more.
  var second: Int32 = 0
  var dateField = HTTPDate(seconds: 0)
  /// What the gauges were told of this reactor.
  var reported = (queued: 0, lagging: 0)
  var isDraining = false
  /// Kitchens whose checksums are to be read, and whether some are being read.
  var sumsDue: [LocalChannel] = []
  var isReadingSums = false
  var commandsRunning = 0
  var generation = 0
  /// Who came and went, until it is reported.
  var presenceChanges: [PresenceChange] = []
  /// The ledger's version that this reactor has seen, and the second until which it looks for whom that concerns.
  var accessSeen = 0
  var sweepsUntil: Int32 = 0
  /// Connections that ran out of time and wait for their turn to be told.
  var expired: [Connection] = []
  var spareDescriptor: Int32
  /// Connections that are being told that there is no place for them.
  var turnedAway = 0

  package init(index: Int, loop: EventLoop, node: Node, mailbox: Mailbox<FeedMessage>) {
    self.index = index
    self.loop = loop
    tasks = LoopTasks(loop)
    self.node = node
    self.mailbox = mailbox
    compressor = Compressor(node.counters)
    var options = PostgresOptions(parameters: [(name: "hub.notify", value: "off")])
    // No statement of the hub's takes so long: it is a database that hangs, and whoever asks is told 503.
    options.statementTimeout = .seconds(8)
    pool = PostgresPool(
      loop: loop, connectionString: node.configuration.connectionString, size: node.configuration.poolSize,
      options: options)
    database = PooledDatabase(pool)
    spareDescriptor = Self.openSpare()
  }

  deinit { Glibc.close(spareDescriptor) }

  package func start() {
    if node.configuration.purpose == .hub { pool.start() }
    startClock()
  }

  /// Answers once the database has answered a first query, or cannot.
  package func waitUntilConnected() async {
    _ = try? await pool.query(Statement("SELECT 1"))
  }

  // MARK: The turn

  package nonisolated func process(_ events: UnsafeBufferPointer<epoll_event>) -> Bool {
    precondition(loop.isCurrent, "a turn belongs to the reactor's own loop")
    return enterTurn(self, events)
  }

  package nonisolated func endTurn() {
    assumeIsolated { $0.finishTurn() }
  }

  fileprivate func handle(_ events: UnsafeBufferPointer<epoll_event>) {
    for index in events.indices {
      guard let event = events.baseAddress.map({ $0 + index }) else { return }
      let descriptor = hub_event_descriptor(event)
      let readiness = Readiness(rawValue: event.pointee.events)
      if Int(descriptor) < connections.count, let connection = connections[Int(descriptor)] {
        let wantsToWrite = connection.tls?.wantsToWrite == true && readiness.hasAny(of: .writable)
        if wantsToWrite || (readiness.hasAny(of: .writable) && !connection.hasSentAll) { flush(connection) }
        if wantsToWrite || readiness.hasAny(of: .readableOrHungUp) {
          read(connection, untilEnd: readiness.hasAny(of: .hungUp))
        }
      } else if listeners[descriptor] != nil {
        accept(from: descriptor)
      } else {
        loop.dispatch(descriptor, readiness)
      }
    }
  }

  private func finishTurn() {
    receive(mailbox.takeAll())
    if !postponed.isEmpty {
      let again = postponed
      postponed = []
      // Until the end: the peer's may have been reported while reading was held back, and is reported once.
      for connection in again { read(connection, untilEnd: true) }
      if !postponed.isEmpty { loop.wakeUp() }
    }
    // Flushing may make more connections dirty (a drained one reads on): they are flushed in this turn too.
    var next = 0
    while next < dirty.count {
      let connection = dirty[next]
      connection.isDirty = false
      flush(connection)
      next += 1
    }
    dirty.removeAll(keepingCapacity: true)
    handshakesLeft = Self.handshakesPerTurn
  }

  // MARK: Accepting

  package func listen(on descriptor: consuming Descriptor, _ address: ListenAddress) throws(SystemError) {
    let number = descriptor.release()
    try loop.register(number, for: [.readable, .exclusive])
    listeners[number] = address
  }

  func stopListening() {
    for number in listeners.keys {
      loop.unregister(number)
      Glibc.close(number)
    }
    listeners = [:]
  }

  private func accept(from listener: Int32) {
    // A bounded number, so that a flood of connections leaves the others their turn; the rest stays ready.
    var peer = PeerAddress.unix
    for _ in 0..<64 {
      do throws(SystemError) {
        guard let accepted = try Socket.accept(listener, peer: &peer), let address = listeners[listener] else { return }
        try adopt(accepted.release(), of: peer, from: address)
      } catch {
        node.counters.acceptFailures.add()
        if Self.isShortage(error) { restAccepting(listener) }
        return
      }
    }
  }

  private func adopt(
    _ descriptor: Int32, of peer: PeerAddress, from listener: ListenAddress
  ) throws(SystemError) {
    if peer != .unix { Socket.disableDelay(descriptor) }
    let connection = Connection(
      descriptor: descriptor, peer: peer, second: second,
      deadline: second + node.configuration.limits.headSeconds)
    if listener.isTLS {
      connection.tls = node.tls?.current.makeSession(on: descriptor)
      // Without memory for it nothing is said in clear.
      if connection.tls == nil {
        Glibc.close(descriptor)
        throw SystemError(call: "SSL_new", code: ENOMEM)
      }
    }
    do throws(SystemError) {
      try loop.register(descriptor, for: .everyChange)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    let slot = Int(descriptor)
    if slot >= connections.count {
      let more = slot + 64 - connections.count
      connections.append(contentsOf: repeatElement(nil, count: more))
      ready.append(contentsOf: repeatElement(.no, count: more))
    }
    connections[slot] = connection
    connectionCount += 1
    node.counters.connections.add()
    node.counters.accepted.add()
    admit(connection, from: peer.network)
  }

  // MARK: Reading

  /// Whether the connection may be read from: it answers what it has first, and it must take its answers.
  private func mayRead(_ connection: Connection) -> Bool {
    if connection.outbound.count > node.configuration.limits.sendQueueBytes { return false }
    if case .http(let exchange) = connection.phase { return !exchange.isBusy && exchange.backlog.isEmpty }
    return true
  }

  func read(_ connection: Connection, untilEnd: Bool) {
    if case .http(let exchange) = connection.phase { parseBacklog(exchange, connection) }
    if let tls = connection.tls, !tls.isEstablished, !advanceHandshake(tls, of: connection) { return }
    for _ in 0..<4 {
      if connection.isClosed { return }
      guard mayRead(connection) else {
        connection.isReadPending = true
        return
      }
      let buffer = readBuffer.memory
      switch connection.receive(into: buffer) {
      case .moved(let count):
        connection.lastHeard = second
        consume(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), from: connection)
        if count < buffer.count && !untilEnd && connection.tls?.hasMore != true { return }
      case .wouldBlock:
        guard connection.tls?.hasMore == true else { return }
      case .ended:
        peerEnded(connection)
        return
      case .failed:
        closeNow(connection)
        return
      }
    }
    if !connection.isClosed { postponed.append(connection) }
    loop.wakeUp()
  }

  /// Reads on in the next turn, after the others.
  func postpone(_ connection: Connection) {
    postponed.append(connection)
    loop.wakeUp()
  }

  /// Reads on after reading was held back.
  func resumeReading(_ connection: Connection) {
    guard connection.isReadPending, mayRead(connection) else { return }
    connection.isReadPending = false
    postpone(connection)
  }

  private func consume(_ bytes: UnsafeMutableRawBufferPointer, from connection: Connection) {
    switch connection.phase {
    case .webSocket(let session):
      receive(bytes, on: session, of: connection)
    case .http(let exchange):
      parse(UnsafeRawBufferPointer(bytes), exchange, connection)
    case .eventStream, .lingering, .closed:
      // Behind the request of an event stream nothing is heard: its answer has no end.
      break
    }
  }

  private func peerEnded(_ connection: Connection) {
    // A peer that has only shut its sending side still waits for its answers.
    if case .http(let exchange) = connection.phase,
      exchange.isBusy || !exchange.backlog.isEmpty || !connection.outbound.isEmpty
    {
      exchange.peerHasEnded = true
      closeIfAnswered(exchange, connection)
      return
    }
    closeNow(connection)
  }

  // MARK: Writing

  /// Queues bytes that leave at the end of this turn, behind what the cork holds for the connection.
  func write(_ bytes: [UInt8], to connection: Connection) {
    guard !connection.isClosed else { return }
    if connection === corked, !cork.isEmpty {
      connection.outbound.append(Array(cork.bytes))
      cork.removeAll()
    }
    connection.outbound.append(bytes)
    markDirty(connection)
  }

  /// Writes bytes as `write` does, but through the cork while the connection's own bytes are handled.
  func writeCorked(_ bytes: [UInt8], to connection: Connection) {
    if connection === corked, cork.append(bytes) { return }
    write(bytes, to: connection)
  }

  /// Says anew whether a fan-out may send to the connection's socket past its queue: nothing waits there, and no other
  /// channel of it may have something for it in the same turn, which would then leave in a send of its own.
  func updateReadiness(of connection: Connection) {
    let isReady =
      !connection.isClosed && connection.hasSentAll && !connection.isDirty && connection.tls == nil
      && connection.subscriptionCount == 1
    ready[Int(connection.descriptor)] = isReady ? FanOutReadiness(connection.form) : .no
  }

  func markDirty(_ connection: Connection) {
    guard !connection.isDirty else { return }
    connection.isDirty = true
    ready[Int(connection.descriptor)] = .no
    dirty.append(connection)
  }

  /// Writes one frame: through the cork while the connection's own bytes are handled, else as `write`.
  func write(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, to connection: Connection) {
    if connection === corked {
      if cork.append(opcode, payload) { return }
      sendCork(to: connection)
      if cork.append(opcode, payload) { return }
    }
    var frame: [UInt8] = []
    frame.reserveCapacity(WebSocketEncoder.maximumByteCount(of: payload.count))
    WebSocketEncoder.append(opcode, payload, to: &frame)
    write(frame, to: connection)
  }

  /// The connection's bytes are handled: sends what the cork holds. Nothing may stay in it for the next connection.
  func uncork(_ connection: Connection) {
    corked = nil
    sendCork(to: connection)
  }

  /// Sends what the cork holds, behind what waits: order is kept.
  func sendCork(to connection: Connection) {
    guard !cork.isEmpty else { return }
    defer { cork.removeAll() }
    guard !connection.isClosed else { return }
    guard connection.hasSentAll else {
      connection.outbound.append(Array(cork.bytes))
      markDirty(connection)
      return
    }
    switch connection.send(cork.bytes) {
    case .moved(let count):
      guard count < cork.count else { return }
      connection.outbound.append(Array(cork.bytes[count...]))
      markDirty(connection)
    case .wouldBlock:
      connection.outbound.append(Array(cork.bytes))
      markDirty(connection)
    case .ended, .failed:
      closeNow(connection)
    }
  }

  func flush(_ connection: Connection) {
    guard !connection.isClosed else { return }
    let alive = connection.outbound.drain(scratch: &scratch) { bytes in
      switch connection.send(bytes) {
      case .moved(let count): count
      case .wouldBlock: 0
      case .ended, .failed: nil
      }
    }
    guard alive else {
      closeNow(connection)
      return
    }
    updateReadiness(of: connection)
    if connection.hasSentAll {
      if connection.closesWhenFlushed {
        linger(connection)
        return
      }
      if connection.hasLagging, let session = connection.session { drained(session, of: connection) }
    }
    if case .http(let exchange) = connection.phase, !exchange.isBusy, !exchange.backlog.isEmpty {
      // In the next turn, after the others: a peer that takes its answers fast gets a queue's worth of them a turn.
      postpone(connection)
    }
    resumeReading(connection)
  }

  // MARK: Ending

  /// Everything was written: shut the sending side and wait a little for the peer's end, so that what was sent last is
  /// not lost to a reset (RFC 9112 §9.6).
  func linger(_ connection: Connection) {
    if let tls = connection.tls {
      // A socket that does not take the farewell now is flushed again when it does.
      guard tls.close() else { return }
      connection.tls = nil
    }
    release(connection)
    connection.phase = .lingering
    connection.deadline = second + 2
    shutdown(connection.descriptor, Int32(SHUT_WR))
    connection.isReadPending = true
    resumeReading(connection)
  }

  func closeNow(_ connection: Connection) {
    guard !connection.isClosed else { return }
    release(connection)
    connection.phase = .closed
    connection.isClosed = true
    // An end in order, unless something was left unsaid.
    if connection.outbound.isEmpty { _ = connection.tls?.close() }
    connection.tls = nil
    connection.outbound = SendQueue()
    connections[Int(connection.descriptor)] = nil
    ready[Int(connection.descriptor)] = .no
    // Closing it also ends its being watched: nobody else holds this socket.
    Glibc.close(connection.descriptor)
    connectionCount -= 1
    node.counters.connections.subtract()
    giveBackPlace(of: connection)
  }

  /// Takes the connection out of every channel.
  func release(_ connection: Connection) {
    guard let session = connection.session else { return }
    leaveAll(session)
    (connection.webSocket == nil ? node.counters.eventStreams : node.counters.webSockets).subtract()
  }
}
