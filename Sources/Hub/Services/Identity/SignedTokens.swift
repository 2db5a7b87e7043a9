// The pair of tokens that signing in and refreshing answer with: a short-lived one that carries the rights and is
// checked without the database, and a long-lived one that is good for exactly one refresh. Both name the session.
import Domain
import Protocol

/// A user or a device as signing in sees it.
struct Member {
  let id: Identifier
  let role: Role
  let restaurants: [Identifier]
  /// {"id","email","name","role","restaurants"}
  let document: [UInt8]
}

struct SignedTokens {
  let access: String
  let refresh: String
  /// The id inside the refresh token, by which its session knows it as its newest.
  let refreshID: Identifier

  /// `refreshID` is made here where it is not given.
  init(for member: Member, session: Identifier, refreshID: Identifier? = nil, _ services: Services) {
    let now = services.now
    let refreshID = refreshID ?? services.newIdentifier()
    func caller(until seconds: Int64) -> Caller {
      Caller(
        userID: member.id, role: member.role, restaurants: member.restaurants, sessionID: session,
        expires: now + seconds)
    }
    access = services.tokens.issue(.access, for: caller(until: TokenIssuer.accessSeconds), now: now)
    refresh = services.tokens.issue(
      .refresh, for: caller(until: TokenIssuer.refreshSeconds), now: now, tokenID: refreshID)
    self.refreshID = refreshID
  }

  /// 200 with the tokens. They are base64url and points, which JSON need not escape.
  func answer(_ member: Member) -> Answer {
    let head =
      #"{"access_token":"\#(access)","refresh_token":"\#(refresh)","token_type":"Bearer","#
      + #""expires_in":\#(TokenIssuer.accessSeconds),"user":"#
    // RFC 6749 §5.1: an answer that carries tokens is not to be kept by anything on its way.
    return Answer(
      status: 200, body: Array(head.utf8) + member.document + [UInt8(ascii: "}")],
      headers: [("Cache-Control", "no-store")])
  }
}
