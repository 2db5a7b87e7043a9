// `hub echo`: every path is a WebSocket that gets back what it sends, without sign-in, through the very connection,
// decoder, session and cork that carry everything else. For conformance suites, and to measure the transport alone.
import Protocol

extension Reactor {
  func beginEcho(_ request: HTTPRequest, _ exchange: HTTPExchange, _ connection: Connection) {
    let head = request.head
    do throws(Problem) {
      let session = WebSocketSession(
        purpose: .echo, limits: node.configuration.limits.webSocket, identifier: node.api.services.newIdentifier())
      try begin(session, by: try offer(of: head), connection)
      connection.deadline = .max
    } catch {
      answer(.problem(error), to: head, exchange, connection)
    }
  }
}
