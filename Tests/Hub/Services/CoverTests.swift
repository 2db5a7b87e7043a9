// Stations without a live screen: domain.md §4 "Receipts", last sentence. Screens are rows of hub.presence under a node of
// the test's own; the time that a station may be without one is moved into the past instead of waited for.
import Domain
import Protocol
import Testing

@testable import Hub

/// The screens of one kitchen, on a node of their own.
private struct Screens {
  let house: House
  var kitchen: String { "kitchen:\(house.id)" }
  private var node: String { "test-\(house.id)" }
  private var business: Business { house.business }

  init(of house: House) async throws {
    self.house = house
    try await renewLease()
  }

  func renewLease() async throws { _ = try await business.value("SELECT hub.renew_lease('\(node)')") }

  /// A screen comes, with these stations or with all.
  func come(_ stations: [Identifier]? = nil) async throws -> Identifier {
    let connection = Identifier.fresh()
    let list = stations.map { "[\($0.map { "\"\($0)\"" }.joined(separator: ","))]" } ?? "null"
    _ = try await business.value(
      """
      SELECT hub.write_presence('\(node)', '[]', '[{"channel":"\(kitchen)","connection":"\(connection)",
        "user":"\(Identifier.fresh())","role":"kitchen","device":null,"stations":\(list),"age":0}]')
      """)
    try await business.fireAll()
    return connection
  }

  func leave(_ connection: Identifier) async throws {
    _ = try await business.value(
      "SELECT hub.write_presence('\(node)', '[{\"channel\":\"\(kitchen)\",\"connection\":\"\(connection)\"}]', '[]')")
    try await business.fireAll()
  }

  /// The node is killed, and later another takes its rows away.
  func nodeDies() async throws {
    _ = try await business.value(
      "UPDATE hub.node SET lease_until = clock_timestamp() - interval '1 second' WHERE name = '\(node)' RETURNING 1")
    _ = try await business.value("SELECT hub.end_leases()")
    try await business.fireAll()
  }

  /// Lets so much time pass for what is missing.
  func pass(_ time: String) async throws {
    _ = try await business.value(
      """
      UPDATE app.alarm SET since = since - interval '\(time)'
      WHERE restaurant_id = '\(house.id)' AND document IS NULL
      """)
    try await house.comes(house.id)
  }
}

@Suite struct CoverTests {
  @Test func `A station that has had no screen for the set time is told once, and once when it has one`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let (grill, cold) = (try await house.station(of: house.steak), try await house.station(of: house.salad))
    let screens = try await Screens(of: house)
    let all = try await screens.come()
    _ = try await screens.come([cold])
    try await screens.leave(all)
    #expect(try await house.alarmNames() == [])
    try await screens.pass("9 minutes")
    #expect(try await house.alarmNames() == [])
    try await screens.pass("1 minute")
    try await screens.pass("10 minutes")
    let told = try await house.alarmsTold()
    #expect(told.map(\.0) == ["station.uncovered"])
    #expect([told[0].1["id"], told[0].1["name"]] == [.string(grill.description), "Grill"])
    #expect(try await house.standing() == [told[0].1["alarm"] ?? .null])

    _ = try await screens.come([grill])
    _ = try await screens.come()
    #expect(try await house.alarmNames() == ["station.uncovered", "station.covered"])
    #expect(try await house.alarmsTold()[1].1["id"]?.string == grill.description)
    #expect(try await house.standing() == [])
  }

  @Test func `A screen that comes back soon is not told of`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let screens = try await Screens(of: house)
    for _ in 0..<3 {
      let screen = try await screens.come()
      try await screens.leave(screen)
      // The nine minutes of one absence do not add to those of another.
      try await screens.pass("9 minutes")
    }
    #expect(try await house.alarmNames() == [])
  }

  @Test func `A node that is killed takes its screens with it`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let screens = try await Screens(of: house)
    _ = try await screens.come()
    try await screens.nodeDies()
    try await screens.pass("10 minutes")
    #expect(try await house.alarmNames() == ["station.uncovered", "station.uncovered"])
    try await screens.renewLease()
    _ = try await screens.come()
    #expect(try await house.standing() == [])
  }

  @Test func `A station that makes nothing needs no screen, until it gets a product`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let reply = await house.call("POST", "/restaurants/\(house.id)/stations", ["name": "Bar"], as: .manager)
    let bar = try #require(Identifier(reply.id))
    let screens = try await Screens(of: house)
    _ = try await screens.come(
      [try await house.station(of: house.steak), try await house.station(of: house.salad)])
    try await screens.pass("1 hour")
    #expect(try await house.alarmNames() == [])
    _ = await house.call(
      "PATCH", "/products/\(house.card)", ["station_id": .string(bar.description)], as: .manager)
    try await house.business.fireAll()
    try await screens.pass("10 minutes")
    #expect(try await house.alarmsTold().map { $0.1["name"] } == ["Bar"])
  }

  @Test func `A kitchen without any screen yet is not watched, nor one that is suspended or does not mind`()
    async throws
  {
    let house = try await House.open([("unseen_seconds", 600)])
    _ = await house.fire(house.steak)
    #expect(try await house.business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(house.id)'") == "0")

    let screens = try await Screens(of: house)
    try await screens.leave(try await screens.come())
    try await screens.pass("10 minutes")
    #expect(try await house.standing().count == 2)
    _ = await house.business.call("PATCH", "/restaurants/\(house.id)", ["active": false], as: .of(.platformOwner))
    try await house.business.fireAll()
    #expect(try await house.standing() == [])
    _ = await house.business.call("PATCH", "/restaurants/\(house.id)", ["active": true], as: .of(.platformOwner))
    try await house.business.fireAll()
    try await screens.pass("10 minutes")
    #expect(try await house.standing().count == 2)
    _ = await house.call("PATCH", "/restaurants/\(house.id)", ["unseen_seconds": 0], as: .manager)
    try await house.business.fireAll()
    #expect(try await house.standing() == [])
  }

  @Test func `A kitchen that has had no screen for twelve hours is closed`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let screens = try await Screens(of: house)
    try await screens.leave(try await screens.come())
    try await screens.pass("10 minutes")
    #expect(try await house.standing().count == 2)
    _ = try await house.business.value(
      """
      UPDATE hub.deadline SET data = jsonb_build_object('screen_at', clock_timestamp() - interval '13 hours')
      WHERE subject = '\(house.id)' RETURNING 1
      """)
    try await house.comes(house.id)
    #expect(try await house.standing() == [])
    #expect(try await house.business.value("SELECT count(*) FROM hub.deadline WHERE subject = '\(house.id)'") == "0")
  }

  @Test func `The kitchen's snapshot says how many live screens show each station`() async throws {
    let house = try await House.open([("unseen_seconds", 600)])
    let screens = try await Screens(of: house)
    _ = try await screens.come()
    _ = try await screens.come([try await house.station(of: house.salad)])
    let counts = "SELECT jsonb_path_query_array(app.snapshot('kitchen', '\(house.id)'), '$.stations[*].screens')"
    #expect(try await house.business.value(counts) == "[1, 2]")
    try await screens.nodeDies()
    #expect(try await house.business.value(counts) == "[0, 0]")
  }
}
