// wire §2, heartbeat: whatever becomes of the database, every screen is told within two heartbeats, on the socket that it
// has, that the hub hears nothing from it; commands are refused in bounded time; and all of it ends by itself.
import Foundation
import Testing
import TestSupport

@Suite struct FreshnessTests {
  enum Fault: Sendable, CaseIterable { case frozen, stopped, cutOff }

  private static let heartbeat = 1.0

  @Test(arguments: Fault.allCases)
  func `Every screen is told within two heartbeats that the database is away, and that it is back`(_ fault: Fault)
    throws
  {
    let postgres = try StoppablePostgres()
    let proxy = try CuttableProxy(to: postgres.connectionString)
    defer { try? proxy.stop() }
    let database =
      fault == .cutOff ? proxy.connectionString(for: postgres.connectionString) : postgres.connectionString
    let hub = try HubUnderTest(database: database, arguments: ["--heartbeat", "1s"])
    let restaurant = try TestRestaurant(at: hub)
    let token = try hub.token(role: "manager", restaurant: restaurant.id)
    let screens = try ["kitchen", "pos", "restaurant"].map { kind in
      let socket = try EventSocket(webSocket: "/ws", port: hub.port, token: token)
      try socket.send(["type": "subscribe", "id": 1, "channel": restaurant.channel(kind)])
      _ = try socket.next("subscribed")
      return socket
    }
    for screen in screens {
      let (at, fresh) = try times(screen.next("heartbeat", within: 5))
      #expect(at - fresh < Self.heartbeat, "\(at - fresh) s old while all is well")
    }

    switch fault {
    case .frozen: try postgres.freeze()
    case .stopped: try postgres.end(.stop)
    case .cutOff: proxy.cut()
    }
    let began = Date().timeIntervalSince1970
    // Commands and reads meanwhile: refused, none hangs for ever.
    let calls = ["POST", "GET"].map { method in
      Worker(method) {
        let asked = Date()
        var random = SeededRandom()
        let answer = try EventSocket(port: hub.port).request(
          method, "/api/v1/orders", token: token, body: method == "POST" ? restaurant.order(&random).body : nil)
        #expect(answer.status == 503 && answer.header("Retry-After") != nil, "\(answer.status) \(answer.text)")
        #expect(Date().timeIntervalSince(asked) < 15 * Patience.factor)
      }
    }
    for screen in screens {
      var stood: Double?
      // The first that comes when two periods are over says it, and so does every later one.
      for _ in 0..<6 {
        let (at, fresh) = try times(screen.next("heartbeat", within: 5))
        #expect(fresh < began + 0.5, "the database was heard \(fresh - began) s after it went")
        if at > began + 2 * Self.heartbeat + 0.5 {
          #expect(at - fresh > 2 * Self.heartbeat, "\(at - fresh)")
          #expect(stood == nil || stood == fresh, "it stands still")
          stood = fresh
        }
      }
      #expect(stood != nil)
      try screen.send(["type": "ping", "id": 2])
      _ = try screen.next("pong", within: 5)
    }
    for call in calls { try call.wait(within: 20) }

    switch fault {
    case .frozen: try postgres.thaw()
    case .stopped: try postgres.start()
    case .cutOff: proxy.heal()
    }
    let back = Date().timeIntervalSince1970
    for screen in screens {
      try eventually("fresh goes on", within: 30) {
        let (at, fresh) = try times(screen.next("heartbeat", within: 5))
        return fresh > back && at - fresh < Self.heartbeat
      }
    }
    let program = try ForeignConnection(postgres.connectionString)
    let all = ["kitchen", "pos", "restaurant"].map { "'\(restaurant.channel($0))'" }.joined(separator: ",")
    try program.execute("SELECT hub.publish(ARRAY[\(all)], 'test.back', '{}')")
    for screen in screens { #expect(try screen.next("event", within: 5).event == "test.back") }
    try eventually("commands are carried out again", within: 20) {
      var random = SeededRandom()
      return try hub.request("POST", "/api/v1/orders", token: token, body: restaurant.order(&random).body).status == 201
    }
  }

  /// When the heartbeat was sent and when the database was last heard, in seconds since 1970.
  private func times(_ heartbeat: HubMessage) throws -> (at: Double, fresh: Double) {
    (try seconds(heartbeat.string("at")), try seconds(heartbeat.string("fresh")))
  }

  private func seconds(_ text: String) throws -> Double {
    let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    // To the millisecond.
    return try format.parse("\(text.prefix(23))Z").timeIntervalSince1970
  }
}
