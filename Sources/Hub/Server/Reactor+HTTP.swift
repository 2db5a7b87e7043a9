// HTTP/1.1 on a connection: parse what came, answer one request after another, hand over to WebSocket on upgrade.
import Channels
import Crypto
import Domain
import EventLoop
import Postgres
import Protocol
import Telemetry

extension Reactor {
  /// Takes the requests that have just been read; what is answered at once leaves in one send.
  func parse(_ bytes: UnsafeRawBufferPointer, _ exchange: HTTPExchange, _ connection: Connection) {
    corked = connection
    answerRequests(in: bytes, exchange, connection)
    uncork(connection)
    // The answers were held back for their number, and all of them have left: on in the next turn, after the others.
    if connection.hasSentAll, !exchange.isBusy, !exchange.backlog.isEmpty, !connection.isClosed {
      postpone(connection)
    }
  }

  /// Parses until the bytes are used up or a request must be waited for.
  private func answerRequests(
    in bytes: UnsafeRawBufferPointer, _ exchange: HTTPExchange, _ connection: Connection
  ) {
    var span = bytes.bytes
    while true {
      // After a last answer nothing more is heard (RFC 9112 §9.6).
      if connection.closesWhenFlushed { return }
      if connection.outbound.count + cork.count > node.configuration.limits.sendQueueBytes {
        exchange.backlog = Array(bytes.suffix(span.byteCount))
        return
      }
      switch exchange.parser.next(in: &span) {
      case .needsMore:
        let limits = node.configuration.limits
        if let deadline = exchange.clock.deadline(exchange.parser.progress, at: second, limits) {
          connection.deadline = deadline
        }
        return
      case .continueExpected:
        write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), to: connection)
      case .violation(let violation):
        node.counters.violations.add()
        let problem = Problem(violation.status, "bad_request", violation.detail)
        answer(.problem(problem), to: .unread, exchange, connection, closing: true)
        return
      case .request(let request):
        node.counters.requests.add()
        connection.deadline = .max
        exchange.clock.stop()
        exchange.isBusy = true
        begin(request, exchange, connection)
        if connection.isClosed { return }
        if let session = connection.webSocket {
          // What came behind the handshake is already WebSocket.
          if span.isEmpty { return }
          var rest = Array(bytes.suffix(span.byteCount))
          rest.withUnsafeMutableBytes { receive($0, on: session, of: connection) }
          return
        }
        // An event stream has the connection to itself: what comes behind its request is of no use.
        if case .eventStream = connection.phase { return }
        if exchange.isBusy {
          exchange.backlog = Array(bytes.suffix(span.byteCount))
          return
        }
        if span.isEmpty { return }
      }
    }
  }

  /// Parses on what was held back while the peer did not take its answers.
  func parseBacklog(_ exchange: HTTPExchange, _ connection: Connection) {
    guard !exchange.isBusy, !exchange.backlog.isEmpty else { return }
    let backlog = exchange.backlog
    exchange.backlog = []
    backlog.withUnsafeBytes { parse($0, exchange, connection) }
  }

  /// Answers at once, or starts a task that will.
  private func begin(_ request: HTTPRequest, _ exchange: HTTPExchange, _ connection: Connection) {
    if isDraining || !request.head.keepsAlive { exchange.closesAfterAnswer = true }
    if node.configuration.purpose == .echo {
      beginEcho(request, exchange, connection)
      return
    }
    if let answered = answerByMethod(request.head) {
      answer(answered, to: request.head, exchange, connection)
      return
    }
    let isReading = request.head.method == "GET" || request.head.method == "HEAD"
    switch request.head.path {
    case "/health" where isReading:
      answer(.alive, to: request.head, exchange, connection)
    case "/ready" where isReading:
      answer(readiness(), to: request.head, exchange, connection)
    case "/metrics" where isReading:
      answer(
        .text(node.metrics.prometheusText(), type: "text/plain; version=0.0.4; charset=utf-8"), to: request.head,
        exchange, connection)
    case "/health", "/ready", "/metrics":
      answer(onlyReading(request.head), to: request.head, exchange, connection)
    case let path where path == "/ws" || path.hasPrefix("/ws/"):
      beginHandshake(request, exchange, connection)
    case let path where path.hasPrefix("/sse/"):
      beginEventStream(request, exchange, connection)
    case let path where path.hasPrefix("/api/"):
      beginCall(request, exchange, connection)
    default:
      answer(asset(request.head), to: request.head, exchange, connection)
    }
  }

  private func readiness() -> HTTPAnswer {
    // A feed that has heard nothing for so long hangs, whatever its socket says: it asks four times a second.
    let silence = wallClockMicroseconds() - node.feedState.freshAt
    let isFeedAlive = node.feedState.isListening && silence < 3_000_000
    let isReady = pool.isReady && isFeedAlive && !isDraining
    let document = JSON(members: [
      ("status", .string(isReady ? "ready" : isDraining ? "draining" : "not_ready")),
      ("database", .bool(pool.isReady)), ("feed", .bool(isFeedAlive)),
    ])
    var answer = HTTPAnswer.json(isReady ? 200 : 503, document)
    if !isReady { answer.headers.append(("Retry-After", "1")) }
    return answer
  }

  private func asset(_ head: HTTPRequestHead) -> HTTPAnswer {
    guard let asset = node.assets.asset(at: head.path) else {
      return .problem(Problem(404, "not_found", "There is nothing at this path."))
    }
    guard head.method == "GET" || head.method == "HEAD" else { return onlyReading(head) }
    var answer = HTTPAnswer(status: 200, type: asset.type, body: asset.bytes)
    answer.headers = [
      ("ETag", asset.entityTag), ("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding"),
      ("Referrer-Policy", "no-referrer"),
      (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
      ),
    ]
    if head.fields.list("If-None-Match").contains(asset.entityTag) {
      answer.status = 304
      answer.body = []
    } else if let gzipped = asset.gzipped, head.acceptsGzip {
      answer.body = gzipped
      answer.headers.append(("Content-Encoding", "gzip"))
    }
    return answer
  }

  private func beginCall(_ request: HTTPRequest, _ exchange: HTTPExchange, _ connection: Connection) {
    let head = request.head
    var caller: Caller?
    var refusal: Problem?
    do throws(Problem) {
      caller = try bearer(of: head).map { token throws(Problem) in try self.caller(of: token) }
    } catch {
      refusal = error
    }
    let requestID = RequestID(of: head)
    // A traceparent that is not one is as if there were none (W3C Trace Context §3.2).
    let call = APICall(
      method: head.method, path: head.path, query: head.query ?? "", body: request.body,
      contentType: head.fields["Content-Type"] ?? "", caller: caller, refusal: refusal,
      idempotencyKey: head.fields["Idempotency-Key"],
      ifNoneMatch: head.fields["If-None-Match"],
      trace: head.fields["traceparent"].flatMap { TraceContext(traceparent: $0)?.description },
      peer: connection.peer.description, requestID: requestID.text)
    commandsRunning += 1
    Task.immediate(executorPreference: tasks) {
      let result = await node.api.perform(call, database: database, pool: pool)
      commandsRunning -= 1
      node.counters.commands.add()
      answer(HTTPAnswer(result), to: head, exchange, connection, requestID: requestID)
    }
  }

  // MARK: Answering

  func answer(
    _ answer: HTTPAnswer, to head: HTTPRequestHead, _ exchange: HTTPExchange, _ connection: Connection,
    requestID: RequestID? = nil, closing: Bool = false
  ) {
    guard !connection.isClosed else { return }
    let closes = closing || exchange.closesAfterAnswer || isDraining
    serialised.removeAll(keepingCapacity: true)
    answer.serialise(
      for: head, crossOrigin: node.crossOrigin.headers(for: head), requestID: requestID ?? RequestID(of: head),
      date: dateField, closing: closes, to: &serialised)
    writeCorked(serialised, to: connection)
    // The memory of a small answer serves for the next one.
    if serialised.count > 16 * 1024 { serialised = [] }
    let wasWaiting = exchange.isBusy
    exchange.isBusy = false
    connection.deadline = second + node.configuration.limits.idleSeconds
    if closes {
      connection.closesWhenFlushed = true
      markDirty(connection)
      return
    }
    if wasWaiting { parseBacklog(exchange, connection) }
    closeIfAnswered(exchange, connection)
    resumeReading(connection)
  }

  /// A peer that has ended its side is answered what it asked before; then its connection ends too (RFC 9112 §9.6).
  func closeIfAnswered(_ exchange: HTTPExchange, _ connection: Connection) {
    guard exchange.peerHasEnded, !exchange.isBusy, exchange.backlog.isEmpty, !connection.isClosed else { return }
    connection.closesWhenFlushed = true
    markDirty(connection)
  }

  // MARK: Who asks

  /// The bearer token of a request, if it carries one; 401 when the header is of another kind.
  func bearer(of head: HTTPRequestHead) throws(Problem) -> String? {
    guard let value = head.fields["Authorization"] else { return nil }
    let parts = value.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw .unauthorized("Send Authorization: Bearer and an access token.")
    }
    return String(parts[1])
  }

  /// The caller that an access token stands for, or 401.
  func caller(of token: String) throws(Problem) -> Caller {
    let services = node.api.services
    let caller: Caller
    do throws(TokenIssuer.Refusal) {
      caller = try services.tokens.read(token, as: .access, now: services.now).caller
    } catch {
      var problem = Problem.unauthorized(
        error == .expired ? "The token has expired." : "The token is not valid.")
      problem.code = error == .expired ? "token_expired" : "invalid_token"
      problem.headers = [("WWW-Authenticate", "Bearer error=\"invalid_token\"")]
      throw problem
    }
    return try node.api.feed.access.current(caller)
  }
}
