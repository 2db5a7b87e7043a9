// Signing in, staying signed in, signing out (domain.md §1). A session is a row with the id of its newest refresh
// token; a refresh token that was used before is a stolen one, or its thief is the faster: the session ends. Rights that
// come are read at the next refresh; rights that go end at once (Services/Access).
import Domain
import Postgres
import Protocol

enum IdentityService {
  static func login(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    var fields = Fields(request.body)
    let email = fields.text("email")
    let password = fields.text("password")
    for (field, value) in [("email", email), ("password", password)] where value == nil {
      if !fields.faults.contains(where: { $0.field == field }) { fields.refuse(field, "required", "This is needed.") }
    }
    try fields.check()
    guard let password, password.utf8.count <= PasswordPolicy.maximumBytes else { throw refusal }
    let address = email.flatMap { EmailAddress($0) }
    var found = try await user(address, database)
    // An account that does not exist costs a verification too, so that the time does not tell (domain.md §1).
    guard try await request.services.passwords.verify(password, against: found?.passwordHash),
      let hash = found?.passwordHash
    else { throw refusal }
    // Rights that change while the password is being checked are read anew; nobody signs in with those of before.
    for _ in 0..<3 {
      guard let current = found, current.passwordHash == hash else { throw refusal }
      let session = request.services.newIdentifier()
      let tokens = SignedTokens(for: current.member, session: session, request.services)
      if try await IdentityQueries.insertSession(
        session, of: current.member.id, rights: current.rights, refreshID: tokens.refreshID,
        seconds: TokenIssuer.refreshSeconds, database)
      {
        return tokens.answer(current.member)
      }
      found = try await user(address, database)
    }
    throw .unavailable("The account is being changed; try again.")
  }

  private static func user(
    _ address: EmailAddress?, _ database: any Database
  ) async throws(Problem) -> (member: Member, passwordHash: String, rights: Int64)? {
    guard let address else { return nil }
    return try await IdentityQueries.user(address, database)
  }

  static func refresh(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    var fields = Fields(request.body)
    let token = fields.text("refresh_token")
    try fields.check()
    guard let token, let (session, tokenID) = presented(token, request.services) else { throw tokenRefusal }
    let refreshID = request.services.newIdentifier()
    let rotated = try await IdentityQueries.rotate(
      session, from: tokenID, to: refreshID, seconds: TokenIssuer.refreshSeconds, transaction)
    if let member = rotated {
      return SignedTokens(for: member, session: session, refreshID: refreshID, request.services).answer(member)
    }
    // Answered, not thrown: a thrown problem would roll the revocation back.
    _ = try await transaction.batch([IdentityQueries.revoke(session, reason: "refresh_reused")])
    let problem = tokenRefusal
    return Answer(status: problem.status, body: problem.document, headers: problem.headers)
  }

  /// Ends the caller's session; with an expired access token, that of the refresh token.
  static func logout(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    var fields = Fields(request.body)
    let token = fields.text("refresh_token")
    try fields.check()
    let session = request.caller?.sessionID ?? token.flatMap { presented($0, request.services)?.session }
    if let session {
      _ = try await transaction.batch([IdentityQueries.revoke(session, reason: "logout")])
    } else if request.caller == nil {
      throw .unauthorized()
    }
    return .noContent
  }

  /// The signed-in user or device as it is now; of a token that was made without either, what the token says.
  static func me(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let caller = try request.signedIn
    if let document = try await IdentityQueries.document(of: caller, database) { return .ok(document) }
    let document: JSON = [
      "id": .string(caller.userID.description), "email": nil, "name": nil, "role": .string(caller.role.rawValue),
      "restaurants": .array(caller.restaurants.map { .string($0.description) }),
    ]
    return .ok(document.serialised())
  }

  /// What a refresh token that is still valid names.
  private static func presented(
    _ token: String, _ services: Services
  ) -> (session: Identifier, tokenID: Identifier)? {
    guard let (caller, tokenID) = try? services.tokens.read(token, as: .refresh, now: services.now),
      let session = caller.sessionID, let tokenID
    else { return nil }
    return (session, tokenID)
  }

  private static var refusal: Problem {
    var problem = Problem.unauthorized("Email or password is wrong.")
    problem.code = "invalid_credentials"
    return problem
  }

  private static var tokenRefusal: Problem {
    var problem = Problem.unauthorized("The refresh token is expired, was used before or belongs to an ended session.")
    problem.code = "invalid_refresh_token"
    return problem
  }
}
