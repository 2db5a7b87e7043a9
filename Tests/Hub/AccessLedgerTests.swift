// What a node knows of rights that ended: 0011-access.sql, AccessLedger.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct AccessLedgerTests {
  private static let session = Identifier.fresh()
  private static let restaurant = Identifier.fresh()
  private static let user = Identifier.fresh()
  private let ledger = AccessLedger()
  private let now: Int64 = 1_700_000_000
  private let recent = "2023-11-14T22:13:00.000000Z"

  private var caller: Caller {
    Caller(
      userID: Self.user, role: .manager, restaurants: [Self.restaurant], sessionID: Self.session, expires: .max)
  }

  /// An event as the triggers publish it.
  private func event(
    _ name: String, _ data: String, on channel: String = "access:log", id: String = "1", at: String? = nil
  ) -> LogEvent {
    LogEvent(channel: channel, offset: 1, id: id, name: name, at: at ?? recent, data: Array(data.utf8))
  }

  private func tell(_ event: LogEvent) throws {
    ledger.note(try #require(AccessChange(event)), event, now: now)
  }

  @Test func `A session that ended is refused`() throws {
    #expect(try ledger.current(caller) == caller)
    try tell(event("access.revoked", #"{"sessions":["\#(Self.session)"],"reason":"logout"}"#))
    #expect(ledger.hasEnded(caller))
    #expect(throws: Problem.self) { try ledger.current(caller) }
  }

  @Test func `A member who left keeps the session without the restaurant, until they are back`() throws {
    let data = #"{"sessions":["\#(Self.session)"],"restaurant":"\#(Self.restaurant)","reason":"x"}"#
    try tell(event("access.revoked", data))
    #expect(try ledger.current(caller).restaurants.isEmpty)
    #expect(!ledger.hasEnded(caller))
    try tell(event("access.restored", data, id: "2"))
    #expect(try ledger.current(caller) == caller)
  }

  @Test func `A channel that is late does not suspend again what has been resumed`() throws {
    let data = #"{"restaurant":"\#(Self.restaurant)","reason":"x"}"#
    try tell(event("access.revoked", data, id: "1"))
    #expect(ledger.isSuspended(Self.restaurant, for: caller))
    try tell(event("access.restored", data, id: "2"))
    try tell(event("access.revoked", data, on: "kitchen:\(Self.restaurant)", id: "1"))
    #expect(!ledger.isSuspended(Self.restaurant, for: caller))
    // A channel that is early is believed, one that comes after an hour is not.
    try tell(
      event("access.revoked", data, on: "kitchen:\(Self.restaurant)", id: "3", at: "2023-11-14T21:00:00.000000Z"))
    #expect(!ledger.isSuspended(Self.restaurant, for: caller))
    try tell(event("access.revoked", data, on: "kitchen:\(Self.restaurant)", id: "4"))
    #expect(ledger.isSuspended(Self.restaurant, for: caller))
  }

  @Test func `It begins anew with what the database says, and forgets what no token can need`() throws {
    try tell(event("access.revoked", #"{"restaurant":"\#(Identifier.fresh())","reason":"x"}"#))
    let state = try JSON.parse(
      Array(
        """
        {"head":7,"suspended":["\(Self.restaurant)"],
         "changes":[{"id":"9","name":"access.revoked","data":{"sessions":["\(Self.session)"],"reason":"logout"}}]}
        """.utf8))
    #expect(ledger.replace(with: state, now: now) == 7)
    #expect(ledger.position == 7)
    #expect(ledger.hasEnded(caller) && ledger.isSuspended(Self.restaurant, for: caller))
    ledger.reached(8)
    ledger.forget(now: now + AccessLedger.lifetime - 1)
    #expect(ledger.hasEnded(caller))
    ledger.forget(now: now + AccessLedger.lifetime)
    #expect(!ledger.hasEnded(caller) && ledger.isSuspended(Self.restaurant, for: caller))
    #expect(ledger.position == 8)
  }

  @Test(arguments: ["order.created", "accessory.made", "access"])
  func `Other events change no rights`(name: String) {
    #expect(AccessChange(event(name, #"{"sessions":[]}"#)) == nil)
  }

  @Test(arguments: ["[]", "{}", "null", #"{"sessions":7}"#, "{"])
  func `What is not a change is none`(data: String) {
    #expect(AccessChange(event("access.revoked", data)) == nil)
  }
}
