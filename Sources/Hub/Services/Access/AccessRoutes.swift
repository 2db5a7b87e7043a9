// The routes by which rights end: sessions, users, devices, restaurants. Signing out is Identity's.

extension Router {
  package mutating func addAccess() {
    read("/api/v1/auth/sessions", AccessService.sessions)
    command("DELETE", "/api/v1/auth/sessions/{id}", AccessService.endSession)
    command("PATCH", "/api/v1/users/{id}", AccessService.changeUser)
    command("DELETE", "/api/v1/restaurants/{id}/members/{user}", AccessService.removeMember)
    command("DELETE", "/api/v1/devices/{id}", AccessService.removeDevice)
    command("POST", "/api/v1/restaurants/{id}/suspend") { (request, transaction) async throws(Problem) in
      try await AccessService.turn(request, transaction, active: false)
    }
    command("POST", "/api/v1/restaurants/{id}/resume") { (request, transaction) async throws(Problem) in
      try await AccessService.turn(request, transaction, active: true)
    }
  }
}
