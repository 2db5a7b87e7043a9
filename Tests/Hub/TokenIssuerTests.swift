// Tokens read back what they were issued for, and nothing else is believed.
import Crypto
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct TokenIssuerTests {
  private static let key = HMACKey([UInt8](repeating: 7, count: 32).span.bytes)
  private let issuer = TokenIssuer(key: key)
  private let now: Int64 = 1_800_000_000

  private func caller(_ role: Role = .manager, restaurants: Int = 2, ramp: Bool = false, expires: Int64) -> Caller {
    Caller(
      userID: .fresh(), role: role, restaurants: (0..<restaurants).map { _ in .fresh() },
      sessionID: ramp ? nil : .fresh(), rampID: ramp ? .fresh() : nil, expires: expires)
  }

  private func sign(_ claims: [(String, JSON)]) -> String {
    let bytes = JSON(members: claims).serialised()
    return WebToken.sign(claims: bytes.span.bytes, with: Self.key)
  }

  /// The claims of a good access token, to be spoilt one by one.
  private func claims(changing name: String? = nil, to value: JSON? = nil) -> [(String, JSON)] {
    let good: [(String, JSON)] = [
      ("iss", .string("hub")), ("aud", .string("hub")), ("typ", .string("access")),
      ("sub", .string("01900000-0000-7000-8000-000000000001")), ("role", .string("manager")),
      ("restaurants", .array([])),
      ("iat", .integer(now)), ("nbf", .integer(now)), ("exp", .integer(now + 900)),
    ]
    return good.compactMap { member in
      if member.0 != name { return member }
      return value.map { (member.0, $0) }
    }
  }

  private func refusal(_ token: String, as kind: TokenIssuer.Kind = .access, now: Int64? = nil) -> TokenIssuer.Refusal?
  {
    do throws(TokenIssuer.Refusal) {
      _ = try issuer.read(token, as: kind, now: now ?? self.now)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: Role.allCases)
  func aTokenSaysWhoItWasIssuedFor(_ role: Role) throws {
    let caller = caller(role, restaurants: 3, ramp: role == .ramp, expires: now + 900)
    let identifier = Identifier.fresh()
    let token = issuer.issue(.access, for: caller, now: now, tokenID: identifier)
    let read = try issuer.read(token, as: .access, now: now)
    #expect(read.caller == caller && read.tokenID == identifier)
  }

  @Test func aTokenIsGoodUntilTheSecondItExpires() {
    let token = issuer.issue(.access, for: caller(expires: now + 900), now: now)
    #expect(refusal(token, now: now + 899) == nil)
    #expect(refusal(token, now: now + 900) == .expired)
  }

  @Test func aTokenOfAnotherNodesFasterClockIsTakenAFewSecondsEarly() {
    let token = issuer.issue(.access, for: caller(expires: now + 900), now: now)
    #expect(refusal(token, now: now - 5) == nil)
    #expect(refusal(token, now: now - 6) == .notYetValid)
  }

  @Test func anAccessTokenRefreshesNothingAndARefreshTokenOpensNothing() {
    let caller = caller(expires: now + 900)
    #expect(refusal(issuer.issue(.access, for: caller, now: now), as: .refresh) == .otherKind)
    #expect(refusal(issuer.issue(.refresh, for: caller, now: now), as: .access) == .otherKind)
  }

  @Test func anotherKeysTokenIsNotBelieved() {
    let other = TokenIssuer(key: HMACKey([UInt8](repeating: 8, count: 32).span.bytes))
    #expect(refusal(other.issue(.access, for: caller(expires: now + 900), now: now)) == .malformed)
  }

  @Test func aTokenWithOneByteChangedIsNotBelieved() {
    let token = Array(issuer.issue(.access, for: caller(expires: now + 900), now: now).utf8)
    for index in token.indices {
      var changed = token
      // The neighbour in the alphabet of base64url; the last letter of a segment also carries bits that must be zero.
      changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      #expect(refusal(String(decoding: changed, as: UTF8.self)) == .malformed, "byte \(index)")
    }
  }

  @Test(arguments: ["", ".", "..", "a.b.c", "hub", "ey.ey.ey", String(repeating: "a", count: 100_000)])
  func whatIsNoTokenIsMalformed(_ text: String) {
    #expect(refusal(text) == .malformed)
  }

  @Test func theClaimsThatTheTestsSpoilAreGood() {
    #expect(refusal(sign(claims())) == nil)
  }

  @Test(arguments: ["iss", "aud", "sub", "role", "nbf", "exp"])
  func aMissingClaimMakesATokenMalformed(_ name: String) {
    #expect(refusal(sign(claims(changing: name))) == .malformed)
    #expect(refusal(sign(claims(changing: name, to: .null))) == .malformed)
    #expect(refusal(sign(claims(changing: name, to: .bool(true)))) == .malformed)
    #expect(refusal(sign(claims(changing: name, to: .string("other")))) == .malformed)
  }

  @Test(arguments: [Int64.max, .min, -1, 253_402_300_800])
  func timesThatNoClockReachesAreMalformedAndOverflowNothing(_ time: Int64) {
    #expect(refusal(sign(claims(changing: "exp", to: .integer(time)))) == .malformed)
    #expect(refusal(sign(claims(changing: "nbf", to: .integer(time)))) == .malformed)
  }

  @Test func aTokenWithoutAKindIsOfAnotherKind() {
    #expect(refusal(sign(claims(changing: "typ"))) == .otherKind)
  }
}
