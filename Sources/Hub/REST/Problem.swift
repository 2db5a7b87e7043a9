// What a refused request gets: RFC 9457 problem details. A Problem is the only error that crosses from services to the
// server; what it carries for the log (the database's error) is never serialised.
package import Postgres
package import Protocol

/// One fault of one field of a request, as `items[0].quantity`.
package struct FieldFault: Equatable, Sendable {
  package let field: String
  package let code: String
  package let detail: String

  package init(field: String, code: String, detail: String) {
    self.field = field
    self.code = code
    self.detail = detail
  }
}

package struct Problem: Error, Sendable {
  /// The HTTP status, 400–599.
  package var status: Int
  /// Stable, snake_case; what programs decide by.
  package var code: String
  package var title: String
  /// One sentence for a person.
  package var detail: String
  package var errors: [FieldFault] = []
  /// Further members of the document, such as `from` and `to`.
  package var members: [(String, JSON)] = []
  package var headers: [(String, String)] = []
  /// What the database said; for the log and for services that know a constraint, never for the client.
  package var cause: PostgresError?

  package init(
    _ status: Int, _ code: String, _ detail: String, errors: [FieldFault] = [], members: [(String, JSON)] = [],
    headers: [(String, String)] = [], cause: PostgresError? = nil
  ) {
    self.status = status
    self.code = code
    self.title = Self.title(of: status)
    self.detail = detail
    self.errors = errors
    self.members = members
    self.headers = headers
    self.cause = cause
  }

  /// SQLSTATE of the statement that failed, where one did.
  package var sqlState: String? {
    guard case .server(let error)? = cause else { return nil }
    return error.sqlState
  }

  /// The constraint that a statement violated, where it named one.
  package var constraint: String? {
    guard case .server(let error)? = cause else { return nil }
    return error.constraint
  }

  // MARK: The usual ones

  package static func badRequest(_ detail: String, code: String = "bad_request") -> Problem {
    Problem(400, code, detail)
  }

  package static func unauthorized(_ detail: String = "Sign in first.") -> Problem {
    Problem(401, "unauthorized", detail, headers: [("WWW-Authenticate", "Bearer")])
  }

  package static func forbidden(_ detail: String = "Your role does not allow this.") -> Problem {
    Problem(403, "forbidden", detail)
  }

  /// Also the answer to another tenant's ids: whether they exist is not told.
  package static func notFound(_ what: String = "This resource") -> Problem {
    Problem(404, "not_found", "\(what) does not exist or is not yours.")
  }

  package static func conflict(_ code: String, _ detail: String, members: [(String, JSON)] = []) -> Problem {
    Problem(409, code, detail, members: members)
  }

  package static func validation(_ errors: [FieldFault]) -> Problem {
    Problem(
      422, errors.count == 1 ? errors[0].code : "validation_failed",
      errors.count == 1 ? errors[0].detail : "\(errors.count) faults were found.", errors: errors)
  }

  package static func unavailable(_ detail: String = "The database is away; try again.", cause: PostgresError? = nil)
    -> Problem
  {
    Problem(503, "unavailable", detail, headers: [("Retry-After", "1")], cause: cause)
  }

  package static func `internal`(cause: PostgresError? = nil) -> Problem {
    Problem(500, "internal_error", "Something went wrong on our side; nothing was changed.", cause: cause)
  }

  /// What a failed statement means to a client: away, to be tried again, or our own fault.
  package init(_ error: PostgresError) {
    switch error {
    case .connectionLost, .timedOut, .poolExhausted:
      self = .unavailable(cause: error)
    case .server(let server):
      switch server.sqlState.prefix(2) {
      // Rights that do not hold any more (AccessQueries).
      case "HA": self = AccessQueries.problem(server.sqlState)
      // Connection exceptions, resources, operator intervention: away for now.
      case "08", "53", "57": self = .unavailable(cause: error)
      // Serialisation failures and deadlocks that a repeat did not cure.
      case "40": self = .unavailable("The change met another one; try again.", cause: error)
      // A value that the database cannot read, such as an id that is no UUID.
      case "22":
        self = .badRequest("A value is out of range or malformed.", code: "invalid_value")
        cause = error
      default: self = .internal(cause: error)
      }
    }
  }

  private static func title(of status: Int) -> String {
    switch status {
    case 400: "Bad request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not found"
    case 405: "Method not allowed"
    case 409: "Conflict"
    case 413: "Content too large"
    case 414: "URI too long"
    case 415: "Unsupported media type"
    case 422: "Unprocessable content"
    case 426: "Upgrade required"
    case 429: "Too many requests"
    case 431: "Request header fields too large"
    case 501: "Not implemented"
    case 503: "Service unavailable"
    case 505: "HTTP version not supported"
    default: status < 500 ? "Refused" : "Internal error"
    }
  }

  // MARK: Serialising

  /// The document as JSON text.
  package var document: [UInt8] {
    var members: [(String, JSON)] = [
      ("type", .string("about:blank")), ("title", .string(title)), ("status", .integer(Int64(status))),
      ("detail", .string(detail)), ("code", .string(code)),
    ]
    if !errors.isEmpty {
      members.append(
        (
          "errors",
          .array(
            errors.map { fault in
              JSON(members: [
                ("field", .string(fault.field)), ("code", .string(fault.code)), ("detail", .string(fault.detail)),
              ])
            })
        ))
    }
    members.append(contentsOf: self.members)
    return JSON(members: members).serialised()
  }
}
