// Signing in, staying signed in, signing out, over HTTP (domain.md §1).
import Foundation
import Testing
import TestSupport

@Suite struct IdentitySessionTests {
  private static let password = "demo-demo-demo"

  private func post(
    _ path: String, _ body: [String: Any], token: String? = nil, base: String = "/api/v1/auth"
  ) throws -> RawAnswer {
    let data = try JSONSerialization.data(withJSONObject: body)
    return try RestHub.shared.hub.request(
      "POST", "\(base)/\(path)", token: token, body: String(decoding: data, as: UTF8.self))
  }

  private func signIn(_ email: String = "manager@demo.test", base: String = "/api/v1/auth") throws -> Document {
    let answer = try post("login", ["email": email, "password": Self.password], base: base)
    try #require(answer.status == 200, "\(answer.text)")
    return answer.document
  }

  private func me(_ token: Document) throws -> RawAnswer {
    try RestHub.shared.hub.request("GET", "/api/v1/auth/me", token: token.string)
  }

  @Test(arguments: ["/api/v1/auth", "/api/auth"])
  func `Email and password give a pair of tokens, by both paths`(base: String) throws {
    let answer = try post("login", ["email": " Manager@Demo.test ", "password": Self.password], base: base)
    let document = answer.document
    #expect(answer.status == 200 && answer.header("Cache-Control") == "no-store")
    #expect(document.names == ["access_token", "refresh_token", "token_type", "expires_in", "user"])
    #expect(document["token_type"].string == "Bearer" && document["expires_in"].integer == 900)
    #expect(document["user"].names == ["id", "email", "name", "role", "restaurants"])
    #expect(document["user"]["role"].string == "manager")
    #expect(document["user"]["restaurants"].array.map(\.string) == [SharedHub.demoRestaurant])
    #expect("\(try me(document["access_token"]).document)" == "\(document["user"])")
    #expect(!answer.text.contains("password"))
    let refreshed = try post("refresh", ["refresh_token": document["refresh_token"].string ?? ""], base: base)
    #expect(refreshed.status == 200)
    #expect(try post("logout", [:], token: refreshed.document["access_token"].string, base: base).status == 204)
  }

  @Test func `A wrong password, an unknown account and an impossible address get the same answer in the same time`()
    throws
  {
    func attempt(_ email: String, _ password: String) throws -> (RawAnswer, TimeInterval) {
      let start = Date()
      return (try post("login", ["email": email, "password": password]), Date().timeIntervalSince(start))
    }
    let accounts = ["manager@demo.test", "nobody@demo.test", "no address", "", "manager@demo.test\u{0}"]
    var best = [String: TimeInterval]()
    var texts: Set<String> = []
    for _ in 0..<4 {
      for account in accounts {
        let (answer, seconds) = try attempt(account, "wrong-wrong-wrong")
        expectProblem(answer, 401, "invalid_credentials", account)
        texts.insert(answer.text)
        best[account] = min(best[account] ?? .infinity, seconds)
      }
    }
    #expect(texts.count == 1)
    // The best of several: hashing dominates each, so none is several times as fast as another.
    let times = best.values.sorted()
    #expect(times[0] * 3 > times[times.count - 1], "\(best)")
    expectProblem(try attempt("manager@demo.test", "").0, 401, "invalid_credentials")
    expectProblem(
      try attempt("manager@demo.test", String(repeating: "x", count: 100_000)).0, 401, "invalid_credentials")
  }

  @Test func `What is missing at sign-in is named, all of it`() throws {
    let missing = try post("login", [:])
    expectProblem(missing, 422, "validation_failed")
    #expect(missing.faults == ["email required", "password required"])
    let wrong = try post("login", ["email": 7, "password": ["x"]])
    #expect(wrong.faults == ["email invalid_type", "password invalid_type"])
  }

  @Test func `Somebody who is no longer active cannot sign in or refresh`() throws {
    let shared = try RestHub.shared
    let database = try shared.foreign()
    try database.execute(
      """
      INSERT INTO app.user (id, email, name, role, password_hash)
      SELECT gen_random_uuid(), 'leaver@demo.test', 'Leaver', 'employee', password_hash
      FROM app.user WHERE email = 'waiter@demo.test'
      """)
    let tokens = try signIn("leaver@demo.test")
    try database.execute("UPDATE app.user SET active = false WHERE email = 'leaver@demo.test'")
    expectProblem(
      try post("refresh", ["refresh_token": tokens["refresh_token"].string ?? ""]), 401, "invalid_refresh_token")
    let refused = try post("login", ["email": "leaver@demo.test", "password": Self.password])
    expectProblem(refused, 401, "invalid_credentials")
  }

  @Test func `A refresh token is good once; its second use ends the session for thief and owner`() throws {
    let first = try signIn()["refresh_token"].string ?? ""
    let second = try post("refresh", ["refresh_token": first]).document["refresh_token"].string ?? ""
    #expect(!second.isEmpty && second != first)
    let third = try post("refresh", ["refresh_token": second]).document["refresh_token"].string ?? ""
    #expect(!third.isEmpty)
    expectProblem(try post("refresh", ["refresh_token": first]), 401, "invalid_refresh_token", "reused")
    expectProblem(try post("refresh", ["refresh_token": third]), 401, "invalid_refresh_token", "the session has ended")
    // Another session of the same person goes on.
    #expect(try post("refresh", ["refresh_token": signIn()["refresh_token"].string ?? ""]).status == 200)
  }

  @Test func `Of two who use one refresh token at once at most one goes on`() throws {
    for _ in 0..<5 {
      let token = try signIn()["refresh_token"].string ?? ""
      let good = SharedCount()
      try runConcurrently(4) { _ in
        let answer = try post("refresh", ["refresh_token": token])
        if answer.status == 200 { good.add() } else if answer.status != 401 { throw SupportError(answer.text) }
      }
      #expect(good.value <= 1)
    }
  }

  @Test func `Refreshing reads the restaurants anew; a changed role ends the session, and signing in reads it`() throws
  {
    let shared = try RestHub.shared
    let database = try shared.foreign()
    try database.execute(
      """
      INSERT INTO app.user (id, email, name, role, password_hash)
      SELECT gen_random_uuid(), 'riser@demo.test', 'Riser', 'employee', password_hash
      FROM app.user WHERE email = 'waiter@demo.test'
      """)
    let tokens = try signIn("riser@demo.test")
    #expect(tokens["user"]["role"].string == "employee" && tokens["user"]["restaurants"].array.isEmpty)
    let house = try RestHouse(at: shared)
    try database.execute(
      "INSERT INTO app.membership (user_id, restaurant_id) SELECT id, '\(house.id)' FROM app.user WHERE email = 'riser@demo.test'"
    )
    let joined = try post("refresh", ["refresh_token": tokens["refresh_token"].string ?? ""]).document
    #expect(joined["user"]["restaurants"].array.map(\.string) == [house.id])
    #expect(try house.call("GET", "restaurants/\(house.id)", as: joined["access_token"].string).status == 200)
    try database.execute("UPDATE app.user SET role = 'manager' WHERE email = 'riser@demo.test'")
    expectProblem(
      try post("refresh", ["refresh_token": joined["refresh_token"].string ?? ""]), 401, "invalid_refresh_token")
    let fresh = try signIn("riser@demo.test")
    #expect(fresh["user"]["role"].string == "manager")
    #expect(
      try house.call("PATCH", "restaurants/\(house.id)", #"{"name":"Risen"}"#, as: fresh["access_token"].string).status
        == 200)
  }

  @Test
  func `What needs no token does not mind a bad one: an expired access token must not keep anyone from refreshing`()
    throws
  {
    let expired = try RestHub.shared.forge.token(role: "manager", restaurants: [], lifetime: -60)
    let tokens = try signIn()
    let refreshed = try post("refresh", ["refresh_token": tokens["refresh_token"].string ?? ""], token: expired)
    #expect(refreshed.status == 200, "\(refreshed.text)")
    #expect(
      try post("login", ["email": "manager@demo.test", "password": Self.password], token: "nonsense").status == 200)
    let next = refreshed.document["refresh_token"].string ?? ""
    #expect(try post("logout", ["refresh_token": next], token: expired).status == 204)
    expectProblem(try post("refresh", ["refresh_token": next]), 401, "invalid_refresh_token")
    expectProblem(try post("logout", [:], token: expired), 401)
    expectProblem(try post("logout", [:]), 401, "unauthorized")
  }

  @Test(arguments: ["access", "nonsense", "empty", "missing", "number", "foreign", "expired"])
  func `Only a refresh token refreshes`(kind: String) throws {
    let shared = try RestHub.shared
    var claims = TokenForge.claims(role: "manager", restaurants: [SharedHub.demoRestaurant])
    claims["typ"] = "refresh"
    claims["sid"] = UUID().uuidString
    claims["jti"] = UUID().uuidString
    if kind == "expired" { claims["exp"] = 1 }
    let body: [String: Any] =
      switch kind {
      case "access": ["refresh_token": try signIn()["access_token"].string ?? ""]
      case "nonsense": ["refresh_token": "a.b.c"]
      case "empty": ["refresh_token": ""]
      case "missing": [:]
      case "number": ["refresh_token": 7]
      case "foreign": ["refresh_token": try TokenForge(secret: Array(repeating: 1, count: 32)).sign(claims)]
      default: ["refresh_token": try shared.forge.sign(claims)]
      }
    let answer = try post("refresh", body)
    if kind == "number" {
      expectProblem(answer, 422, "invalid_type")
    } else {
      expectProblem(answer, 401, "invalid_refresh_token")
    }
  }
}
