// The hub as a whole, by its own word: it starts, says how it is, and stops in order.
import Foundation
import Testing
import TestSupport

@Suite struct SmokeTests {
  @Test func aHubStartsAnswersAndStopsWithStatusZeroOnSIGTERM() throws {
    let hub = try HubUnderTest(database: TestPostgres.makeDatabase())
    #expect(try hub.request("GET", "/health").status == 200)
    #expect(try hub.request("GET", "/ready").json["status"] as? String == "ready")
    #expect(hub.stop() == 0)
  }

  @Test func aSubscriberSeesWhatAForeignConnectionPublishes() throws {
    let database = try TestPostgres.makeDatabase()
    let hub = try HubUnderTest(database: database, arguments: ["--demo"])
    let restaurant = "01900000-0000-7000-8000-000000000001"
    let token = try hub.token(role: "manager", restaurant: restaurant)
    let socket = try RawWebSocket(port: hub.port, path: "/ws/kitchen/\(restaurant)", token: token)
    let subscribed = try socket.receive("subscribed")
    #expect(subscribed["offset"] as? Int == 0)
    try ForeignConnection(database).execute(
      "SELECT hub.publish('kitchen:\(restaurant)', 'test.happened', '{\"n\": 1}')")
    let event = try socket.receive("event")
    #expect(event["event"] as? String == "test.happened")
    #expect(event["offset"] as? Int == 1)
  }
}
