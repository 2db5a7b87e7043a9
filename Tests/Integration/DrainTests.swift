// A drain spreads those it sends away, and a rolling restart under load loses, repeats and swaps nothing (wire §2 goaway).
import Foundation
import Glibc
import Testing
import TestSupport

@Suite(.serialized) struct DrainTests {
  @Test func `The waits are spread evenly, and each socket has its goaway before it is closed`() throws {
    let scene = try DeliveryScene()
    let sockets = try (0..<300).map { _ in
      let socket = try scene.connect()
      try scene.subscribe(socket, scene.kitchen)
      return socket
    }
    let hub = scene.hub
    let stopping = Worker("the drain") { hub.stop() }
    var waits: [Double] = []
    for socket in sockets {
      var isAway = false
      reading: while true {
        switch socket.next(within: 20) {
        case .message(let message) where message.type == "goaway":
          waits.append((message.json["reconnect"] as? NSNumber)?.doubleValue ?? -1)
          isAway = true
        case .message: break
        case .ended(let code, _):
          #expect(isAway && code == 1012, "\(code)")
          break reading
        case .silent: throw SupportError("neither goaway nor a close")
        }
      }
    }
    try stopping.wait(within: 20)
    // 300 sockets come back within a second, each tenth of it has its part: 30 of them, give or take five deviations.
    #expect(waits.count == 300 && waits.allSatisfy { (0.1...1).contains($0) })
    let counts = Dictionary(grouping: waits) { Int(($0 - 0.1) / 0.09 * 0.9999) }.mapValues(\.count)
    #expect(counts.count == 10 && counts.values.allSatisfy { (5...60).contains($0) }, "\(counts)")
  }

  @Test func `Two nodes restart one after the other under load, and no screen misses, repeats or swaps an event`()
    throws
  {
    let database = try TestPostgres.makeDatabase()
    var hubs = [try HubUnderTest(database: database)]
    let data = hubs[0].data
    hubs.append(try HubUnderTest(database: database, data: data))
    let ports = HubPorts(hubs.map(\.port))
    let restaurant = try TestRestaurant(at: hubs[0])
    let (kitchen, pos) = (restaurant.channel("kitchen"), restaurant.channel("pos"))
    let token = try hubs[0].token(role: "manager", restaurant: restaurant.id)
    let random = SeededRandom()
    let subscribers = (0..<12).map {
      Subscriber(
        "\($0) (seed \(random.seed))", channel: kitchen, since: 0, token: token, ports: ports,
        random: random.stream($0 + 100), heedsGoAway: true
      ) { ["station.created", "ticket.created", "test.published"].contains($0) }
    }
    for subscriber in subscribers { subscriber.start() }
    try eventually("everybody listens") { subscribers.allSatisfy { $0.record.isLive } }

    let (mayStop, sold, published) = (SharedCount(), SharedCount(), SharedCount())
    let writers =
      (0..<2).map { number in
        Worker("till \(number)") {
          var own = random.stream(number)
          let till = Till(ports: ports, token: token, random: own.stream(9))
          while mayStop.value == 0 {
            _ = try till.sell(restaurant.order(&own).body, key: "\(random.seed)-\(number)-\(sold.add())")
          }
        }
      } + [
        Worker("program") {
          let publisher = try Publisher(database, random: random.stream(50))
          while mayStop.value == 0 { try publisher.publish(published.add(), on: kitchen, beside: pos) }
        }
      ]
    let longest = LongestSilence()
    // How long each screen is told nothing while something is published all the time.
    let watching = Worker("watching") {
      var heard = subscribers.map { _ in (count: 0, at: Date()) }
      while mayStop.value == 0 {
        for (index, subscriber) in subscribers.enumerated() {
          let count = subscriber.record.events.count
          guard count != heard[index].count else { continue }
          longest.note(Date().timeIntervalSince(heard[index].at))
          heard[index] = (count, Date())
        }
        poll(nil, 0, 5)
      }
    }
    func goOn(_ events: Int) throws {
      let mark = published.value
      try eventually("the load goes on", within: 60) { published.value >= mark + events }
    }
    try goOn(50)
    for index in hubs.indices {
      ports.remove(hubs[index].port)
      #expect(hubs[index].stop() == 0)
      hubs[index] = try HubUnderTest(database: database, data: data)
      ports.add(hubs[index].port)
      try goOn(100)
    }
    mayStop.add()
    for worker in writers + [watching] { try worker.wait(within: 60) }

    let log = try ForeignConnection(database).execute(
      #"SELECT "offset", id FROM hub.event WHERE channel = '\#(kitchen)' ORDER BY "offset""#
    ).map { Subscriber.Seen(offset: Int64($0[0]) ?? -1, id: $0[1]) }
    var resumes = 0
    for subscriber in subscribers {
      try eventually("\(log.count) events") { subscriber.record.events.count >= log.count }
      try subscriber.stop()
      let isTheLog = subscriber.record.events == log
      #expect(isTheLog && subscriber.record.faults.isEmpty, "\(subscriber.record.faults.prefix(3))")
      resumes += subscriber.record.resumes
    }
    #expect(resumes >= subscribers.count, "every screen has moved, some twice")
    let placed = try ForeignConnection(database).execute("SELECT count(*) FROM app.order")[0][0]
    #expect(Int(placed) == sold.value, "no order was lost or placed twice")
    print("rolling restart: \(log.count) events, \(resumes) resumes, longest silence of a screen \(longest.seconds) s")
    for hub in hubs { hub.stop() }
  }
}

private final class LongestSilence: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var longest = 0.0

  var seconds: String { lock.withLock { String(format: "%.2f", longest) } }

  func note(_ seconds: Double) { lock.withLock { longest = max(longest, seconds) } }
}
