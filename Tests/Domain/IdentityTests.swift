// Rights by role and restaurant, channels, email addresses, passwords, plain text.
import Domain
import Testing

struct IdentityTests {
  static let here = Identifier(high: 1, low: 1)
  static let elsewhere = Identifier(high: 1, low: 2)
  static let user = Identifier(high: 3, low: 1)
  static let ramp = Identifier(high: 4, low: 1)

  static func caller(_ role: Role, in restaurants: [Identifier]? = nil) -> Caller {
    let own = restaurants ?? (role == .ramp || role == .platformOwner ? [] : [here])
    return Caller(
      userID: user, role: role, restaurants: own, sessionID: role == .ramp ? nil : Identifier(high: 5, low: 1),
      rampID: role == .ramp ? ramp : nil, expires: 1_000)
  }

  static let rights: [(Permission, Set<Role>)] = [
    (.viewRestaurant, [.platformOwner, .restaurantOwner, .manager, .employee, .kitchen, .till]),
    (.viewMenu, [.platformOwner, .restaurantOwner, .manager, .employee, .kitchen, .till]),
    (.changeAvailability, [.platformOwner, .restaurantOwner, .manager, .employee, .kitchen, .till]),
    (.viewTickets, [.platformOwner, .restaurantOwner, .manager, .employee, .kitchen, .till]),
    (.moveTickets, [.platformOwner, .restaurantOwner, .manager, .employee, .kitchen]),
    (.viewOrders, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.createOrders, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.moveOrders, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.cancelOrders, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.viewPayments, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.takePayments, [.platformOwner, .restaurantOwner, .manager, .employee, .till]),
    (.refundPayments, [.platformOwner, .restaurantOwner, .manager]),
    (.editMenu, [.platformOwner, .restaurantOwner, .manager]),
    (.editRestaurant, [.platformOwner, .restaurantOwner, .manager]),
    (.manageStaff, [.platformOwner, .restaurantOwner, .manager]),
    (.manageDevices, [.platformOwner, .restaurantOwner, .manager]),
    (.createRestaurants, [.platformOwner]),
    (.publishEvents, [.platformOwner]),
  ]

  @Test(arguments: Role.allCases)
  func `A role may do what the table says in its own restaurant`(role: Role) {
    let caller = IdentityTests.caller(role, in: [IdentityTests.here])
    for (permission, roles) in IdentityTests.rights {
      #expect(caller.may(permission, in: IdentityTests.here) == roles.contains(role), "\(permission)")
    }
  }

  @Test func `The test's table has every permission`() {
    #expect(Set(IdentityTests.rights.map(\.0)) == Set(Permission.allCases))
  }

  @Test(arguments: Role.allCases)
  func `Another restaurant is invisible to all but the platform's owner`(role: Role) {
    let access = IdentityTests.caller(role).access(.viewRestaurant, in: IdentityTests.elsewhere)
    #expect(access == (role == .platformOwner ? .granted : .invisible))
  }

  @Test func `What is missing in the own restaurant is forbidden`() {
    #expect(IdentityTests.caller(.kitchen).access(.createOrders, in: IdentityTests.here) == .forbidden)
  }

  @Test func `Only the platform's owner acts on the platform`() {
    let allowed = Role.allCases.filter { IdentityTests.caller($0).mayOnPlatform(.createRestaurants) }
    #expect(allowed == [.platformOwner])
  }

  @Test func `A caller of one restaurant may leave it out`() {
    #expect(IdentityTests.caller(.till).onlyRestaurant == IdentityTests.here)
    #expect(IdentityTests.caller(.platformOwner).onlyRestaurant == nil)
    let both = IdentityTests.caller(.employee, in: [IdentityTests.here, IdentityTests.elsewhere])
    #expect(both.onlyRestaurant == nil)
    #expect(both.belongs(to: IdentityTests.elsewhere))
  }

  @Test(arguments: [(999 as Int64, false), (1_000, true), (1_001, true)])
  func `RFC 7519 §4.1.4, a token ends at its expiry`(second: Int64, isExpired: Bool) {
    #expect(IdentityTests.caller(.till).isExpired(at: second) == isExpired)
  }

  // wire.md §1, the table: who may subscribe to which channel of a restaurant that is their own.
  static let channels: [(String, Set<Role>)] = [
    ("restaurant", [.platformOwner, .restaurantOwner, .manager]),
    ("kitchen", [.restaurantOwner, .manager, .employee, .kitchen]),
    ("pos", [.restaurantOwner, .manager, .employee, .till]),
    ("payments", [.restaurantOwner, .manager, .employee, .till]),
  ]

  @Test(arguments: channels)
  func `A restaurant's channel is heard by its roles only`(kind: String, roles: Set<Role>) {
    for role in Role.allCases {
      let caller = IdentityTests.caller(role)
      let own = caller.mayListen(to: kind, IdentityTests.here.description)
      #expect((own == .granted) == roles.contains(role), "\(role)")
      let other = caller.mayListen(to: kind, IdentityTests.elsewhere.description)
      #expect((other == .granted) == (role == .platformOwner && kind == "restaurant"), "\(role)")
    }
  }

  @Test func `A missing right is forbidden at home and invisible elsewhere`() {
    let kitchen = IdentityTests.caller(.kitchen)
    #expect(kitchen.mayListen(to: "pos", IdentityTests.here.description) == .forbidden)
    #expect(kitchen.mayListen(to: "pos", IdentityTests.elsewhere.description) == .invisible)
    let owner = IdentityTests.caller(.platformOwner)
    #expect(owner.mayListen(to: "kitchen", IdentityTests.here.description) == .forbidden)
    let member = IdentityTests.caller(.platformOwner, in: [IdentityTests.here])
    #expect(member.mayListen(to: "kitchen", IdentityTests.here.description) == .granted)
  }

  @Test func `A ramp is heard with its token or by its owner`() {
    let ramp = IdentityTests.ramp.description
    #expect(IdentityTests.caller(.ramp).mayListen(to: "ramp", ramp) == .granted)
    #expect(IdentityTests.caller(.ramp).mayListen(to: "ramp", IdentityTests.here.description) == .invisible)
    #expect(IdentityTests.caller(.employee).mayListen(to: "ramp", ramp, owner: IdentityTests.user) == .granted)
    #expect(IdentityTests.caller(.employee).mayListen(to: "ramp", ramp, owner: IdentityTests.here) == .invisible)
    #expect(IdentityTests.caller(.platformOwner).mayListen(to: "ramp", ramp) == .invisible)
    #expect(IdentityTests.caller(.ramp).mayListen(to: "kitchen", IdentityTests.here.description) == .invisible)
  }

  @Test func `The platform and accounts are heard by the platform's owner`() {
    for role in Role.allCases {
      let caller = IdentityTests.caller(role)
      #expect((caller.mayListen(to: "platform", "") == .granted) == (role == .platformOwner))
      #expect((caller.mayListen(to: "account", "7") == .granted) == (role == .platformOwner))
    }
  }

  @Test(arguments: [("nonsense", "x"), ("kitchen", "not-an-id"), ("ramp", ""), ("platform", "x"), ("", "")])
  func `A channel that cannot be is invisible`(kind: String, id: String) {
    for role in Role.allCases { #expect(IdentityTests.caller(role).mayListen(to: kind, id) == .invisible) }
  }

  @Test(arguments: [
    (" Owner@Demo.TEST ", "owner@demo.test"), ("a.b+c@x-y.example.co", "a.b+c@x-y.example.co"),
    ("o'neil@example.com", "o'neil@example.com"),
  ])
  func `An address is normalised`(text: String, address: String) {
    #expect(EmailAddress(text)?.description == address)
  }

  @Test(arguments: [
    "", "@", "a@", "@b.c", "a@b", "a@@b.c", "a b@c.d", ".a@b.c", "a.@b.c", "a..b@c.d", "a@-b.c", "a@b-.c", "a@b..c",
    "a@.b", "ä@b.c", "\u{212A}elvin@b.c", "a@b.c\u{0}", "\"a\"@b.c", "a@[1.2.3.4]", "a@b_c.d",
    String(repeating: "a", count: 65) + "@b.c", "a@" + String(repeating: "b", count: 64) + ".c",
    "a@" + String(repeating: "b.", count: 130) + "c",
  ])
  func `What is no address is refused`(text: String) {
    #expect(EmailAddress(text) == nil)
  }

  @Test(arguments: [
    ("demo-demo-demo", true), ("correct horse", true), ("пароль-длинный", true), ("short", false),
    ("123456789", false), ("aaaaaaaaaaaa", false), ("abcabcabcabc", false), ("Owner@demo.test", false),
    (String(repeating: "abcd", count: 128), true), (String(repeating: "abcd", count: 128) + "e", false),
  ])
  func `A password is long, not one key held down and not the address`(password: String, isGood: Bool) {
    #expect((PasswordPolicy.objection(to: password, for: EmailAddress("owner@demo.test")) == nil) == isGood)
  }

  @Test func `A name is trimmed, present and short enough`() throws {
    #expect(try PlainText.name.require("  Demo Bistro\u{A0}") == "Demo Bistro")
    #expect(try PlainText.name.require(String(repeating: "名", count: 100)).unicodeScalars.count == 100)
    #expect(throws: FaultCode.textMissing) { try PlainText.name.require(" \t ") }
    #expect(throws: FaultCode.textTooLong) { try PlainText.name.require(String(repeating: "n", count: 101)) }
    #expect(throws: FaultCode.invalidText) { try PlainText.name.require("a\nb") }
    #expect(throws: FaultCode.invalidText) { try PlainText.orderNote.accept("a\u{1B}[2Jb") }
    #expect(try PlainText.orderNote.accept("a\nb") == "a\nb")
  }
}
