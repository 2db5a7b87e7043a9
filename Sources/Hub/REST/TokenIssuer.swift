// Access and refresh tokens: JWTs signed with the data folder's secret. A token says who, as what, where and until when;
// reading one back checks its kind, issuer, audience and times (RFC 7519 §4.1).
package import Crypto
package import Domain
import Protocol

package struct TokenIssuer: Sendable {
  package enum Kind: String, Sendable { case access, refresh }

  package enum Refusal: Error, Equatable, Sendable {
    case malformed, expired, notYetValid, otherKind
  }

  package static let accessSeconds: Int64 = 15 * 60
  package static let refreshSeconds: Int64 = 24 * 60 * 60
  private static let issuer = "hub"
  private static let audience = "hub"
  /// Clocks of two nodes may differ by so much.
  private static let leeway: Int64 = 5
  /// What RFC 3339 can write, so that no arithmetic with a token's times overflows.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799

  private let key: HMACKey

  package init(key: HMACKey) { self.key = key }

  /// Signs a token for `caller`, good until `caller.expires`. `tokenID` goes into `jti` (refresh tokens).
  package func issue(_ kind: Kind, for caller: Caller, now: Int64, tokenID: Identifier? = nil) -> String {
    var claims: [(String, JSON)] = [
      ("iss", .string(Self.issuer)), ("aud", .string(Self.audience)), ("typ", .string(kind.rawValue)),
      ("sub", .string(caller.userID.description)), ("role", .string(caller.role.rawValue)),
      ("restaurants", .array(caller.restaurants.map { .string($0.description) })),
      ("iat", .integer(now)), ("nbf", .integer(now)), ("exp", .integer(caller.expires)),
    ]
    if let session = caller.sessionID { claims.append(("sid", .string(session.description))) }
    if let ramp = caller.rampID { claims.append(("ramp", .string(ramp.description))) }
    if let tokenID { claims.append(("jti", .string(tokenID.description))) }
    let bytes = JSON(members: claims).serialised()
    return WebToken.sign(claims: bytes.span.bytes, with: key)
  }

  /// Reads a token back; throws when it is not one of ours, of another kind, or not valid at `now`.
  package func read(_ token: String, as kind: Kind, now: Int64) throws(Refusal) -> (
    caller: Caller, tokenID: Identifier?
  ) {
    let text = Array(token.utf8)
    let claims: JSON
    do {
      claims = try JSON.parse(try WebToken.verify(text.span.bytes, with: key))
    } catch {
      throw .malformed
    }
    guard claims["iss"]?.string == Self.issuer, claims["aud"]?.string == Self.audience,
      let subject = claims["sub"]?.string.flatMap({ Identifier($0) }),
      let role = claims["role"]?.string.flatMap({ Role(rawValue: $0) }),
      let expires = claims["exp"]?.int64, Self.times.contains(expires),
      let notBefore = claims["nbf"]?.int64, Self.times.contains(notBefore)
    else { throw .malformed }
    guard claims["typ"]?.string == kind.rawValue else { throw .otherKind }
    guard now < expires else { throw .expired }
    guard now + Self.leeway >= notBefore else { throw .notYetValid }
    let restaurants = (claims["restaurants"]?.array ?? []).compactMap { $0.string.flatMap { Identifier($0) } }
    let caller = Caller(
      userID: subject, role: role, restaurants: restaurants,
      sessionID: claims["sid"]?.string.flatMap { Identifier($0) },
      rampID: claims["ramp"]?.string.flatMap { Identifier($0) }, expires: expires)
    return (caller, claims["jti"]?.string.flatMap { Identifier($0) })
  }
}
