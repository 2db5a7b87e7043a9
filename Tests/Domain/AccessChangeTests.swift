// Whom a change of rights concerns, and what it costs them (domain.md §1).
import Testing

@testable import Domain

@Suite struct AccessChangeTests {
  private static let session = Identifier(high: 1, low: 1)
  private static let here = Identifier(high: 2, low: 2)
  private static let there = Identifier(high: 3, low: 3)

  private func caller(_ role: Role, session: Identifier? = Self.session) -> Caller {
    Caller(userID: Identifier(high: 9, low: 9), role: role, restaurants: [Self.here], sessionID: session, expires: .max)
  }

  private func change(_ sessions: [Identifier]?, _ restaurant: Identifier?, restored: Bool = false) -> AccessChange? {
    AccessChange(sessions: sessions, restaurant: restaurant, isRestored: restored, reason: "test")
  }

  @Test func `A session that ends takes everything, from its own caller only`() {
    let ended = change([Self.there, Self.session], nil)
    #expect(ended?.loss(of: caller(.manager)) == .session)
    #expect(ended?.loss(of: caller(.platformOwner)) == .session)
    #expect(ended?.loss(of: caller(.manager, session: Self.here)) == nil)
    #expect(ended?.loss(of: caller(.kitchen, session: nil)) == nil)
  }

  @Test func `A membership takes its restaurant`() {
    let left = change([Self.session], Self.here)
    #expect(left?.loss(of: caller(.manager)) == .membership(Self.here))
    #expect(left?.loss(of: caller(.manager, session: nil)) == nil)
    #expect(caller(.manager).leaving([Self.here]).restaurants.isEmpty)
    #expect(caller(.manager).leaving([Self.there]) == caller(.manager))
  }

  @Test(arguments: Role.allCases) func `A suspended restaurant is lost to everybody but a platform owner`(role: Role) {
    let suspended = change(nil, Self.here)
    #expect(suspended?.loss(of: caller(role, session: nil)) == (role == .platformOwner ? nil : .suspended(Self.here)))
  }

  @Test func `What comes back takes nothing, and what names nobody is no change`() {
    #expect(change(nil, Self.here, restored: true)?.loss(of: caller(.manager)) == nil)
    #expect(change([Self.session], Self.here, restored: true)?.loss(of: caller(.manager)) == nil)
    #expect(change(nil, nil) == nil)
  }
}
