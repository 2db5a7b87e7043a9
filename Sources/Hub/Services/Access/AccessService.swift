// Ending rights (domain.md §1, §2): one's own sessions, a colleague's role or place, a device, a restaurant. What is
// changed here is a row; that open sockets and tokens follow is the work of its triggers, the feed and CommandRunner.
import Domain
import Postgres
import Protocol

enum AccessService {
  // MARK: One's own sessions

  static func sessions(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    Page.answer(whole: try await AccessQueries.sessions(of: try request.signedIn, database), document: 0)
  }

  static func endSession(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let session = try request.identifier("id", of: "The session")
    guard try await AccessQueries.endSession(session, of: try request.signedIn, transaction) else {
      throw .notFound("The session")
    }
    return .noContent
  }

  // MARK: Colleagues

  /// A new role, or the end of the account. Its sessions end with it: whoever it is signs in again with the new rights.
  static func changeUser(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let user = try request.identifier("id", of: "The user")
    let caller = try request.signedIn
    let current = try await subordinate(user, of: caller, transaction)
    var fields = Fields(request.body)
    let name = fields.text("role")
    let role = name.flatMap { Role(rawValue: $0) }
    if name != nil, role.map({ grantable(by: caller).contains($0) }) != true {
      fields.refuse(
        "role", "invalid_role", "One of \(grantable(by: caller).map(\.rawValue).sorted().joined(separator: ", ")).")
    }
    let active = fields.boolean("active")
    try fields.check()
    // A role counts in every restaurant of its user, so it is not for the owner of one of them to change.
    guard caller.role == .platformOwner || current.restaurants.allSatisfy({ caller.belongs(to: $0) }) else {
      throw .forbidden("The user works in restaurants that are not yours; remove the membership in yours instead.")
    }
    let results = try await transaction.batch([
      AccessQueries.setRole(role, active: active, of: user), AccessQueries.document(of: user),
    ])
    return .ok(results[1][0].bytes(0))
  }

  static func removeMember(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let restaurant = try request.identifier("id", of: "The restaurant")
    let user = try request.identifier("user", of: "The member")
    let caller = try request.require(.manageStaff, in: restaurant)
    let current = try await subordinate(user, of: caller, transaction)
    guard current.restaurants.contains(restaurant) else { throw .notFound("The member") }
    _ = try await transaction.batch([AccessQueries.removeMember(user, from: restaurant)])
    return .noContent
  }

  /// A user whom the caller may take rights from: somebody else, of one of its restaurants, and no platform owner.
  private static func subordinate(
    _ user: Identifier, of caller: Caller, _ transaction: Transaction
  ) async throws(Problem) -> (role: Role, restaurants: [Identifier]) {
    guard let found = try await AccessQueries.lockUser(user, transaction),
      caller.role == .platformOwner || found.restaurants.contains(where: { caller.belongs(to: $0) })
    else { throw .notFound("The user") }
    guard caller.role == .platformOwner || caller.role == .restaurantOwner else { throw .forbidden() }
    guard found.role != .platformOwner, user != caller.userID else {
      throw .forbidden("Nobody takes rights from a platform owner, or from themselves.")
    }
    return found
  }

  /// What a role may make of others: nobody grants more than they have.
  private static func grantable(by caller: Caller) -> Set<Role> { [.restaurantOwner, .manager, .employee] }

  // MARK: Devices and restaurants

  static func removeDevice(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    let device = try request.identifier("id", of: "The device")
    guard let restaurant = try await AccessQueries.lockDevice(device, transaction) else {
      throw .notFound("The device")
    }
    try request.require(.manageDevices, in: restaurant, of: "The device")
    _ = try await transaction.batch([AccessQueries.removeDevice(device)])
    return .noContent
  }

  /// Suspending twice is suspended; an event comes only of a change.
  static func turn(_ request: Request, _ transaction: Transaction, active: Bool) async throws(Problem) -> Answer {
    let restaurant = try request.identifier("id", of: "The restaurant")
    try request.require(.viewRestaurant, in: restaurant)
    guard try request.signedIn.mayOnPlatform(.createRestaurants) else {
      throw .forbidden("Only the platform's owner suspends and resumes restaurants.")
    }
    guard let document = try await AccessQueries.turn(restaurant, active: active, transaction) else {
      throw .notFound("The restaurant")
    }
    return .ok(document)
  }
}
