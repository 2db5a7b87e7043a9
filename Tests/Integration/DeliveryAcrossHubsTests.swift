// wire §1, the promise, §2 `since` and `epoch` and §4, on two hubs of one database: twenty sockets, every fourth of them an
// event stream, eight writers, 2,000 orders, while listeners and sessions are killed, sockets are reset and, the second
// time, one hub is killed as well.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct AcrossHubs {
    @Test(arguments: Disaster.allCases) func everySocketGetsEveryEventOnce(_ disaster: Disaster) throws {
      let rush = try Rush(disaster)
      defer { rush.end() }
      try rush.play()
      try rush.check()
      #expect(rush.listenersKilled >= 6, "seed \(rush.seed)")
    }
  }

  /// What happens midway, besides listeners that are killed and sockets that are cut all the time.
  enum Disaster: CaseIterable {
    case none, firstHubKilled, firstHubRestarts, postgresCrashes
  }
}

/// An hour that no restaurant should have, and the accounts afterwards.
private final class Rush: @unchecked Sendable {
  // @unchecked: the writers' threads only read it; what changes belongs to the test's own thread.
  private static let sockets = 20
  private static let writers = 8
  private static let ordersAWriter = 250

  let seed: UInt64
  private let disaster: DeliveryTests.Disaster
  private let postgres: StoppablePostgres?
  private(set) var listenersKilled = 0
  private let random: SeededRandom
  private let database: String
  private var hubs: [HubUnderTest]
  private let ports: HubPorts
  private let restaurant: TestRestaurant
  private let token: String
  private let subscribers: [Subscriber]
  private let progress = SharedCount()
  private let ticketsExpected = SharedCount()
  private let repeats = SharedCount()
  private let replays = SharedCount()

  init(_ disaster: DeliveryTests.Disaster) throws {
    self.disaster = disaster
    random = SeededRandom()
    seed = random.seed
    postgres = disaster == .postgresCrashes ? try StoppablePostgres() : nil
    database = try postgres?.connectionString ?? TestPostgres.makeDatabase()
    let first = try HubUnderTest(database: database)
    hubs = [first, try HubUnderTest(database: database, data: first.data)]
    ports = HubPorts(hubs.map(\.port))
    restaurant = try TestRestaurant(at: first)
    token = try first.token(role: "manager", restaurant: restaurant.id)
    var made: [Subscriber] = []
    for number in 0..<Self.sockets {
      // Wherever chance sends them, each time they come back; every fifth takes little at a time.
      made.append(
        Subscriber(
          "\(number) (seed \(random.seed))", channel: restaurant.channel("kitchen"), since: 0, token: token,
          ports: ports, random: random.stream(100 + number), carrier: number % 4 == 1 ? .eventStream : .webSocket,
          receiveBuffer: number % 5 == 0 ? 4096 : nil
        ) { ["station.created", "ticket.created", "test.published", "test.last"].contains($0) })
    }
    subscribers = made
    for subscriber in subscribers { subscriber.start() }
    try eventually("every socket is subscribed, seed \(seed)") { subscribers.allSatisfy { $0.record.isLive } }
  }

  /// Whatever still runs ends, also after a failure.
  func end() {
    for subscriber in subscribers { try? subscriber.stop() }
    for hub in hubs { hub.stop(with: SIGKILL) }
  }

  // MARK: The rush

  func play() throws {
    let writers = (0..<Self.writers).map { number in
      let random = random.stream(number)
      return Worker("writer \(number)") { [self] in try write(number, random) }
    }
    var chaos = random.stream(1000)
    let total = Self.writers * Self.ordersAWriter
    var nextKill = 100
    var nextCut = 20
    var isOver = false
    let limit = Date(timeIntervalSinceNow: 240)
    while !writers.allSatisfy(\.hasEnded) {
      guard Date() < limit else { throw SupportError("seed \(seed): \(progress.value) of \(total) orders in 240 s") }
      try eventually("the writers go on, at \(progress.value), seed \(seed)", within: 60) {
        progress.value >= min(nextCut, nextKill) || writers.allSatisfy(\.hasEnded)
      }
      if progress.value >= nextCut {
        nextCut += 15
        subscribers.randomElement(using: &chaos)?.cut()
      }
      if progress.value >= nextKill {
        nextKill += 170
        try kill(&chaos)
      }
      if !isOver, progress.value >= total / 2 {
        isOver = true
        try strike()
      }
    }
    for writer in writers { try writer.wait(within: 1) }
    try ForeignConnection(database).execute(
      "SELECT hub.publish('\(restaurant.channel("kitchen"))', 'test.last', '{}')")
  }

  private func strike() throws {
    switch disaster {
    case .none: break
    case .firstHubKilled:
      hubs[0].stop(with: SIGKILL)
      ports.remove(hubs[0].port)
    case .firstHubRestarts:
      // It drains: whoever is served is answered, whoever listens is told to come back.
      ports.remove(hubs[0].port)
      #expect(hubs[0].stop() == 0, "seed \(seed)")
      let successor = try HubUnderTest(database: database, data: hubs[0].data)
      hubs.append(successor)
      ports.add(successor.port)
    case .postgresCrashes:
      try postgres?.end(.crash)
      try postgres?.start()
    }
  }

  /// Ends the listeners' sessions, all or one of them; and ends or cancels one of those that commands run on.
  private func kill(_ chaos: inout SeededRandom) throws {
    let admin = try ForeignConnection(database)
    func signal(_ function: String, _ application: String, _ rest: String = "") throws -> Int {
      try admin.execute(
        """
        SELECT \(function)(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = '\(application)' \(rest)
        """
      ).count
    }
    listenersKilled += try signal("pg_terminate_backend", "hub listener", chaos.chance(30) ? "LIMIT 1" : "")
    for _ in 0..<3 {
      let state = ["active", "idle in transaction", "idle"].randomElement(using: &chaos) ?? "idle"
      let function = chaos.chance(30) ? "pg_terminate_backend" : "pg_cancel_backend"
      _ = try signal(function, chaos.chance(30) ? "hub listener" : "hub", "AND state = '\(state)' LIMIT 1")
    }
  }

  /// Half of the orders over REST, half by a program of its own.
  private func write(_ number: Int, _ random: SeededRandom) throws {
    var random = random
    let till = Till(ports: ports, token: token, random: random.stream(1))
    let publisher = try Publisher(database, random: random.stream(2))
    let kinds =
      (Array(repeating: true, count: Self.ordersAWriter / 2) + Array(repeating: false, count: Self.ordersAWriter / 2))
      .shuffled(using: &random)
    for (index, isSold) in kinds.enumerated() {
      if isSold {
        let order = restaurant.order(&random)
        _ = try till.sell(order.body, key: "\(seed)-\(number)-\(index)")
        ticketsExpected.add(order.tickets)
      } else {
        try publisher.publish(
          number * Self.ordersAWriter + index, on: restaurant.channel("kitchen"), beside: restaurant.channel("pos"))
      }
      progress.add()
    }
    repeats.add(till.repeats)
    replays.add(till.replays)
  }

  // MARK: The accounts

  func check() throws {
    let admin = try ForeignConnection(database)
    let kitchen = restaurant.channel("kitchen")
    func count(_ sql: String) throws -> Int { Int(try admin.execute(sql)[0][0]) ?? -1 }
    let log = try admin.execute(#"SELECT "offset", id FROM hub.event WHERE channel = '\#(kitchen)' ORDER BY "offset""#)
      .map { Subscriber.Seen(offset: Int64($0[0]) ?? -1, id: $0[1]) }
    let hasNoHole = log.map(\.offset) == Array(1...Int64(log.count))
    #expect(hasNoHole, "the log's offsets are 1…n, seed \(seed)")
    #expect(Set(log.map(\.id)).count == log.count, "each event has its own id, seed \(seed)")

    let sold = Self.writers * Self.ordersAWriter / 2
    let tickets = ticketsExpected.value
    #expect(try count("SELECT head FROM hub.channel WHERE name = '\(kitchen)'") == log.count)
    let opening = restaurant.stations.count
    #expect(log.count == opening + tickets + sold + 1, "stations, tickets, published events, the last, seed \(seed)")
    #expect(try count("SELECT count(*) FROM app.order WHERE status = 'confirmed'") == sold, "seed \(seed)")
    #expect(try count("SELECT count(*) FROM app.order") == sold, "no command happened twice, seed \(seed)")
    #expect(try count("SELECT count(*) FROM app.ticket") == tickets, "seed \(seed)")
    let told = "FROM hub.event WHERE channel = '\(kitchen)' AND name ="
    #expect(try count("SELECT count(DISTINCT data ->> 'id') \(told) 'ticket.created'") == tickets, "seed \(seed)")
    #expect(try count("SELECT count(DISTINCT data ->> 'n') \(told) 'test.published'") == sold, "seed \(seed)")
    #expect(try count("SELECT count(*) FROM hub.stage") == 0, "seed \(seed)")

    var cuts = 0
    let rushed = Date()
    for subscriber in subscribers {
      try? eventually("\(log.count) events", within: 30) { subscriber.record.last >= Int64(log.count) }
      try subscriber.stop()
      let record = subscriber.record
      #expect(record.faults.isEmpty, "seed \(seed): \(record.faults.prefix(5))")
      #expect(record.events.count == log.count, "seed \(seed)")
      let isTheLog = record.events == log
      #expect(isTheLog, "what a socket got is the log, seed \(seed)")
      cuts += record.resumes
    }
    #expect(cuts >= 50, "sockets were cut and resumed, seed \(seed)")
    let late = String(format: "%.1f", rushed.timeIntervalSinceNow * -1)
    print(
      "rush, \(disaster), seed \(seed): \(log.count) events, \(listenersKilled) listeners killed, \(cuts) resumes,",
      "\(repeats.value) commands repeated, \(replays.value) replayed, last events \(late) s after the rush")
    for hub in hubs.dropFirst() {
      #expect(hub.isRunning)
      try eventually("no socket is left behind, seed \(seed)") {
        try hub.metric("hub_subscriptions") == 0 && hub.metric("hub_websockets") == 0
      }
    }
  }
}
