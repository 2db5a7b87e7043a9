// Signing in, staying signed in, signing out (domain.md §1). A session is a row with the id of its newest refresh
// token; a refresh token that was used before is a stolen one, or its thief is the faster: the session ends. Roles and
// restaurants are read anew at each refresh, so a token's rights are at most 15 minutes old.
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
    let found =
      if let address = email.flatMap({ EmailAddress($0) }) {
        try await IdentityQueries.user(address, database)
      } else { nil as (member: Member, passwordHash: String)? }
    // An account that does not exist costs a verification too, so that the time does not tell (domain.md §1).
    guard try await request.services.passwords.verify(password, against: found?.passwordHash), let found else {
      throw refusal
    }
    let session = request.services.newIdentifier()
    let tokens = SignedTokens(for: found.member, session: session, request.services)
    _ = try await database.rows(
      IdentityQueries.insertSession(
        session, of: found.member.id, refreshID: tokens.refreshID, seconds: TokenIssuer.refreshSeconds))
    return tokens.answer(found.member)
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
