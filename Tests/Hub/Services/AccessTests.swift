// Rights that end, by the routes and by whoever changes the rows: domain.md §1, 0011-access.sql.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct AccessTests {
  /// Somebody with an account in a house of their own, signed in.
  private struct Person {
    let house: House
    let id: Identifier
    let session: Identifier

    var caller: Caller { caller(.manager) }

    func caller(_ role: Role) -> Caller {
      Caller(
        userID: id, role: role, restaurants: Identifier(house.id).map { [$0] } ?? [], sessionID: session, expires: .max)
    }

    func change(_ sql: String) async throws {
      _ = try await house.business.value("WITH changed AS (\(sql) RETURNING 1) SELECT count(*) FROM changed")
    }

    /// The newest change of rights that concerns the house.
    func told(on kind: String = "kitchen") async throws -> String {
      try await house.business.value(
        """
        SELECT coalesce((SELECT name || ' ' || (data ->> 'reason') FROM hub.event
          WHERE channel = '\(kind):\(house.id)' AND name LIKE 'access.%' ORDER BY "offset" DESC LIMIT 1), '')
        """)
    }
  }

  private func hire(_ role: Role = .manager, at house: House? = nil) async throws -> Person {
    let house = if let house { house } else { try await House.open() }
    let person = Person(house: house, id: .fresh(), session: .fresh())
    try await person.change(
      """
      INSERT INTO app.user (id, email, name, role, password_hash)
      VALUES ('\(person.id)', '\(person.id)@demo.test', 'Pat', '\(role.rawValue)', 'x')
      """)
    try await person.change(
      "INSERT INTO app.membership (user_id, restaurant_id) VALUES ('\(person.id)', '\(house.id)')")
    try await person.change(
      """
      INSERT INTO app.session (id, user_id, refresh_id, expires_at)
      VALUES ('\(person.session)', '\(person.id)', gen_random_uuid(), now() + interval '1 day')
      """)
    return person
  }

  private func renames(_ person: Person, as role: Role = .manager) async -> Reply {
    await person.house.business.call(
      "PATCH", "/restaurants/\(person.house.id)", ["name": "Renamed"], as: person.caller(role))
  }

  @Test func `Signing out ends the session's commands, and is told to every channel it could hear`() async throws {
    let pat = try await hire()
    #expect(await renames(pat).status == 200)
    let bye = await pat.house.business.call("POST", "/auth/logout", as: pat.caller)
    #expect(bye.status == 204)
    #expect(
      bye.events.map(\.channel) == ["access:log"]
        + ["kitchen", "payments", "pos", "restaurant"].map { "\($0):\(pat.house.id)" })
    let told = try #require(bye.events.last.flatMap { AccessChange($0) })
    #expect(told.loss(of: pat.caller) == .session && told.reason == "logout")
    let refused = await renames(pat)
    #expect(refused.status == 401 && refused.code == "session_ended" && refused.events.isEmpty)
    // What needs no token does not mind one of an ended session.
    #expect(await pat.house.business.call("POST", "/auth/logout", as: pat.caller).status == 204)
  }

  @Test(arguments: [
    ("UPDATE app.user SET role = 'employee' WHERE id = '{user}'", "role_changed"),
    ("UPDATE app.user SET active = false WHERE id = '{user}'", "removed"),
    ("DELETE FROM app.session WHERE user_id = '{user}'", "ended"),
    (
      "UPDATE app.session SET revoked_at = now(), revoked_reason = 'refresh_reused' WHERE user_id = '{user}'",
      "refresh_reused"
    ),
  ])
  func `Whoever changes the row ends the right`(sql: String, reason: String) async throws {
    let pat = try await hire()
    try await pat.change(sql.replacing("{user}", with: pat.id.description))
    #expect(try await pat.told() == "access.revoked \(reason)")
    #expect(await renames(pat).code == "session_ended")
  }

  @Test func `Changing a name ends nothing, nor does refreshing`() async throws {
    let pat = try await hire()
    try await pat.change("UPDATE app.user SET name = 'Patricia', role = 'manager' WHERE id = '\(pat.id)'")
    try await pat.change("UPDATE app.session SET refreshed_at = now() WHERE id = '\(pat.session)'")
    #expect(try await pat.told() == "")
    #expect(await renames(pat).status == 200)
  }

  @Test func `A member who is removed keeps the session for other restaurants`() async throws {
    let pat = try await hire()
    let other = try await House.open()
    try await pat.change("INSERT INTO app.membership (user_id, restaurant_id) VALUES ('\(pat.id)', '\(other.id)')")
    let both = Caller(
      userID: pat.id, role: .manager, restaurants: [pat.house.id, other.id].compactMap { Identifier($0) },
      sessionID: pat.session, expires: .max)
    func rename(_ house: House, _ caller: Caller) async -> Reply {
      await pat.house.business.call("PATCH", "/restaurants/\(house.id)", ["name": "Renamed"], as: caller)
    }
    #expect(await rename(other, both).status == 200)
    let owner = Caller.of(.restaurantOwner, pat.house.id)
    let path = "/restaurants/\(pat.house.id)/members/\(pat.id)"
    #expect(await pat.house.call("DELETE", path, as: .manager).status == 403)
    #expect(await pat.house.business.call("DELETE", path, as: .of(.restaurantOwner, other.id)).status == 404)
    let removed = await pat.house.business.call("DELETE", path, as: owner)
    #expect(removed.status == 204 && removed.events(on: "restaurant") == ["access.revoked"])
    #expect(await pat.house.business.call("DELETE", path, as: owner).status == 404)
    #expect(try await pat.told() == "access.revoked member_removed")
    // The old token is good for neither, since it claims what is no longer so; without the claim it is.
    #expect(await rename(other, both).code == "token_outdated")
    #expect(await rename(other, both.leaving([try #require(Identifier(pat.house.id))])).status == 200)
  }

  @Test func `A removed device is signed out`() async throws {
    let house = try await House.open()
    let (device, session) = (Identifier.fresh(), Identifier.fresh())
    let pat = Person(house: house, id: device, session: session)
    try await pat.change(
      "INSERT INTO app.device (id, restaurant_id, kind, name) VALUES ('\(device)', '\(house.id)', 'till', 'Till')")
    try await pat.change(
      """
      INSERT INTO app.session (id, device_id, refresh_id, expires_at)
      VALUES ('\(session)', '\(device)', gen_random_uuid(), now() + interval '1 day')
      """)
    let order: JSON = ["order_type": "takeaway", "items": [["product_id": .string(house.card), "quantity": 1]]]
    #expect(await house.business.call("POST", "/orders", order, as: pat.caller(.till)).status == 201)
    #expect(await house.call("DELETE", "/devices/\(device)", as: .employee).status == 403)
    #expect(
      await house.business.call("DELETE", "/devices/\(device)", as: .of(.manager, Identifier.fresh().description))
        .status == 404)
    #expect(await house.call("DELETE", "/devices/\(device)", as: .manager).status == 204)
    #expect(await house.call("DELETE", "/devices/\(device)", as: .manager).status == 404)
    #expect(try await pat.told() == "access.revoked removed")
    #expect(await house.business.call("POST", "/orders", order, as: pat.caller(.till)).code == "session_ended")
  }

  @Test func `An owner gives their people another role, nobody more than they have, and not to themselves`()
    async throws
  {
    let pat = try await hire(.employee)
    let owner = Caller.of(.restaurantOwner, pat.house.id)
    let path = "/users/\(pat.id)"
    let business = pat.house.business
    #expect(await business.call("PATCH", path, ["role": "manager"], as: .of(.manager, pat.house.id)).status == 403)
    #expect(
      await business.call("PATCH", path, ["role": "manager"], as: .of(.restaurantOwner, UUIDs.other)).status == 404)
    for role in ["platform_owner", "kitchen", "cook"] {
      #expect(await business.call("PATCH", path, ["role": .string(role)], as: owner).faults == ["role invalid_role"])
    }
    let changed = await business.call("PATCH", path, ["role": "manager"], as: owner)
    #expect(changed.status == 200 && changed["role"] == "manager" && changed["active"] == true)
    #expect(changed.events(on: "kitchen") == ["access.revoked"])
    #expect(await renames(pat).code == "session_ended")
    let boss = try await hire(.restaurantOwner, at: pat.house)
    #expect(
      await business.call("PATCH", "/users/\(boss.id)", ["role": "manager"], as: boss.caller(.restaurantOwner)).status
        == 403)
    // Somebody who works elsewhere too is not one owner's to change.
    let other = try await House.open()
    try await pat.change("INSERT INTO app.membership (user_id, restaurant_id) VALUES ('\(pat.id)', '\(other.id)')")
    #expect(await business.call("PATCH", path, ["role": "employee"], as: owner).status == 403)
    #expect(await business.call("PATCH", path, ["active": false], as: .of(.platformOwner)).status == 200)
  }

  @Test func `One ends one's own sessions, and nobody else's`() async throws {
    let pat = try await hire()
    let business = pat.house.business
    let listed = await business.call("GET", "/auth/sessions", as: pat.caller)
    #expect(listed["items"]?.array?.map { $0["id"] } == [.string(pat.session.description)])
    #expect(listed["items"]?.array?.first?["current"] == true)
    let path = "/auth/sessions/\(pat.session)"
    #expect(await business.call("DELETE", path, as: .of(.manager, pat.house.id)).status == 404)
    #expect(await business.call("DELETE", path, as: pat.caller).status == 204)
    #expect(await renames(pat).code == "session_ended")
  }

  @Test func `A suspended restaurant refuses commands, also of those who have another one`() async throws {
    let house = try await House.open()
    let other = try await House.open()
    let path = "/restaurants/\(house.id)"
    let platform = Caller.of(.platformOwner)
    #expect(await house.call("POST", "\(path)/suspend", as: .restaurantOwner).status == 403)
    #expect(await other.call("POST", "\(path)/suspend", as: .restaurantOwner).status == 404)
    let suspended = await house.business.call("POST", "\(path)/suspend", as: platform)
    #expect(suspended.status == 200 && suspended["active"] == false)
    #expect(suspended.events(on: "kitchen") == ["restaurant.suspended", "access.revoked"])
    #expect(suspended.events.filter { $0.channel == "platform" }.map(\.name) == ["restaurant.suspended"])
    let again = await house.business.call("POST", "\(path)/suspend", as: platform)
    #expect(again.status == 200 && again.events.isEmpty)
    #expect(await house.call("POST", "\(path)/stations", ["name": "New"], as: .manager).code == "restaurant_suspended")
    let both = Caller(
      userID: .fresh(), role: .restaurantOwner, restaurants: [house.id, other.id].compactMap { Identifier($0) },
      sessionID: nil, expires: .max)
    let refused = await house.business.call("POST", "\(path)/stations", ["name": "New"], as: both)
    #expect(refused.status == 403 && refused.code == "restaurant_suspended")
    #expect(
      await house.business.call("POST", "/restaurants/\(other.id)/stations", ["name": "New"], as: both).status == 201)
    #expect(await house.business.call("POST", "\(path)/stations", ["name": "Platform's"], as: platform).status == 201)
    let stations = try await house.business.value(
      "SELECT count(*) FROM app.station WHERE restaurant_id = '\(house.id)'")
    #expect(stations == "3")
    let resumed = await house.business.call("POST", "\(path)/resume", as: platform)
    #expect(resumed.events(on: "kitchen") == ["restaurant.resumed"])
    #expect(await house.call("POST", "\(path)/stations", ["name": "New"], as: .manager).status == 201)
  }

  @Test(arguments: [
    "SELECT hub.publish('kitchen:{house}', 'access.revoked', '{}')", "SELECT hub.publish('access:log', 'a.b', '{}')",
  ])
  func `Nobody publishes a change of rights by hand`(sql: String) async throws {
    let pat = try await hire()
    await #expect(throws: (any Error).self) {
      try await pat.house.business.value(sql.replacing("{house}", with: pat.house.id))
    }
    #expect(try await pat.told() == "")
  }
}

private enum UUIDs { static let other = "01900000-0000-7000-8000-00000000ffff" }
