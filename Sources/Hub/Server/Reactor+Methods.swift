// What is answered by the method alone, before any path is looked at for its content: methods that nobody knows here,
// preflights, and OPTIONS (RFC 9110 §9.1, §9.3.7).
import Protocol

extension Reactor {
  /// The answer that the method decides; nil when the path has to.
  func answerByMethod(_ head: HTTPRequestHead) -> HTTPAnswer? {
    guard HTTPMethods.known.contains(head.method) else {
      // RFC 9110 §15.6.2: 501 for a method that is not known, 405 for one that this path does not offer.
      return .problem(
        Problem(
          501, "not_implemented", "This method is not known here.",
          headers: [("Allow", HTTPMethods.allowed(HTTPMethods.known))]))
    }
    guard head.method == "OPTIONS" else { return nil }
    if let preflight = node.crossOrigin.preflight(head) { return preflight }
    guard let methods = methods(of: head.path) else {
      return .problem(Problem(404, "not_found", "There is nothing at this path."))
    }
    return HTTPAnswer(status: 204, type: nil, headers: [("Allow", HTTPMethods.allowed(methods))])
  }

  private func methods(of path: String) -> [String]? {
    switch path {
    case "*": return HTTPMethods.known
    case "/health", "/ready", "/metrics": return HTTPMethods.reading
    case _ where path == "/ws" || path.hasPrefix("/ws/"): return ["GET", "OPTIONS"]
    case _ where path.hasPrefix("/sse/"): return HTTPMethods.reading
    case _ where path.hasPrefix("/api/"):
      guard case .otherMethod(let allowed) = node.api.router.match(method: "OPTIONS", path: path) else { return nil }
      return allowed
    default: return node.assets.asset(at: path) == nil ? nil : HTTPMethods.reading
    }
  }

  /// A path that can be read only was asked for something else.
  func onlyReading(_ head: HTTPRequestHead) -> HTTPAnswer {
    .problem(
      Problem(
        405, "method_not_allowed", "\(head.method) is not offered here.",
        headers: [("Allow", HTTPMethods.allowed(HTTPMethods.reading))]))
  }
}
