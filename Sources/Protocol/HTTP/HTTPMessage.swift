// Requests and responses as values, and what can be wrong with one that came over the wire.

/// The request line and fields of a request that has passed every check of the parser.
package struct HTTPRequestHead: Equatable, Sendable {
  /// Case-sensitive (RFC 9110 §9.1); any token, known here or not.
  package var method: String
  /// As received, in whichever of the four forms (RFC 9112 §3.2).
  package var target: String
  /// The path as received, still percent-encoded; "*" for the asterisk form.
  package var path: String
  /// What follows "?", still percent-encoded; nil without a "?".
  package var query: String?
  /// Who is asked, in an absolute target.
  package var authority: String?
  /// 0 or 1, the minor version of HTTP/1; a higher one is kept as sent and means 1.
  package var minorVersion: Int
  package var fields: HTTPFields

  package init(
    method: String, target: String, path: String, query: String? = nil, authority: String? = nil, minorVersion: Int = 1,
    fields: HTTPFields = HTTPFields()
  ) {
    self.method = method
    self.target = target
    self.path = path
    self.query = query
    self.authority = authority
    self.minorVersion = minorVersion
    self.fields = fields
  }

  /// The host asked for: of an absolute target if there is one (RFC 9112 §3.2.2), else of the Host field.
  package var host: String? { authority ?? fields["host"] }

  /// Whether the connection stays open after the answer (RFC 9112 §9.3).
  package var keepsAlive: Bool { fields.keepsAlive(minorVersion: minorVersion) }

  /// The decoded segments of the path without the first "/", nil when one is malformed or is "." or "..": `/a/b%20c` is
  /// `["a", "b c"]`, `/` is `[""]`.
  package var pathSegments: [String]? {
    guard path.utf8.first == UInt8(ascii: "/") else { return nil }
    var segments: [String] = []
    for raw in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let segment = PercentEncoding.decode(raw), segment != ".", segment != ".." else { return nil }
      segments.append(segment)
    }
    return segments
  }
}

package struct HTTPRequest: Equatable, Sendable {
  package var head: HTTPRequestHead
  package var body: [UInt8]

  package init(head: HTTPRequestHead, body: [UInt8] = []) {
    self.head = head
    self.body = body
  }
}

package struct HTTPResponseHead: Equatable, Sendable {
  package var status: Int
  /// The reason phrase; empty means the registered one.
  package var reason: String
  package var minorVersion: Int
  package var fields: HTTPFields

  package init(status: Int, reason: String = "", fields: HTTPFields = HTTPFields(), minorVersion: Int = 1) {
    self.status = status
    self.reason = reason
    self.minorVersion = minorVersion
    self.fields = fields
  }

  package var keepsAlive: Bool { fields.keepsAlive(minorVersion: minorVersion) }
}

package struct HTTPResponse: Equatable, Sendable {
  package var head: HTTPResponseHead
  package var body: [UInt8]

  package init(head: HTTPResponseHead, body: [UInt8] = []) {
    self.head = head
    self.body = body
  }
}

/// A rule of HTTP that the peer broke: what a server answers, after which the connection closes.
package struct HTTPViolation: Error, Equatable, Sendable {
  /// 400, 413, 414, 417, 431, 501 or 505.
  package let status: Int
  /// One sentence without a full stop, fit for a problem document.
  package let detail: String

  package init(_ status: Int, _ detail: String) {
    self.status = status
    self.detail = detail
  }
}

package struct HTTPLimits: Equatable, Sendable {
  /// The start line and all fields, in bytes; also the limit of chunk extensions and of trailers. Past it 431.
  package var headBytes: Int
  /// Past it 431.
  package var fields: Int
  /// Past it 413.
  package var bodyBytes: Int
  /// Past it 414.
  package var targetBytes: Int

  package init(headBytes: Int = 16 * 1024, fields: Int = 100, bodyBytes: Int = 1 << 20, targetBytes: Int = 8 * 1024) {
    self.headBytes = headBytes
    self.fields = fields
    self.bodyBytes = bodyBytes
    self.targetBytes = targetBytes
  }
}

extension HTTPFields {
  func keepsAlive(minorVersion: Int) -> Bool {
    if hasToken("close", in: "connection") { return false }
    return minorVersion >= 1 || hasToken("keep-alive", in: "connection")
  }
}
