// Whoever subscribes anew is never shown less than was committed before it asked, also on a node that has not heard of it
// yet: a screen may come from another node, where it has seen more. (A soak found the one time in 200,000 events.)
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Fresh {
    @Test(arguments: ["", "?snapshot=false"])
    func aSubscriptionBeginsNoEarlierThanWhatWasCommittedBeforeItWasAskedFor(query: String) throws {
      let database = try TestPostgres.makeDatabase()
      let hub = try HubUnderTest(database: database)
      let restaurant = try TestRestaurant(at: hub, products: 1)
      let token = try hub.token(role: "manager", restaurant: restaurant.id)
      let kitchen = restaurant.channel("kitchen")
      let program = try ForeignConnection(database)
      // Nobody is told: the node hears of it when it next looks, a quarter of a second later.
      _ = try program.execute("SET hub.notify = off")
      func subscribe() throws -> (EventSocket, Int64) {
        let socket = try EventSocket(webSocket: "/ws/kitchen/\(restaurant.id)\(query)", port: hub.port, token: token)
        return (socket, try socket.next("subscribed").offset)
      }
      // Keeps the channel and what was read of it in the node's memory.
      let (watching, start) = try subscribe()
      for number in Int64(1)...20 {
        _ = try program.execute(#"SELECT hub.publish('\#(kitchen)', 'test.told', '{"n": \#(number)}')"#)
        let (socket, offset) = try subscribe()
        #expect(offset == start + 2 * number - 1)
        _ = try program.execute(#"SELECT hub.publish('\#(kitchen)', 'test.more', 'null')"#)
        #expect(try socket.next("event").offset == offset + 1)
        #expect(try watching.next("event").offset == start + 2 * number - 1)
        #expect(try watching.next("event").offset == start + 2 * number)
      }
    }
  }
}
