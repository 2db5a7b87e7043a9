// Which pages of other origins may use the hub (the Fetch standard's CORS protocol, RFC 6454): those that the operator
// named. There is no wildcard and no `Access-Control-Allow-Credentials`: callers are known by their tokens, never by
// cookies, so a page that is not named can send what any program can send and cannot read the answer.
import Protocol

package struct CrossOrigin: Sendable {
  /// In the normal form of `HTTPOrigin`, as browsers send them.
  private let allowed: Set<String>

  /// What a page may read beside the fields that the Fetch standard always lets it read.
  private static let exposed =
    "Allow, Date, ETag, Hub-Offsets, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, "
    + "WWW-Authenticate, X-Request-Id"
  private static let requestFields =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-Id, traceparent, tracestate"
  /// Seconds that a browser may remember a preflight; an origin that is struck off the list is refused its answers at
  /// once all the same.
  private static let maximumAge = "3600"

  /// `allowed` are origins as `normalised` writes them.
  package init(allowed: Set<String>) { self.allowed = allowed }

  /// The form in which browsers send an origin; nil for what is none.
  package static func normalised(_ text: String) -> String? { HTTPOrigin.normalised(text) }

  /// Whether a page may open a WebSocket: it has no origin (it is no page), the hub's own, or one that is named.
  func mayConnect(_ head: HTTPRequestHead) -> Bool {
    guard let origin = head.fields.combined("Origin") else { return true }
    return allowed.contains(origin) || isOwn(origin, head)
  }

  private func isOwn(_ origin: String, _ head: HTTPRequestHead) -> Bool {
    guard let host = head.host, !host.isEmpty else { return false }
    return origin == HTTPOrigin.normalised("http://\(host)") || origin == HTTPOrigin.normalised("https://\(host)")
  }

  /// The answer to a preflight; nil for any other request. Whether path and method exist is the request's own question:
  /// its answer can be read, one to a preflight cannot.
  func preflight(_ head: HTTPRequestHead) -> HTTPAnswer? {
    guard head.method == "OPTIONS", let origin = head.fields.combined("Origin"),
      head.fields["Access-Control-Request-Method"] != nil
    else { return nil }
    guard allowed.contains(origin) else {
      return .problem(Problem(403, "origin_not_allowed", "Pages of this origin may not read answers here."))
    }
    return HTTPAnswer(
      status: 204, type: nil,
      headers: [
        ("Access-Control-Allow-Methods", HTTPMethods.allowed(HTTPMethods.known)),
        ("Access-Control-Allow-Headers", Self.requestFields), ("Access-Control-Max-Age", Self.maximumAge),
      ])
  }

  /// What an answer carries to let the page that asked read it.
  func headers(for head: HTTPRequestHead) -> [(String, String)] {
    guard !allowed.isEmpty else { return [] }
    // Also without an Origin: a cache must not hand this answer to a page (Fetch §3.2.5).
    var headers = [("Vary", "Origin")]
    guard let origin = head.fields.combined("Origin"), allowed.contains(origin) else { return headers }
    headers.append(("Access-Control-Allow-Origin", origin))
    if head.method != "OPTIONS" { headers.append(("Access-Control-Expose-Headers", Self.exposed)) }
    return headers
  }
}

/// The methods of HTTP that mean something here (RFC 9110 §9).
enum HTTPMethods {
  static let known = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
  static let reading = ["GET", "HEAD", "OPTIONS"]

  /// The value of `Allow` (RFC 9110 §10.2.1).
  static func allowed(_ methods: [String]) -> String { methods.joined(separator: ", ") }
}
