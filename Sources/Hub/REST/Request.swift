// A request as a service sees it, whether it came over HTTP or as a `command` on a socket.
package import Domain
package import Protocol

package struct Request: Sendable {
  package var method: String
  /// The path without the query, percent-decoded by segment where it fills a parameter.
  package var path: String
  /// What stands in the pattern's braces: `{id}` → `parameters["id"]`.
  package var parameters: [String: String] = [:]
  package var query: QueryParameters
  /// The parsed body; `.null` when there was none.
  package var body: JSON
  package var caller: Caller?
  /// The `Idempotency-Key` header, or `key` of a socket command.
  package var idempotencyKey: String?
  package var ifNoneMatch: String?
  package var trace: String?
  package var peer: String
  package var requestID: String
  package var services: Services

  package init(
    method: String, path: String, query: QueryParameters, body: JSON, caller: Caller?, idempotencyKey: String?,
    ifNoneMatch: String? = nil, trace: String? = nil, peer: String, requestID: String, services: Services
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.body = body
    self.caller = caller
    self.idempotencyKey = idempotencyKey
    self.ifNoneMatch = ifNoneMatch
    self.trace = trace
    self.peer = peer
    self.requestID = requestID
    self.services = services
  }

  /// The caller, or 401.
  package var signedIn: Caller {
    get throws(Problem) {
      guard let caller else { throw .unauthorized() }
      return caller
    }
  }

  /// Whether the client has the representation with this entity tag (RFC 9110 §13.1.2, weak comparison).
  package func has(_ tag: String) -> Bool {
    let known = ifNoneMatch?.split(separator: ",").map { trimming(String($0)) } ?? []
    return known.contains { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }
  }

  /// A parameter of the path that must be a UUID; anything else names nothing, so it is 404.
  package func identifier(_ name: String, of what: String) throws(Problem) -> Identifier {
    guard let text = parameters[name], let id = Identifier(text) else { throw .notFound(what) }
    return id
  }
}

/// What a service answers: a status and JSON, usually built by Postgres and passed on as bytes.
package struct Answer: Sendable {
  package var status: Int
  package var body: [UInt8]
  package var headers: [(String, String)]

  package init(status: Int, body: [UInt8], headers: [(String, String)] = []) {
    self.status = status
    self.body = body
    self.headers = headers
  }

  package static func ok(_ body: [UInt8]) -> Answer { Answer(status: 200, body: body) }

  package static func created(_ body: [UInt8], location: String) -> Answer {
    Answer(status: 201, body: body, headers: [("Location", location)])
  }

  package static var noContent: Answer { Answer(status: 204, body: []) }
}
