// wire §2: "the snapshot is the channel's state exactly as of `offset`; the events that follow start at `offset` + 1".
// A thousand times, with writers running: whoever began earlier and followed, and whoever begins now, see the same.
import Foundation
import Glibc
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Snapshots {
    @Test func aSnapshotAndWhatFollowsIsTheStateAThousandTimes() throws {
      let service = try BusyService()
      defer { service.close() }
      let cooks = (0..<3).map { number in Worker("cook \(number)") { try service.cook(number) } }
      // Each begins where the one before it has got to: 4 × 250 snapshots and as many folds. Fewer where a sanitizer makes
      // everything slow: a screen that is not read for fifty seconds has lost its connection.
      let times = Int(250 / Patience.factor)
      try runConcurrently(4, within: 110) { try service.watch($0, times: times) }
      service.close()
      for cook in cooks { try cook.wait(within: 30) }
      try service.checkTheEnd()
      print(
        "snapshots, seed \(service.random.seed): \(service.compared.value) compared,",
        "\(service.followed.value) events folded in between")
      #expect(service.compared.value == 4 * times)
      #expect(service.followed.value > 4 * times, "there was something to fold")
    }
  }
}

/// A restaurant in full service, seen from many screens of two hubs.
private final class BusyService: @unchecked Sendable {
  // @unchecked: `screens` is behind the lock, everything else is set once.
  let random = SeededRandom()
  let compared = SharedCount()
  let followed = SharedCount()
  private let work = SharedCount()
  private let database: String
  private let hubs: [HubUnderTest]
  private let restaurant: TestRestaurant
  private let token: String
  private let lock = NSLock()
  private var isClosed = false
  private var screens: [(channel: String, screen: Screen)] = []

  init() throws {
    database = try TestPostgres.makeDatabase()
    let first = try HubUnderTest(database: database)
    hubs = [first, try HubUnderTest(database: database, data: first.data)]
    // Soon enough that alarms come and go among the rest.
    restaurant = try TestRestaurant(at: first, unseen: 1)
    token = try first.token(role: "manager", restaurant: restaurant.id)
  }

  func close() { lock.withLock { isClosed = true } }

  // MARK: Writers

  /// Takes orders and moves them and their tickets about, whatever is allowed; sometimes something runs out.
  func cook(_ number: Int) throws {
    var random = random.stream(number)
    let socket = try EventSocket(port: hubs[number % hubs.count].port)
    let program = try ForeignConnection(database)
    func post(_ path: String, _ body: String? = nil, _ method: String = "POST") throws -> RawAnswer {
      let answer = try socket.request(method, "/api/v1/\(path)", token: token, body: body)
      // A move that another cook was quicker with is refused; nothing else may go wrong.
      guard answer.status < 300 || answer.status == 409 || answer.status == 422 else {
        throw SupportError("\(method) \(path): \(answer.status) \(answer.text), seed \(self.random.seed)")
      }
      return answer
    }
    while !lock.withLock({ isClosed }) {
      // A few moves for each snapshot: enough to differ, and not all the machine.
      if work.value > 30 + 2 * compared.value {
        poll(nil, 0, 2)
        continue
      }
      work.add()
      let open = try program.execute(
        "SELECT id, status FROM app.order WHERE open ORDER BY random() LIMIT 1")
      let count = Int(try program.execute("SELECT count(*) FROM app.order WHERE open")[0][0]) ?? 0
      if count < 6 || (count < 14 && random.chance(40)) {
        let placed = try post("orders", restaurant.order(&random).body)
        if random.chance(80), let id = placed.json["id"] as? String { _ = try post("orders/\(id)/confirm") }
        continue
      }
      let ticket =
        try program.execute("SELECT id FROM app.ticket ORDER BY open DESC, random() LIMIT 1").first?.first ?? ""
      let order = open.first?.first ?? ""
      switch Int.random(in: 0..<12, using: &random) {
      case 0..<5: _ = try post("tickets/\(ticket)/bump")
      case 5: _ = try post("tickets/\(ticket)/start")
      case 6: _ = try post("tickets/\(ticket)/recall")
      case 7:
        _ = try post(
          "orders/\(order)/\(["confirm", "prepare", "ready", "complete"].randomElement(using: &random) ?? "")")
      case 8: _ = try post("orders/\(order)/complete")
      case 9: _ = try post("orders/\(order)/cancel", #"{"reason": "changed their mind"}"#)
      case 10:
        let product = restaurant.products.randomElement(using: &random)?.id ?? ""
        _ = try post("products/\(product)", #"{"available": \#(random.chance(70))}"#, "PATCH")
      default:
        _ = try program.execute(
          "SELECT hub.publish(ARRAY['\(restaurant.channel("kitchen"))', '\(restaurant.channel("pos"))'], 'test.noise', '{}')"
        )
      }
    }
  }

  // MARK: Screens

  /// A chain of screens: each new one begins with a snapshot, which must be what the one before it has folded so far.
  func watch(_ number: Int, times: Int) throws {
    var random = random.stream(100 + number)
    let channel = restaurant.channel(number % 2 == 0 ? "kitchen" : "pos")
    func open() throws -> Screen {
      let hub = hubs.randomElement(using: &random) ?? hubs[0]
      return try Screen(channel, port: hub.port, token: token)
    }
    var previous = try open()
    for time in 0..<times {
      let begun = previous.fold.offset
      try previous.follow(Int.random(in: 0...4, using: &random), within: 0.05)
      let next = try open()
      // The other hub may be a moment behind: then it is the new one that has to follow.
      try previous.follow(to: next.fold.offset)
      let snapshotText = next.beginning
      let began = next.fold.offset
      try next.follow(to: previous.fold.offset)
      followed.add(Int(previous.fold.offset - begun))
      let left = try previous.fold.text()
      let right = began == next.fold.offset ? snapshotText : try next.fold.text()
      guard left == right else {
        throw SupportError(
          "seed \(self.random.seed), \(channel), time \(time), offset \(next.fold.offset):\n"
            + "followed from \(begun): \(left)\nbegun at \(began): \(right)")
      }
      compared.add()
      previous = next
    }
    lock.withLock { screens.append((channel, previous)) }
  }

  /// When everybody has stopped: the last screens against the database's own word.
  func checkTheEnd() throws {
    let program = try ForeignConnection(database)
    for (channel, screen) in lock.withLock({ screens }) {
      let parts = channel.split(separator: ":").map(String.init)
      let row = try program.execute(
        "SELECT head, app.snapshot('\(parts[0])', '\(parts[1])') FROM hub.channel WHERE name = '\(channel)'")[0]
      try screen.follow(to: Int64(row[0]) ?? 0)
      let snapshot = try JSONSerialization.jsonObject(with: Data(row[1].utf8)) as? [String: Any] ?? [:]
      let (folded, final) = (try screen.fold.text(), try ScreenFold.text(of: snapshot))
      #expect(folded == final, "\(channel), seed \(random.seed)")
    }
  }
}
