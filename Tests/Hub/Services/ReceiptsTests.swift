// Receipts as they are stored and read: cumulative, by device, never past the log, never across tenants; wire.md §2.
import Channels
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct ReceiptsTests {
  /// Publishes so many events on the kitchen's channel.
  private func publish(_ count: Int, in house: House) async throws {
    for _ in 0..<count {
      _ = try await house.business.value("SELECT hub.publish('\(house.kitchenChannel)', 'test.receipts', '{}')")
    }
  }

  private func receipts(of house: House, _ channel: String, as role: Role = .manager) async -> [JSON] {
    await house.call("GET", "/channels/\(channel):\(house.id)/receipts", as: role)["items"]?.array ?? []
  }

  private func reader(
    _ role: Role, _ user: Identifier, session: Identifier? = nil, stations: [Identifier]? = nil, in house: House
  ) throws -> ReceiptReader {
    let caller = Caller(userID: user, role: role, restaurants: [], sessionID: session, expires: .max)
    return ReceiptReader(caller, .fresh(), try #require(ChannelName(house.kitchenChannel)), stations: stations)
  }

  @Test func `The greatest offset of each level stays`() async throws {
    let house = try await House.open()
    try await publish(5, in: house)
    let tablet = try reader(.kitchen, .fresh(), in: house)
    for (received, shown, accepted) in [(2, 2, 0), (5, 0, 0), (3, 3, 1), (1, 1, 1)] as [(Int64, Int64, Int64)] {
      let offsets = ReceiptOffsets(received: received, shown: shown, accepted: accepted)
      _ = try await house.business.store([(tablet, offsets)])
    }
    let stored = await receipts(of: house, "kitchen")
    #expect(stored.count == 1)
    #expect(["received", "shown", "accepted"].map { stored.first?[$0] } == [5, 3, 1])
    #expect(stored.first?["device"]?.string == tablet.device.description)
  }

  @Test func `What lies past the head of the channel is not believed`() async throws {
    let house = try await House.open()
    try await publish(2, in: house)
    let liar = try reader(.kitchen, .fresh(), in: house)
    for offset in [try await house.head() + 1, Int64.max] {
      _ = try await house.business.store([(liar, ReceiptOffsets(received: offset, shown: offset))])
    }
    #expect(await receipts(of: house, "kitchen").isEmpty)
    let shown = try await house.business.value(
      "SELECT count(*) FROM app.station_shown JOIN app.station ON id = station_id WHERE restaurant_id = '\(house.id)'")
    #expect(shown == "0")
  }

  @Test func `Two tablets of one cook are two, a device is one whatever its connection`() async throws {
    let house = try await House.open()
    try await publish(1, in: house)
    let (cook, tablet, session) = (Identifier.fresh(), Identifier.fresh(), Identifier.fresh())
    let readers = [
      try reader(.employee, cook, session: session, in: house),
      try reader(.employee, cook, session: session, in: house),
      try reader(.employee, cook, session: .fresh(), in: house), try reader(.employee, cook, in: house),
      try reader(.kitchen, tablet, session: .fresh(), in: house), try reader(.kitchen, tablet, in: house),
    ]
    _ = try await house.business.store(readers.map { ($0, ReceiptOffsets(received: 1)) })
    let devices = await receipts(of: house, "kitchen").compactMap { $0["device"]?.string }
    #expect(devices.count == 4)
    #expect(Set(devices).isSuperset(of: [session.description, tablet.description]))
  }

  @Test func `A screen cannot speak for another restaurant's stations`() async throws {
    let (house, other) = (try await House.open(), try await House.open())
    _ = await house.fire(house.steak)
    let ticket = await other.fire(other.steak).tickets[0]
    try await house.shown(try await house.head(), stations: [try await other.station(of: other.steak)])
    try await other.comes(ticket)
    #expect(try await other.alarmNames() == ["ticket.unseen"])
  }

  @Test func `Many readers at once, of several restaurants, are stored together`() async throws {
    let houses = [try await House.open(), try await House.open()]
    var entries: [Receipts<ReceiptReader>.Entry] = []
    for house in houses {
      try await publish(3, in: house)
      for number in 0..<200 {
        let stations = number % 2 == 0 ? nil : [try await house.station(of: house.salad)]
        let reader = try reader(.kitchen, .fresh(), stations: stations, in: house)
        entries.append((reader, ReceiptOffsets(received: 3, shown: Int64(number % 4))))
      }
    }
    let (all, business) = (entries, houses[0].business)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { _ = try await business.store(all.shuffled()) } }
      try await group.waitForAll()
    }
    for house in houses {
      let stored = try await business.value(
        "SELECT count(*) FROM hub.receipt WHERE channel = '\(house.kitchenChannel)'")
      #expect(stored == "200")
    }
  }

  @Test func `Managers and owners read them, nobody else, and another's channel does not exist`() async throws {
    let (house, other) = (try await House.open(), try await House.open())
    try await publish(1, in: house)
    try await house.shown(1)
    for role in [Role.manager, .restaurantOwner, .platformOwner] {
      #expect(await receipts(of: house, "kitchen", as: role).count == 1)
    }
    for role in [Role.employee, .kitchen, .till] {
      #expect(await house.call("GET", "/channels/\(house.kitchenChannel)/receipts", as: role).status == 403)
    }
    #expect(await house.call("GET", "/channels/\(other.kitchenChannel)/receipts", as: .manager).status == 404)
    #expect(await house.call("GET", "/channels/nonsense/receipts", as: .manager).status == 404)
    #expect(await house.call("GET", "/channels/platform/receipts", as: .manager).status == 403)
    #expect(await house.call("GET", "/channels/platform/receipts", as: .platformOwner).status == 200)
  }

  @Test func `What has not been heard of for a week is forgotten`() async throws {
    let house = try await House.open()
    try await publish(1, in: house)
    try await house.shown(1)
    try await house.shown(1)
    _ = try await house.business.value(
      """
      UPDATE hub.receipt SET at = at - interval '8 days' WHERE device = (
        SELECT min(device::text)::uuid FROM hub.receipt WHERE channel = '\(house.kitchenChannel)') RETURNING 1
      """)
    _ = try await house.business.value("SELECT hub.forget_receipts()")
    #expect(await receipts(of: house, "kitchen").count == 1)
  }
}
