// Tokens from a sign-in with email and password, for who has no access to the hubs' secret. One token serves until it is
// about to end; then it signs in again.
import EventLoop
import Synchronization

package final class SignedIn: Sendable {
  private let addresses: [HubAddress]
  private let credentials: String
  private let held = Mutex<Token?>(nil)

  /// Signs in at once, so that a wrong password is said before anything else is done.
  package init(urls: [String], email: String, password: String) throws {
    addresses = try urls.map { try HubAddress($0) }
    credentials = #"{"email":\#(quoted(email)),"password":\#(quoted(password))}"#
    _ = try token()
  }

  package func token() throws -> Token {
    let now = wallClockMicroseconds() / 1_000_000
    return try held.withLock { held in
      if let token = held, let ends = token.ends, ends > now + 60 { return token }
      let made = try signIn(now)
      held = made
      return made
    }
  }

  private func signIn(_ now: Int64) throws -> Token {
    for address in addresses {
      guard let link = try? Link(address),
        let answer = try? link.request("POST", "/api/v1/auth/login", token: nil, body: credentials)
      else { continue }
      guard answer.status == 200, let text = answer.body["access_token"]?.text,
        let seconds = answer.body["expires_in"]?.integer
      else { throw CheckError("signing in: \(answer.status) \(answer.body["detail"]?.text ?? "")") }
      return Token(text, ends: now + seconds)
    }
    throw CheckError("signing in: none of the hubs answers")
  }
}
