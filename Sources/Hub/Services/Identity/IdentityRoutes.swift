// The routes of signing in and out. The shorter paths are those of the older service's clients.

extension Router {
  package mutating func addIdentity() {
    for base in ["/api/v1/auth", "/api/auth"] {
      command("POST", "\(base)/login", access: .anyone, IdentityService.login)
      command("POST", "\(base)/refresh", access: .anyone, IdentityService.refresh)
      command("POST", "\(base)/logout", access: .anyone, IdentityService.logout)
    }
    read("/api/v1/auth/me", IdentityService.me)
  }
}
