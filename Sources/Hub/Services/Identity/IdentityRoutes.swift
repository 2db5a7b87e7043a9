// The routes of signing in and out. They are open to anyone, since whoever calls them has no access token yet or no
// longer; each looks at what it is given instead. The shorter paths are those of the older service's clients.

extension Router {
  package mutating func addIdentity() {
    for base in ["/api/v1/auth", "/api/auth"] {
      // Checking a password takes long: no transaction, and so no database connection, is held meanwhile.
      action("POST", "\(base)/login", access: .anyone, IdentityService.login)
      command("POST", "\(base)/refresh", access: .anyone, IdentityService.refresh)
      command("POST", "\(base)/logout", access: .anyone, IdentityService.logout)
    }
    read("/api/v1/auth/me", IdentityService.me)
  }
}
