// Signing in, refreshing, signing out: domain.md §1.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct IdentityTests {
  private func signIn(
    _ email: String = "waiter@demo.test", _ password: String = DemoData.password
  ) async throws -> Reply {
    try await Business.shared().call(
      "POST", "/auth/login", ["email": .string(email), "password": .string(password)], as: nil)
  }

  private func refresh(_ token: JSON?) async throws -> Reply {
    try await Business.shared().call("POST", "/auth/refresh", ["refresh_token": token ?? nil], as: nil)
  }

  @Test func `Email and password give a pair of tokens and the user`() async throws {
    let reply = try await signIn(" Waiter@Demo.Test ")
    #expect(reply.status == 200)
    #expect(reply["token_type"] == "Bearer")
    #expect(reply["expires_in"] == 900)
    #expect(reply["user"]?["role"] == "employee")
    #expect(reply["user"]?["restaurants"] == [.string(DemoData.restaurant)])
    let services = try await Business.shared().services
    let (caller, _) = try services.tokens.read(
      reply["access_token"]?.string ?? "", as: .access, now: services.now)
    #expect(caller.role == .employee)
    #expect(caller.restaurants.map(\.description) == [DemoData.restaurant])
  }

  @Test(arguments: [("waiter@demo.test", "wrong"), ("nobody@demo.test", "wrong"), ("no address", "wrong"), ("", "")])
  func `A wrong password and an unknown account get the same answer`(email: String, password: String) async throws {
    let reply = try await signIn(email, password)
    #expect(reply.status == 401)
    #expect(reply.code == "invalid_credentials")
  }

  @Test func `What is missing at sign-in is named`() async throws {
    let reply = try await Business.shared().call("POST", "/auth/login", ["email": 5], as: nil)
    #expect(reply.status == 422)
    #expect(reply.faults == ["email invalid_type", "password required"])
  }

  @Test func `A refresh token is good once, and its second use ends the session`() async throws {
    let first = try await signIn()
    let second = try await refresh(first["refresh_token"])
    #expect(second.status == 200)
    #expect(try await refresh(first["refresh_token"]).status == 401)
    #expect(try await refresh(second["refresh_token"]).status == 401)
  }

  @Test func `An access token does not refresh`() async throws {
    #expect(try await refresh(signIn()["access_token"]).status == 401)
  }

  @Test func `Signing out ends the session`() async throws {
    let reply = try await signIn("owner@demo.test")
    let services = try await Business.shared().services
    let (caller, _) = try services.tokens.read(reply["access_token"]?.string ?? "", as: .access, now: services.now)
    #expect(try await Business.shared().call("POST", "/auth/logout", as: caller).status == 204)
    #expect(try await refresh(reply["refresh_token"]).status == 401)
  }

  @Test func `Signing out needs to know who`() async throws {
    #expect(try await Business.shared().call("POST", "/auth/logout", as: nil).status == 401)
  }

  @Test func `Me is the user as it is now, or what a made token says`() async throws {
    let business = try await Business.shared()
    let reply = try await signIn("manager@demo.test")
    let id = reply["user"]?["id"]?.string.flatMap { Identifier($0) }
    let caller = Caller(
      userID: try #require(id), role: .manager, restaurants: [], sessionID: nil, expires: .max)
    #expect(await business.call("GET", "/auth/me", as: caller)["name"] == "Martin Manager")
    let made = await business.call("GET", "/auth/me", as: .of(.till, DemoData.restaurant))
    #expect(made["role"] == "till")
    #expect(made["email"] == .some(.null))
  }

  @Test func `The demo data can be installed again`() async throws {
    let business = try await Business.shared()
    try await business.installDemo()
    let products = try await business.value(
      "SELECT count(*) FROM app.product WHERE restaurant_id = '\(DemoData.restaurant)'")
    #expect(products == "24")
  }
}
