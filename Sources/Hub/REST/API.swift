// A call of the API, whether it came as an HTTP request or as a `command` on a socket: match the route, read the body,
// carry it out, tell the feed. The shells around it differ only in how they write the result.
package import Domain
import EventLoop
package import Postgres
import Protocol
package import Telemetry

/// A call as its shell received it.
package struct APICall: Sendable {
  package var method: String
  package var path: String
  package var query: String
  package var body: [UInt8]
  /// Nil for a socket command, whose body is JSON by construction.
  package var contentType: String?
  package var caller: Caller?
  /// Why there is no caller although a token came; what needs none does not ask.
  package var refusal: Problem?
  package var idempotencyKey: String?
  package var ifNoneMatch: String?
  package var trace: String?
  package var peer: String
  package var requestID: String
}

package struct APIResult: Sendable {
  package var status: Int
  /// JSON; a problem document when `isProblem`.
  package var body: [UInt8]
  package var isProblem = false
  package var headers: [(String, String)] = []
  package var offsets: [(channel: String, offset: Int64)] = []

  init(_ problem: Problem) {
    status = problem.status
    body = problem.document
    isProblem = true
    headers = problem.headers
  }

  init(_ answer: Answer, offsets: [(channel: String, offset: Int64)] = []) {
    status = answer.status
    body = answer.body
    isProblem = answer.status >= 400
    headers = answer.headers
    self.offsets = offsets
  }
}

package struct API: Sendable {
  package let router: Router
  package let services: Services
  package let feed: Feed
  private let log: Log

  package init(router: Router, services: Services, feed: Feed, log: Log) {
    self.router = router
    self.services = services
    self.feed = feed
    self.log = log
  }

  /// Carries a call out with a reactor's own database connections; never throws, every fault is a result.
  package func perform(_ call: APICall, database: PooledDatabase, pool: PostgresPool) async -> APIResult {
    do throws(Problem) {
      return try await attempt(call, database, pool)
    } catch {
      if error.status >= 500 {
        log.error(
          "api.failed",
          [
            "method": LogValue(call.method), "path": LogValue(call.path), "status": LogValue(error.status),
            "request": LogValue(call.requestID), "cause": LogValue(error.cause.map { "\($0)" } ?? "-"),
          ])
      }
      return APIResult(error)
    }
  }

  private func attempt(_ call: APICall, _ database: PooledDatabase, _ pool: PostgresPool) async throws(Problem)
    -> APIResult
  {
    let route: Route
    let parameters: [String: String]
    switch router.match(method: call.method, path: call.path) {
    case .found(let found, let values):
      route = found
      parameters = values
    case .otherMethod(let allowed):
      // RFC 9110 §9.3.7
      if call.method == "OPTIONS" {
        return APIResult(Answer(status: 204, body: [], headers: [("Allow", allowed.joined(separator: ", "))]))
      }
      throw Problem(
        405, "method_not_allowed", "\(call.method) is not offered here.",
        headers: [("Allow", allowed.joined(separator: ", "))])
    case .none:
      throw Problem(404, "not_found", "There is nothing at this path.")
    }
    if route.access == .signedIn && call.caller == nil { throw call.refusal ?? .unauthorized() }
    // What needs no rights does not mind that they have ended.
    let caller =
      route.access == .signedIn
      ? try call.caller.map { caller throws(Problem) in try feed.access.current(caller) }
      : call.caller
    if let key = call.idempotencyKey, !isUsableKey(key) {
      throw .badRequest(
        "An Idempotency-Key is 1 to \(IdempotencyKeys.maximumBytes) visible characters.",
        code: "idempotency_key_invalid")
    }
    var request = Request(
      method: call.method, path: call.path, query: try parsedQuery(call.query), body: try parsedBody(call),
      caller: caller, idempotencyKey: call.idempotencyKey, ifNoneMatch: call.ifNoneMatch, trace: call.trace,
      peer: call.peer, requestID: call.requestID, services: services)
    request.parameters = parameters
    switch route.handler {
    case .read(let handler):
      return APIResult(try await handler(request, database))
    case .command(let handler):
      let outcome = try await CommandRunner.run(
        request, handler, access: route.access, fingerprint: fingerprint(request, call.query), pool: pool)
      if !outcome.events.isEmpty {
        let events = outcome.events
        // Before the answer: whoever has it must find the rights ended, on this node at once.
        for event in events {
          if let change = AccessChange(event) { feed.access.note(change, event, now: services.now) }
        }
        // The answer does not wait for the feed; the task begins on the feed's own loop, one hop away.
        Task(executorPreference: feed.tasks) { await feed.committed(events) }
      }
      return APIResult(outcome.answer, offsets: outcome.offsets)
    }
  }

  private func parsedQuery(_ text: String) throws(Problem) -> QueryParameters {
    guard let query = QueryParameters(text) else { throw .badRequest("The query is not percent-encoded UTF-8.") }
    return query
  }

  private func parsedBody(_ call: APICall) throws(Problem) -> JSON {
    if call.body.isEmpty { return .null }
    if let type = call.contentType {
      let essence = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
      guard essence == "application/json" || essence.hasSuffix("+json") else {
        throw Problem(415, "unsupported_media_type", "Send application/json.")
      }
    }
    let body: JSON
    do throws(JSONError) {
      body = try JSON.parse(call.body)
    } catch {
      throw .badRequest("The body is not valid JSON: \(error.reason) at byte \(error.offset).", code: "invalid_json")
    }
    guard body.object != nil || body.isNull else {
      throw .badRequest("The body must be a JSON object.", code: "invalid_json")
    }
    return body
  }

  private func isUsableKey(_ key: String) -> Bool {
    (1...IdempotencyKeys.maximumBytes).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// What a key stands for: the same method, path and body, however it was written and whichever way it came.
  private func fingerprint(_ request: Request, _ query: String) -> String {
    guard request.idempotencyKey != nil else { return "" }
    return Self.digest(Array("\(request.method) \(request.path)?\(query)\n".utf8) + request.body.serialised())
  }
}
