// One hub process from its first file to its last: database, secret, loops, reactors, listeners, and back.
//
// Order of start: the database answers and is migrated, then the feed listens, then sockets are accepted. Order of stop:
// listeners, then connections, then the feed, then the private Postgres.
import Crypto
package import Domain
import EventLoop
import Glibc
import Postgres
import Protocol
import Telemetry

package let hubVersion = "0.1.0"

/// Why a hub could not start.
enum StartError: Error, CustomStringConvertible {
  case databaseAway

  var description: String {
    switch self {
    case .databaseAway: "the database did not answer within 30 s"
    }
  }
}

package final class HubProcess {
  private var configuration: Configuration
  private let log: Log
  private var privatePostgres: PrivatePostgres?

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    log = Log(level: configuration.logLevel, form: configuration.logForm)
  }

  // MARK: Subcommands

  /// Serves until SIGTERM or SIGINT, then drains; throws when it cannot start.
  package func serve() throws {
    blockSignals()
    raiseDescriptorLimit()
    let metrics = Metrics()
    // Before anything is started: a wrong file is the quickest fault to find.
    let certificates = try configuration.tls.map { try TLSCertificates($0, metrics: metrics, log: log) }
    try startDatabase()
    defer { stopDatabase() }
    try migrate()
    let parts = try assemble(metrics, certificates, key: try Secret.key(at: configuration.secretFile, creating: true))
    try start(parts)
    let addresses = try listen(parts.reactors)
    if configuration.demo { try installDemo(parts) }
    announce(addresses)
    awaitStopSignal(certificates)
    log.info("drain.started")
    drain(parts)
    for case .unix(let path) in addresses.map(\.address) { unlink(path) }
    log.info("drain.finished")
  }

  /// Serves the same listener and sessions, which send every message back, until SIGTERM or SIGINT; needs no database.
  package func echo() throws {
    configuration.purpose = .echo
    blockSignals()
    raiseDescriptorLimit()
    let metrics = Metrics()
    let certificates = try configuration.tls.map { try TLSCertificates($0, metrics: metrics, log: log) }
    let parts = try assemble(metrics, certificates, key: HMACKey(SecureRandom.bytes(count: 32).span.bytes))
    for reactor in parts.reactors {
      reactor.loop.start(client: reactor)
      try waitFor { await reactor.start() }
    }
    for address in try listen(parts.reactors) { print("hub: \(address)") }
    print("hub: ready")
    awaitStopSignal(certificates)
    drain(parts)
  }

  /// Applies missing migrations; answers how many there were.
  package func migrateOnly() throws -> Int {
    if configuration.connectionString.isEmpty,
      let running = PrivatePostgres.connectionString(running: configuration.data)
    {
      configuration.connectionString = running
    }
    try startDatabase()
    defer { stopDatabase() }
    return try migrate()
  }

  /// An access token made with the data folder's secret.
  package func token(
    role: Role, restaurants: [Identifier], ramp: Identifier?, user: Identifier?, seconds: Int64
  ) throws -> String {
    let now = wallClockMicroseconds() / 1_000_000
    let caller = Caller(
      userID: user ?? .fresh(), role: role, restaurants: restaurants, sessionID: nil, rampID: ramp,
      expires: now + seconds)
    return TokenIssuer(key: try Secret.key(at: configuration.secretFile)).issue(.access, for: caller, now: now)
  }

  // MARK: Start

  private func startDatabase() throws {
    guard configuration.connectionString.isEmpty else { return }
    let postgres = try PrivatePostgres.prepare(data: configuration.data)
    try postgres.start()
    privatePostgres = postgres
    configuration.connectionString = postgres.connectionString
    log.info("postgres.started", ["data": LogValue(postgres.clusterFolder)])
  }

  @discardableResult
  private func migrate() throws -> Int {
    let migrator = Migrator(
      connectionString: configuration.connectionString, migrations: Migrations.all, digest: { sha256($0) })
    let applied = try migrator.run {
      log.info("database.migrating", ["number": LogValue($0.number), "name": LogValue($0.name)])
    }
    return applied.count
  }

  private func stopDatabase() {
    do {
      try privatePostgres?.stop()
    } catch {
      log.error("postgres.stop_failed", ["error": "\(error)"])
    }
  }

  /// What a process is made of. It is never freed: timers refer to it without owning it, on the loops' threads, which run
  /// until the process ends, and with a private Postgres that is a while after the drain.
  private final class Parts: Sendable {
    let reactors: [Reactor]
    let feed: Feed
    let deadlines: Deadlines
    let services: Services

    init(reactors: [Reactor], feed: Feed, deadlines: Deadlines, services: Services) {
      self.reactors = reactors
      self.feed = feed
      self.deadlines = deadlines
      self.services = services
      _ = Unmanaged.passRetained(self)
    }
  }

  private func assemble(_ metrics: Metrics, _ certificates: TLSCertificates?, key: HMACKey) throws -> Parts {
    let passwordLoop = try EventLoop(name: "passwords")
    passwordLoop.start()
    let services = Services(
      tokens: TokenIssuer(key: key),
      passwords: PasswordWorker(loop: passwordLoop, hasher: try PasswordHasher()))
    let loops = try (0..<configuration.reactors).map { try EventLoop(name: "reactor \($0)") }
    let mailboxes = loops.map { Mailbox<FeedMessage>(loop: $0) }
    let name = String(services.newIdentifier().description.suffix(8))
    let state = FeedState()
    let feed = Feed(
      loop: loops[0], connectionString: configuration.connectionString, node: name, mailboxes: mailboxes, state: state,
      counters: FeedCounters(metrics), log: log)
    let presence = Presence(
      loop: loops[0], connectionString: configuration.connectionString, node: name, mailboxes: mailboxes,
      counters: PresenceCounters(metrics), log: log)
    let node = Node(
      name: name, configuration: configuration,
      api: API(router: Router.standard, services: services, feed: feed, log: log),
      assets: Assets(folder: configuration.clients), feedState: state, presence: presence, metrics: metrics,
      tls: certificates, log: log)
    let reactors = loops.indices.map {
      Reactor(index: $0, loop: loops[$0], node: node, mailbox: mailboxes[$0])
    }
    let deadlines = Deadlines(
      loop: loops[0], connectionString: configuration.connectionString, feed: feed, metrics: metrics, log: log)
    return Parts(reactors: reactors, feed: feed, deadlines: deadlines, services: services)
  }

  private func start(_ parts: Parts) throws {
    if parts.reactors[0].node.assets.isEmpty {
      log.warning("assets.missing", ["folder": LogValue(configuration.clients)])
    }
    for reactor in parts.reactors { reactor.loop.start(client: reactor) }
    try waitFor {
      await parts.feed.start()
      await parts.reactors[0].node.presence.start()
      for reactor in parts.reactors { await reactor.start() }
      for reactor in parts.reactors { await reactor.waitUntilConnected() }
      guard await parts.feed.waitUntilListening(limit: .seconds(30)) else { throw StartError.databaseAway }
      await parts.deadlines.start()
    }
  }

  private func listen(_ reactors: [Reactor]) throws -> [ListenAddress] {
    try configuration.listen.map { wanted in
      let address = try wanted.address.port == nil ? listenOnPath(wanted, reactors) : listenOnPort(wanted, reactors)
      log.info("listening", ["address": LogValue(address.description)])
      return address
    }
  }

  /// A listener a reactor on one TCP port; answers with the port that port 0 became.
  private func listenOnPort(_ wanted: ListenAddress, _ reactors: [Reactor]) throws -> ListenAddress {
    // Opened alone first: with SO_REUSEPORT another process on the same port would go unnoticed.
    let probe = try Socket.listen(wanted.address, shared: false)
    let address = wanted.address.with(port: Socket.localPort(of: probe.number))
    let listener = ListenAddress(address, isTLS: wanted.isTLS)
    _ = consume probe
    for reactor in reactors {
      let number = try Socket.listen(address, shared: true).release()
      try waitFor { try await reactor.listen(on: Descriptor(owning: number), listener) }
    }
    return listener
  }

  /// One listener on a path, which every reactor waits for.
  private func listenOnPath(_ address: ListenAddress, _ reactors: [Reactor]) throws -> ListenAddress {
    let listener = try Socket.listen(address.address, shared: false)
    for reactor in reactors {
      let number = fcntl(listener.number, F_DUPFD_CLOEXEC, 0)
      guard number >= 0 else { throw SystemError(call: "fcntl") }
      try waitFor { try await reactor.listen(on: Descriptor(owning: number), address) }
    }
    return address
  }

  private func installDemo(_ parts: Parts) throws {
    let connectionString = configuration.connectionString
    let services = parts.services
    let worker = try LoopActor(name: "demo")
    defer { worker.loop.stop() }
    try waitFor {
      try await worker.run { worker in
        let pool = PostgresPool(loop: worker.loop, connectionString: connectionString, size: 1)
        defer { pool.close() }
        try await DemoData.install(pool, services: services)
      }
    }
  }

  private func announce(_ addresses: [ListenAddress]) {
    for listener in addresses where listener.address.port != nil {
      let base = "\(listener.isTLS ? "https" : "http")://\(listener.address)"
      print("hub: \(base)/          what is here")
      print("hub: \(base)/kitchen   the kitchen display")
      print("hub: \(base)/till      the till")
    }
    if configuration.demo {
      print("hub: demo restaurant \(DemoData.restaurant), password \(DemoData.password):")
      for user in DemoData.users { print("hub:   \(user)") }
    }
    print("hub: ready")
  }

  // MARK: Stop

  private func drain(_ parts: Parts) {
    let limit = Duration.seconds(configuration.drainSeconds)
    let presence = parts.reactors[0].node.presence
    try? waitFor {
      await withTaskGroup { group in
        group.addTask { await presence.leave() }
        for reactor in parts.reactors { group.addTask { await reactor.drain(limit: limit) } }
      }
      await parts.deadlines.stop()
      await parts.feed.stop()
      await presence.stop()
    }
  }

  private func blockSignals() {
    var signals = stopSignals()
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Until it comes, SIGHUP means to read the certificates anew.
  private func awaitStopSignal(_ certificates: TLSCertificates?) {
    var signals = stopSignals()
    var received: Int32 = 0
    while true {
      sigwait(&signals, &received)
      guard received == SIGHUP else { break }
      certificates?.reload()
    }
    // A second signal means: at once.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  private func stopSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
  }

  /// Sockets cost descriptors: take what the system allows, and as many connections as they leave room for.
  private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let descriptors = Int(clamping: limit.rlim_cur)
    // A reactor keeps its loop's two, a spare one, its listeners and its share of Postgres connections.
    let room = ServerLimits.connections(
      descriptors: descriptors, reactors: configuration.reactors,
      kept: 4 + configuration.listen.count + configuration.poolSize)
    if configuration.limits.connections == .max { configuration.limits.connections = room }
    let connections = configuration.limits.connections
    log.info("limits", ["descriptors": LogValue(descriptors), "connections": LogValue(connections)])
    if connections > room { log.warning("limits.descriptors_short", ["room": LogValue(room)]) }
  }
}
