// The heartbeat's `sums` (docs/reference/wire.md): a screen that folded the kitchen's events computes the same
// checksum as the hub, at the offset that the hub names, whichever node tells it.
import Foundation
import Testing
import TestSupport

@Suite struct ChecksumTests {
  @Test func aKitchensChecksumIsThatOfWhatAScreenHasFolded() throws {
    let database = try TestPostgres.makeDatabase()
    let first = try HubUnderTest(database: database, arguments: ["--heartbeat", "1s"])
    let second = try HubUnderTest(database: database, data: first.data, arguments: ["--heartbeat", "1s"])
    let restaurant = try TestRestaurant(at: first)
    let token = try first.token(role: "manager", restaurant: restaurant.id)
    var random = SeededRandom()

    func post(_ path: String, _ body: String? = nil) throws -> [String: Any] {
      let answer = try first.request("POST", "/api/v1/\(path)", token: token, body: body)
      guard answer.status < 300 else { throw SupportError("\(path): \(answer.status) \(answer.text)") }
      return answer.json
    }
    let screens = try [first, second].map { hub in
      try EventSocket(webSocket: "/ws/kitchen/\(restaurant.id)", port: hub.port, token: token)
    }
    var folds = try screens.map { try ScreenFold(try $0.next("subscribed")) }
    // What was told of the last offset, whoever looks.
    func compare() throws -> Set<String> {
      var told: Set<String> = []
      for (index, screen) in screens.enumerated() {
        let limit = Date() + 20
        search: while Date() < limit {
          guard case .message(let message) = screen.next(within: 20) else { break search }
          if message.type == "event" { try folds[index].apply(message) }
          guard message.type == "heartbeat", let sums = message.json["sums"] as? [String: Any],
            let sum = sums["kitchen:\(restaurant.id)"] as? [String: Any],
            (sum["offset"] as? NSNumber)?.int64Value == folds[index].offset
          else { continue }
          #expect(sum["sum"] as? String == folds[index].ticketSum, "seed \(random.seed)")
          told.insert(folds[index].ticketSum)
          break search
        }
      }
      #expect(told.count == 1, "both nodes told the same sum in time: \(told)")
      return told
    }

    #expect(try compare() == ["00000000"], "no open ticket")
    var seen: Set<String> = []
    var tickets: [String] = []
    for _ in 0..<2 {
      let order = try post("orders", restaurant.order(&random).body)
      let id = order["id"] as? String ?? ""
      let confirmed = try post("orders/\(id)/confirm")
      tickets += (confirmed["tickets"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
    seen.formUnion(try compare())
    // Another version of a ticket is another sum, and so is one ticket less.
    _ = try post("tickets/\(tickets[0])/start")
    seen.formUnion(try compare())
    _ = try post("tickets/\(tickets[0])/bump")
    _ = try post("tickets/\(tickets[0])/bump")
    seen.formUnion(try compare())
    #expect(seen.count == 3)
  }
}
