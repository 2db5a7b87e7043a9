// A check of an installation: subscribers and writers of several kinds on any number of hubs, and at the end what everybody
// was shown beside the log. It reports counts that must be 0 and figures that need not.
//
// 1. Its client is its own: frames, HTTP, event streams and JSON are read by code that shares nothing with the hub's.
// 2. It plays in restaurants of its own (Scene), and says what it leaves behind.
// 3. Whatever happens to hubs and database meanwhile is somebody else's business (Tests/Faults): at the end all must be
//    well, and then nothing may be missing.
import EventLoop
import Glibc

package final class PromiseCheck {
  private let plan: Plan
  private let addresses: [HubAddress]
  private let run: String
  private var random: Seeded
  private let log: LogReader
  private var scenes: [Scene] = []
  private var bases: [String: (state: Document, offset: Int64)] = [:]
  private let ending = Ending()

  package init(_ plan: Plan) throws {
    guard !plan.urls.isEmpty else { throw CheckError("give it at least one --url") }
    self.plan = plan
    addresses = try plan.urls.map { try HubAddress($0) }
    random = Seeded(plan.seed)
    // The time makes two runs with one seed different for the hub, which remembers keys.
    run = "\(plan.seed)-\(wallClockMicroseconds() / 1_000_000 % 1_000_000)"
    log = LogReader(plan.database)
  }

  private var channels: [String] { scenes.flatMap(\.channels) }

  /// Runs it; answers whether every count is 0.
  package func conduct() throws -> Bool {
    signal(SIGPIPE, SIG_IGN)
    print("check: seed \(plan.seed), run \(run), \(plan.urls.count) hubs")
    try openScenes()
    defer { closeScenes() }
    let audience = try makeAudience()
    try gather(audience)
    let writers = try startWriters()
    print("check: writing")
    let seconds = follow(audience)
    ending.come()
    print("check: writing ends")
    var journal = try collect(writers, audience)
    try settle(audience, &journal)
    let findings = try examine(audience, journal)
    Report(
      figures: audience.figures, findings: findings.breaches, happenings: findings.happenings, journal: journal,
      seconds: seconds, plan: plan
    ).write()
    return findings.breaches.total == 0
  }

  // MARK: Before

  private func openScenes() throws {
    if let named = plan.restaurant {
      scenes = [Scene(named: named)]
    } else {
      let link = try connect()
      let token = try plan.token("platform_owner", "").text
      for number in 1...max(1, plan.restaurants) {
        scenes.append(try Scene(opening: number, run: run, through: link, token: token))
      }
    }
    let link = try connect()
    for scene in scenes {
      for channel in scene.channels {
        let token = try plan.token(Scene.role(for: channel), scene.restaurant).text
        let answer = try ask(link, "GET", "/api/v1/channels/\(channel)", token)
        guard answer.status == 200, let offset = answer.body["offset"]?.integer, let state = answer.body["snapshot"]
        else { throw CheckError("GET /api/v1/channels/\(channel): \(answer.status)") }
        bases[channel] = (state, offset)
      }
    }
  }

  private func connect() throws -> Link {
    for address in addresses { if let link = try? Link(address) { return link } }
    throw CheckError("none of the hubs answers: \(plan.urls.joined(separator: ", "))")
  }

  private func ask(_ link: Link, _ method: String, _ path: String, _ token: String, _ body: String? = nil) throws
    -> CommandAnswer
  {
    do { return try link.request(method, path, token: token, body: body) } catch {
      throw CheckError("\(method) \(path): the connection was lost")
    }
  }

  /// Restaurants cannot be deleted, since their log cannot; suspended, they take no orders any more.
  private func closeScenes() {
    guard plan.restaurant == nil, let token = try? plan.token("platform_owner", "").text, let link = try? connect()
    else { return }
    for scene in scenes {
      _ = try? link.request(
        "PATCH", "/api/v1/restaurants/\(scene.restaurant)", token: token, body: #"{"active":false}"#)
    }
    print("check: left behind \(scenes.count) suspended restaurants named \"hub check \(run) …\" and their events")
  }

  private func makeAudience() throws -> Audience {
    let token = plan.token
    let audience = Audience(addresses: addresses, unrest: Int64(max(plan.unrest, 1)) * 1_000_000_000) {
      (try? token($0, $1)) ?? Token("", ends: nil)
    }
    audience.isUnruly = plan.unrest > 0
    let before = wallClockMicroseconds()
    let clock = try log.clock()
    audience.clockDifference = clock - (before + wallClockMicroseconds()) / 2
    for number in 0..<plan.subscribers {
      let scene = scenes[number % scenes.count]
      // What restaurants have: kitchen screens, tills, screens that show both, an office, a card terminal.
      let kinds: [(role: String, channels: [String])] = [
        ("kitchen", ["kitchen"]), ("till", ["pos"]), ("kitchen", ["kitchen"]), ("employee", ["kitchen", "pos"]),
        ("manager", ["restaurant"]), ("till", ["pos", "payments"]), ("kitchen", ["kitchen"]), ("till", ["payments"]),
      ]
      let kind = kinds[number / scenes.count % kinds.count]
      let isStream = number < plan.streams
      let channels = (isStream ? Array(kind.channels.prefix(1)) : kind.channels).map { "\($0):\(scene.restaurant)" }
      audience.subscribers.append(
        Subscriber(
          number: number, manner: isStream ? .stream : .socket, role: kind.role, restaurant: scene.restaurant,
          channels: channels, givesReceipts: scenes.count == 1 || number % scenes.count > 0,
          receiveBuffer: random.chance(15) ? 4096 : nil, random: Seeded(random.next()),
          now: audience.now))
    }
    return audience
  }

  private func gather(_ audience: Audience) throws {
    let isUnruly = audience.isUnruly
    audience.isUnruly = false
    let came = audience.turn(within: plan.patience) { audience.live == audience.subscribers.count }
    guard came else {
      throw CheckError("only \(audience.live) of \(audience.subscribers.count) subscribers came in \(plan.patience) s")
    }
    audience.isUnruly = isUnruly
  }

  private func startWriters() throws -> [Worker<Journal>] {
    var writers: [Worker<Journal>] = []
    let (addresses, scenes, run, ending) = (addresses, scenes, run, ending)
    let source = plan.token
    let token: @Sendable (String, String) -> Token = { (try? source($0, $1)) ?? Token("", ends: nil) }
    // An order is about ten events; half of the events are of orders.
    let tills = plan.restaurant == nil ? 4 : 0
    for number in 0..<tills {
      let rate = Double(plan.rate) / 2 / 10 / Double(tills)
      let random = Seeded(random.next())
      writers.append(
        try Worker {
          var till = Till(
            addresses: addresses, scenes: scenes, run: run, number: number, usesSocket: number % 2 == 1,
            ordersPerSecond: rate, ending: ending, random: random, token: token)
          return till.work()
        })
    }
    let (database, channels) = (plan.database, channels)
    let programs = 4
    let rest = Double(plan.rate) * (tills > 0 ? 0.5 : 1)
    for number in 0..<programs {
      let holds = number >= programs - 2
      let random = Seeded(random.next())
      writers.append(
        try Worker {
          var publisher = Publisher(
            database: database, channels: channels, run: run, number: number,
            transactionsPerSecond: holds ? 1 : rest / Double(programs - 2), holds: holds, ending: ending,
            random: random)
          return publisher.work()
        })
    }
    return writers
  }

  // MARK: Meanwhile

  /// Listens for the plan's time; answers how many seconds that were.
  private func follow(_ audience: Audience) -> Int {
    let start = MonotonicTime.now()
    var said: Int64 = 0
    while true {
      let elapsed = MonotonicTime.now().since(start).components.seconds
      if elapsed >= Int64(plan.seconds) { return Int(elapsed) }
      if elapsed >= said + 10 {
        said = elapsed
        let figures = audience.figures
        print(
          "check: \(elapsed) s, \(figures.delivered) delivered, \(audience.live) of \(audience.subscribers.count) live, "
            + "\(figures.connections) connections, \(audience.ledger.breaches.total) faults")
      }
      audience.turn()
    }
  }

  private func collect(_ writers: [Worker<Journal>], _ audience: Audience) throws -> Journal {
    let ended = audience.turn(within: 150) { writers.allSatisfy(\.isDone) }
    var journal = Journal()
    for writer in writers { if let outcome = writer.outcome { journal.add(outcome) } }
    if !ended { journal.breaches.add(.absent, "a writer did not come to its end") }
    return journal
  }

  /// Waits until everybody has everything, twice: as they are, and begun anew with a snapshot of the end.
  private func settle(_ audience: Audience, _ journal: inout Journal) throws {
    audience.isUnruly = false
    try waitForHeads(audience)
    for subscriber in audience.subscribers {
      for subscription in subscriber.subscriptions {
        subscription.place.audit(head: settled[subscription.place.channel] ?? 0, &journal.breaches)
      }
    }
    audience.beginAnew()
    if !audience.turn(within: plan.patience, until: { audience.subscribers.allSatisfy(\.isFresh) }) {
      for subscriber in audience.subscribers where !subscriber.isFresh {
        journal.breaches.add(.absent, "subscriber \(subscriber.number) got no snapshot at the end")
      }
    }
    try comparePresence(audience, &journal.breaches)
  }

  /// Nobody may be listed who has gone, whatever killed the node; a lease is over after ten seconds.
  private func comparePresence(_ audience: Audience, _ breaches: inout Breaches) throws {
    guard plan.restaurant == nil else { return }
    var expected = Dictionary(uniqueKeysWithValues: channels.map { ($0, 0) })
    for subscriber in audience.subscribers {
      for subscription in subscriber.subscriptions { expected[subscription.place.channel, default: 0] += 1 }
    }
    var listed: [String: Int] = [:]
    for _ in 0..<30 {
      listed = try log.members(of: channels)
      if listed == expected { return }
      _ = audience.turn(within: 1) { false }
    }
    for (channel, count) in expected where listed[channel] != count {
      let found = listed[channel] ?? 0
      breaches.add(.presence, abs(found - count), "\(channel): \(found) are listed, \(count) listen")
    }
  }

  private var settled: [String: Int64] = [:]

  private func waitForHeads(_ audience: Audience) throws {
    let end = MonotonicTime.now().advanced(by: .seconds(plan.patience))
    while MonotonicTime.now() < end {
      settled = try log.heads(of: channels)
      let arrived = audience.turn(within: 2) {
        audience.subscribers.allSatisfy { subscriber in
          subscriber.isLive
            && subscriber.subscriptions.allSatisfy { ($0.place.offset ?? -1) >= settled[$0.place.channel] ?? 0 }
        }
      }
      // An alarm may have been written since.
      if arrived, try log.heads(of: channels) == settled { return }
    }
  }

  // MARK: Afterwards

  private func examine(_ audience: Audience, _ journal: Journal) throws -> (breaches: Breaches, happenings: Happenings)
  {
    var breaches = audience.ledger.breaches
    var happenings = Happenings()
    for channel in channels {
      guard let base = bases[channel] else { continue }
      var audit = ChannelAudit(channel, base: base.state, at: base.offset, audience.ledger)
      let head = try log.heads(of: [channel])[channel] ?? 0
      try log.read(channel, after: base.offset) { entry in
        guard entry.offset <= head else { return }
        audit.take(entry)
        happenings.take(entry, of: channel)
      }
      audit.finish(head: head)
      breaches.add(audit.breaches)
    }
    breaches.add(happenings.audit(journal))
    return (breaches, happenings)
  }
}
