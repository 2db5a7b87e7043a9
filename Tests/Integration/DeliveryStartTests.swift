// How hubs begin: several at once on an empty database, and one that was killed on a private Postgres of its own.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Starting {
    @Test func hubsThatStartTogetherOnAnEmptyDatabaseAllComeUpAndHearEachOther() throws {
      for _ in 0..<2 {
        let database = try TestPostgres.makeDatabase()
        let data = try TestFolder.make("together")
        let started = Started()
        try runConcurrently(3) { _ in
          started.add(try HubUnderTest(database: database, data: data, arguments: ["--demo"]))
        }
        let hubs = started.hubs
        let program = try ForeignConnection(database)
        let applied = try program.execute(
          "SELECT count(*), count(DISTINCT number), max(number) FROM public.hub_migration")[0]
        #expect(Set(applied).count == 1, "each migration ran once: \(applied)")
        #expect(try program.execute("SELECT count(*) FROM app.restaurant")[0][0] == "1")
        // One secret: a token of one is good at the others. And one log.
        let restaurant = "01900000-0000-7000-8000-000000000001"
        let token = try hubs[0].token(role: "manager", restaurant: restaurant)
        let sockets = try hubs.map { try EventSocket(webSocket: "/ws/pos/\(restaurant)", port: $0.port, token: token) }
        for socket in sockets { _ = try socket.next("subscribed") }
        let product = try program.execute("SELECT id FROM app.product LIMIT 1")[0][0]
        for (number, hub) in hubs.enumerated() {
          let body = #"{"order_type": "takeaway", "items": [{"product_id": "\#(product)", "quantity": 1}]}"#
          #expect(try hub.request("POST", "/api/v1/orders", token: token, body: body).status == 201)
          for socket in sockets { #expect(try socket.next("event", within: 5).offset == Int64(number) + 1) }
        }
      }
    }

    @Test func aHubThatWasKilledTakesUpItsPrivatePostgresAgain() throws {
      let data = try TestFolder.make("private")
      let restaurant = "01900000-0000-7000-8000-000000000001"
      var hub = try HubUnderTest(database: nil, data: data, arguments: ["--demo"])
      defer { hub.stop() }
      let token = try hub.token(role: "manager", restaurant: restaurant)
      func sell(_ key: String) throws -> RawAnswer {
        let menu = try hub.request("GET", "/api/v1/restaurants/\(restaurant)/menu", token: token)
        let categories = menu.json["categories"] as? [[String: Any]] ?? []
        let product = (categories.first?["products"] as? [[String: Any]])?.first?["id"] as? String ?? ""
        return try hub.request(
          "POST", "/api/v1/orders", token: token,
          body: #"{"order_type": "takeaway", "items": [{"product_id": "\#(product)", "quantity": 1}]}"#,
          headers: ["Idempotency-Key": key])
      }
      func listen(_ query: String = "") throws -> EventSocket {
        try EventSocket(webSocket: "/ws/pos/\(restaurant)\(query)", port: hub.port, token: token)
      }
      var socket = try listen()
      let epoch = try socket.next("subscribed").string("epoch")
      for round in 1...Int64(3) {
        let sold = try sell("round \(round)".replacingOccurrences(of: " ", with: "-"))
        #expect(sold.status == 201, "\(sold.text)")
        #expect(try socket.next("event").offset == round)

        hub.stop(with: SIGKILL)
        hub = try HubUnderTest(database: nil, data: data, arguments: ["--demo"])
        // The order is there, and a repeat of the command is answered from what was stored.
        let again = try sell("round-\(round)")
        #expect(
          again.header("Idempotent-Replayed") == "true" && again.json["id"] as? String == sold.json["id"] as? String)
        let listed = try hub.request("GET", "/api/v1/orders/today", token: token)
        #expect((listed.json["items"] as? [Any])?.count == Int(round), "\(listed.text)")
        socket = try listen("?since=\(round - 1)&epoch=\(epoch)")
        #expect(try socket.next("subscribed").json["recovered"] as? Bool == true)
        #expect(try socket.next("event").offset == round)
      }
      // It ends its Postgres with itself, and finds everything at the next start.
      #expect(hub.stop() == 0)
      hub = try HubUnderTest(database: nil, data: data)
      #expect(try hub.request("GET", "/ready").status == 200)
      socket = try listen()
      #expect(try socket.next("subscribed").offset == 3)
    }
  }
}

/// The hubs that several threads have started.
private final class Started: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var list: [HubUnderTest] = []

  var hubs: [HubUnderTest] { lock.withLock { list } }

  func add(_ hub: HubUnderTest) { lock.withLock { list.append(hub) } }
}
