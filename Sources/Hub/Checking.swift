// What `hub check` needs of an installation's own files: tokens made with its secret, and where its database is.
package import Domain
import EventLoop
import Postgres

/// Makes access tokens of one made-up user, since idempotency keys belong to their caller.
package struct HubTokens: Sendable {
  private let issuer: TokenIssuer
  private let user = Identifier.fresh()

  package init(_ configuration: Configuration) throws {
    issuer = TokenIssuer(key: try Secret.key(at: configuration.secretFile))
  }

  /// The token, and when it ends in seconds since 1970.
  package func token(role: Role, restaurants: [Identifier], seconds: Int64) -> (text: String, ends: Int64) {
    let now = wallClockMicroseconds() / 1_000_000
    let caller = Caller(
      userID: user, role: role, restaurants: restaurants, sessionID: nil, expires: now + seconds)
    return (issuer.issue(.access, for: caller, now: now), now + seconds)
  }
}

extension Configuration {
  /// The connection string that was given, or that of the private Postgres that runs under the data folder.
  package func databaseToRead() throws -> String {
    if !connectionString.isEmpty { return connectionString }
    guard let running = PrivatePostgres.connectionString(running: data) else { throw StartError.databaseAway }
    return running
  }
}
