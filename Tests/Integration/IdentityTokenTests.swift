// Tokens that must not be believed, at each place where a token is shown: a request, a handshake's header, a handshake's
// subprotocol, an `auth` message (domain.md §1, wire.md §2, RFC 8725).
import Foundation
import Testing
import TestSupport

@Suite struct IdentityTokenTests {
  private static let header = #"{"alg":"HS256","typ":"JWT"}"#

  private static let kinds = [
    "expired", "not yet valid", "of another issuer", "for another audience", "a refresh token", "without typ",
    "without exp", "with exp as text", "without nbf", "with a role that is none", "with a subject that is none",
    "alg none, unsigned", "alg none, signed", "alg None", "alg HS512", "alg RS256", "alg twice", "without alg",
    "with crit", "with a key in its header", "of another key", "with claims changed", "with another's signature",
    "with half a signature", "without signature", "of two parts", "of four parts", "with padding", "too long", "empty",
    "no token at all", "claims that are no object", "claims that are no JSON",
  ]

  /// A token at fault in the named way only.
  private func forged(_ kind: String) throws -> String {
    let forge = try RestHub.shared.forge
    var claims = TokenForge.claims(role: "manager", restaurants: [SharedHub.demoRestaurant])
    let now = Int(Date().timeIntervalSince1970)
    let good = try forge.sign(claims)
    let parts = good.split(separator: ".").map(String.init)
    func raw(_ claims: String) -> String {
      let signed = TokenForge.base64URL(Array(Self.header.utf8)) + "." + TokenForge.base64URL(Array(claims.utf8))
      return signed + "." + TokenForge.base64URL(TokenForge.authenticationCode(Array(signed.utf8), key: forge.secret))
    }
    switch kind {
    case "expired": claims["exp"] = now - 1
    case "not yet valid": claims["nbf"] = now + 60
    case "of another issuer": claims["iss"] = "club"
    case "for another audience": claims["aud"] = "club"
    case "a refresh token": claims["typ"] = "refresh"
    case "without typ": claims["typ"] = nil
    case "without exp": claims["exp"] = nil
    case "with exp as text": claims["exp"] = "\(now + 600)"
    case "without nbf": claims["nbf"] = nil
    case "with a role that is none": claims["role"] = "root"
    case "with a subject that is none": claims["sub"] = "manager"
    case "alg none, unsigned": return try TokenForge.unsigned(claims, header: #"{"alg":"none","typ":"JWT"}"#) + "."
    case "alg none, signed": return try forge.sign(claims, header: #"{"alg":"none","typ":"JWT"}"#)
    case "alg None": return try forge.sign(claims, header: #"{"alg":"None"}"#)
    case "alg HS512": return try forge.sign(claims, header: #"{"alg":"HS512","typ":"JWT"}"#)
    case "alg RS256": return try forge.sign(claims, header: #"{"alg":"RS256","typ":"JWT"}"#)
    case "alg twice": return try forge.sign(claims, header: #"{"alg":"HS256","alg":"HS256"}"#)
    case "without alg": return try forge.sign(claims, header: #"{"typ":"JWT"}"#)
    case "with crit": return try forge.sign(claims, header: #"{"alg":"HS256","crit":"exp"}"#)
    case "with a key in its header": return try forge.sign(claims, header: #"{"alg":"HS256","jwk":{"k":"AAAA"}}"#)
    case "of another key": return try TokenForge(secret: Array(repeating: 0, count: 32)).sign(claims)
    case "with claims changed":
      claims["role"] = "platform_owner"
      return try TokenForge.unsigned(claims, header: Self.header) + "." + parts[2]
    case "with another's signature":
      claims["sub"] = UUID().uuidString
      return "\(parts[0]).\(parts[1]).\(try forge.sign(claims).split(separator: ".")[2])"
    case "with half a signature": return "\(parts[0]).\(parts[1]).\(parts[2].prefix(20))"
    case "without signature": return "\(parts[0]).\(parts[1])."
    case "of two parts": return "\(parts[0]).\(parts[1])"
    case "of four parts": return good + ".AAAA"
    case "with padding": return good + "="
    case "too long": return raw(#"{"iss":"hub","pad":"\#(String(repeating: "x", count: 6500))"}"#)
    case "empty": return ".."
    case "no token at all": return "secret"
    case "claims that are no object": return raw("[1]")
    case "claims that are no JSON": return raw("{\"iss\":\"hub\",")
    default: throw SupportError("no kind \(kind)")
    }
    return try forge.sign(claims)
  }

  @Test func `The forge makes good tokens, so that only the named fault is tested`() throws {
    let shared = try RestHub.shared
    let good = try shared.forge.sign(TokenForge.claims(role: "manager", restaurants: [SharedHub.demoRestaurant]))
    for scheme in ["Bearer", "bearer", "BEARER"] {
      #expect(
        try shared.hub.request("GET", "/api/v1/auth/me", headers: ["Authorization": "\(scheme) \(good)"]).status == 200)
    }
    let path = "/ws/kitchen/\(SharedHub.demoRestaurant)"
    #expect(
      try RawWebSocket(port: shared.hub.port, path: path, token: good).next("subscribed")["offset"].integer != nil)
    // FIPS 180-4's own example.
    let digest = TokenForge.sha256(Array("abc".utf8)).map { String(format: "%02x", $0) }.joined()
    #expect(digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func `A token that must not be believed is refused wherever it is shown`() throws {
    let bystander = try Bystander(at: RestHub.shared)
    for kind in Self.kinds {
      let token = try forged(kind)
      let code = kind == "expired" ? "token_expired" : "invalid_token"
      let answer = try bystander.house.call("GET", "auth/me", as: token)
      expectProblem(answer, 401, code, kind)
      #expect(answer.header("WWW-Authenticate")?.hasPrefix("Bearer") == true, "\(kind)")
      #expect(!answer.text.contains(token), "\(kind)")

      let shown = RawHandshake(path: "/ws", headers: ["Authorization": "Bearer \(token)"])
      expectProblem(try shown.send(to: bystander.port), 401, code, kind)
      // "=" is no character of a subprotocol's name (RFC 6455 §4.1), so the handshake itself is at fault.
      let offered = RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Protocol": "hub.v1, bearer.\(token)"])
      let refused = try offered.send(to: bystander.port)
      let isNoName = kind == "with padding"
      expectProblem(refused, isNoName ? 400 : 401, isNoName ? "bad_handshake" : code, kind)

      let socket = try RawWebSocket(port: bystander.port, path: "/ws")
      #expect(try socket.next("welcome")["user"].isNull)
      try socket.send(["type": "auth", "token": token])
      #expect(try socket.receiveClose().closeCode == 4401, "\(kind)")
      try bystander.expectUndisturbed(kind)
    }
  }

  @Test(arguments: ["Basic bWFuYWdlcg==", "Bearer", "Bearer ", "Token abc", "abc", ""])
  func `An Authorization of another kind is 401`(value: String) throws {
    let shared = try RestHub.shared
    let answer = try shared.hub.request("GET", "/api/v1/auth/me", headers: ["Authorization": value])
    expectProblem(answer, 401)
    expectProblem(try RawHandshake(path: "/ws", headers: ["Authorization": value]).send(to: shared.hub.port), 401)
  }

  @Test(arguments: ["token", "access_token", "jwt", "authorization", "%74oken"])
  func `A token in the address is refused, since addresses end in logs`(name: String) throws {
    let shared = try RestHub.shared
    let good = try shared.forge.token(role: "manager", restaurants: [SharedHub.demoRestaurant])
    for path in ["/ws", "/ws/kitchen/\(SharedHub.demoRestaurant)"] {
      let answer = try RawHandshake(path: "\(path)?\(name)=\(good)").send(to: shared.hub.port)
      expectProblem(answer, 400, "token_in_query")
      #expect(!answer.text.contains(good))
    }
    // Elsewhere it is no parameter, so it signs nobody in.
    expectProblem(try shared.hub.request("GET", "/api/v1/auth/me?\(name)=\(good)"), 401, "unauthorized")
  }

  @Test func `A made token says who without an account; a ramp's token opens its ramp and nothing else`() throws {
    let shared = try RestHub.shared
    let (user, ramp) = (UUID().uuidString.lowercased(), UUID().uuidString.lowercased())
    try shared.foreign().execute("INSERT INTO app.ramp (id) VALUES ($1), (gen_random_uuid())", [ramp])
    let me = try shared.hub.request(
      "GET", "/api/v1/auth/me",
      token: shared.forge.token(role: "till", restaurants: [SharedHub.demoRestaurant], user: user))
    #expect(me.document["id"].string == user && me.document["role"].string == "till" && me.document["email"].isNull)
    var claims = TokenForge.claims(role: "ramp")
    claims["ramp"] = ramp
    let token = try shared.forge.sign(claims)
    #expect(
      try shared.hub.request("GET", "/api/v1/channels/ramp:\(ramp)", token: token).document["snapshot"]["id"].string
        == ramp)
    let other = try shared.foreign().execute("SELECT id FROM app.ramp WHERE id <> $1 LIMIT 1", [ramp])[0][0]
    for path in ["channels/ramp:\(other)", "channels/kitchen:\(SharedHub.demoRestaurant)"] {
      expectProblem(try shared.hub.request("GET", "/api/v1/\(path)", token: token), 404, "not_found", path)
    }
    let manager = try shared.forge.token(role: "manager", restaurants: [SharedHub.demoRestaurant])
    expectProblem(try shared.hub.request("GET", "/api/v1/channels/ramp:\(ramp)", token: manager), 404, "not_found")
  }
}
