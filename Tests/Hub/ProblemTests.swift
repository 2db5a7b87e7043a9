// Problem documents (RFC 9457, wire §5): what is in them, and what never is.
import Postgres
import Protocol
import Testing

@testable import Hub

@Suite struct ProblemTests {
  private func document(_ problem: Problem) throws -> JSON { try JSON.parse(problem.document) }

  @Test(arguments: [
    (Problem.badRequest("No."), 400, "bad_request", "Bad request"),
    (.unauthorized(), 401, "unauthorized", "Unauthorized"),
    (.forbidden(), 403, "forbidden", "Forbidden"), (.notFound("This order"), 404, "not_found", "Not found"),
    (.conflict("stale_version", "Old."), 409, "stale_version", "Conflict"),
    (.unavailable(), 503, "unavailable", "Service unavailable"), (.internal(), 500, "internal_error", "Internal error"),
    (Problem(418, "teapot", "Short and stout."), 418, "teapot", "Refused"),
  ])
  func aDocumentHasTheMembersOfTheStandardAndACode(
    _ problem: Problem, _ status: Int64, _ code: String, _ title: String
  ) throws {
    let document = try document(problem)
    #expect(document["type"]?.string == "about:blank")
    #expect(document["status"]?.int64 == status)
    #expect(document["code"]?.string == code)
    #expect(document["title"]?.string == title)
    #expect(document["detail"]?.string == problem.detail)
    #expect(document["errors"] == nil)
  }

  @Test func everyFaultOfAValidationIsListed() throws {
    let faults = [
      FieldFault(field: "items[0].quantity", code: "out_of_range", detail: "1 to 99."),
      FieldFault(field: "table", code: "too_long", detail: "At most 20."),
    ]
    let problem = Problem.validation(faults)
    let document = try document(problem)
    #expect(problem.status == 422 && problem.code == "validation_failed")
    let errors = try #require(document["errors"]?.array)
    #expect(errors.map { $0["field"]?.string } == ["items[0].quantity", "table"])
    #expect(errors.map { $0["code"]?.string } == ["out_of_range", "too_long"])
    #expect(errors.map { $0["detail"]?.string } == ["1 to 99.", "At most 20."])
  }

  @Test func furtherMembersFollow() throws {
    let problem = Problem.conflict(
      "invalid_status_transition", "No.", members: [("from", .string("new")), ("to", .string("served"))])
    let document = try document(problem)
    #expect(document["from"]?.string == "new" && document["to"]?.string == "served")
  }

  @Test func textIsEscaped() throws {
    let problem = Problem.badRequest("a \"quoted\" \\ line\nand \u{1}")
    #expect(try document(problem)["detail"]?.string == "a \"quoted\" \\ line\nand \u{1}")
  }

  @Test(arguments: [
    (PostgresError.connectionLost("secret host"), 503), (.timedOut, 503), (.poolExhausted, 503),
  ])
  func anAbsentDatabaseIsToBeTriedAgainAndNothingOfItIsTold(_ error: PostgresError, _ status: Int) throws {
    let problem = Problem(error)
    #expect(problem.status == status)
    #expect(problem.headers.contains { $0 == ("Retry-After", "1") })
    #expect(!String(decoding: problem.document, as: UTF8.self).contains("secret"))
    #expect(problem.sqlState == nil && problem.constraint == nil)
  }

  @Test func aRefusalToSignInSaysHow() {
    #expect(Problem.unauthorized().headers.contains { $0 == ("WWW-Authenticate", "Bearer") })
  }
}
