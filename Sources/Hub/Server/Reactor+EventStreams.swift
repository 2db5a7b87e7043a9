// Server-Sent Events (WHATWG HTML §9.2, wire §4): GET /sse/{channel} is answered without an end. The subscription is the
// one of Reactor+Subscriptions; here is what is different on a stream: how it begins, is kept open and ends.
//
// 1. Everything that can be refused is refused before the answer begins, with a status and a problem document.
// 2. The content ends with the connection (RFC 9112 §6.3): an event stream frames itself, so chunks would add nothing.
// 3. A message that is no event of the log is named by its type and has no id, so that it moves no Last-Event-ID.
import Channels
import Domain
import EventLoop
import Protocol
import Telemetry

extension Reactor {
  /// Seconds between comment lines (wire §4).
  private static var commentInterval: Int32 { 15 }

  // MARK: Beginning

  func beginEventStream(_ request: HTTPRequest, _ exchange: HTTPExchange, _ connection: Connection) {
    let head = request.head
    guard head.method == "GET" || head.method == "HEAD" else {
      answer(onlyReading(head), to: head, exchange, connection)
      return
    }
    let caller: Caller
    let wanted: PendingSubscription
    do throws(Problem) {
      caller = try streamCaller(head)
      wanted = try streamSubscription(head)
      try mayListen(caller, to: wanted.channel)
    } catch {
      answer(.problem(error), to: head, exchange, connection)
      return
    }
    Task.immediate(executorPreference: tasks) {
      do throws(Problem) {
        try await confirm(wanted.channel)
        if isDraining { throw .unavailable("The hub is restarting; connect again.") }
      } catch {
        answer(.problem(error), to: head, exchange, connection)
        return
      }
      guard !connection.isClosed else { return }
      let session = EventStreamSession(
        head: head, exchange: exchange, requestID: RequestID(of: head), identifier: node.api.services.newIdentifier(),
        caller: caller)
      guard head.method == "GET" else {
        write(streamHead(session), to: connection)
        connection.closesWhenFlushed = true
        return
      }
      begin(session, wanted, connection)
    }
  }

  private func begin(_ session: EventStreamSession, _ wanted: PendingSubscription, _ connection: Connection) {
    // A peer that has shut its sending side has gone, as far as one can know of a client that never sends.
    if session.exchange.peerHasEnded {
      closeNow(connection)
      return
    }
    connection.phase = .eventStream(session)
    session.exchange.backlog = []
    connection.form = .eventStream
    node.counters.eventStreams.add()
    // A client that vanishes without a word is noticed by what it does not acknowledge: it never sends anything.
    Socket.limitSilence(connection.descriptor, seconds: node.configuration.limits.writeSeconds)
    subscribe(wanted, session, connection)
    resumeReading(connection)
  }

  private func streamCaller(_ head: HTTPRequestHead) throws(Problem) -> Caller {
    guard node.crossOrigin.mayConnect(head) else {
      throw Problem(403, "origin_not_allowed", "This page's origin may not connect.")
    }
    guard let token = try bearer(of: head) else { throw .unauthorized() }
    return try caller(of: token)
  }

  /// What the request asks for.
  private func streamSubscription(_ head: HTTPRequestHead) throws(Problem) -> PendingSubscription {
    let query = try queryWithoutToken(head)
    guard head.accepts(ServerSentEvents.contentType.description) else {
      throw Problem(406, "not_acceptable", "This address answers with text/event-stream.")
    }
    guard let path = head.pathSegments, path.count == 2, let channel = ChannelName(path[1]) else {
      throw .notFound("This channel")
    }
    var wanted = PendingSubscription(channel: channel, isShortcut: true)
    try addPresence(from: query, to: &wanted)
    if let last = head.fields["Last-Event-ID"], !last.isEmpty {
      guard let position = ServerSentEvents.position(ofEventID: last) else {
        throw .badRequest("Last-Event-ID is the id of an event: epoch/offset.", code: "invalid_last_event_id")
      }
      (wanted.epoch, wanted.since) = (position.epoch, position.offset)
    }
    return wanted
  }

  private func streamHead(_ session: EventStreamSession) -> [UInt8] {
    var answer = HTTPAnswer(
      status: 200, type: ServerSentEvents.contentType,
      // A proxy that gathered events would hold them back (nginx listens to the second of these).
      headers: [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")])
    answer.endsWithConnection = true
    return answer.serialised(
      for: session.head, crossOrigin: node.crossOrigin.headers(for: session.head), requestID: session.requestID,
      date: dateField, closing: true)
  }

  // MARK: Writing

  /// Writes the answer's head in front of the first event.
  private func start(_ session: EventStreamSession, _ connection: Connection) {
    guard !session.hasStarted else { return }
    session.hasStarted = true
    write(streamHead(session), to: connection)
  }

  /// The subscription is made, and told.
  func joined(_ session: ListeningSession, _ connection: Connection) {
    guard case .eventStream(let stream) = connection.phase, stream === session, stream.hasStarted else { return }
    sendWelcome(nil, session, connection)
  }

  /// A message of ours that is no event of the log, as an event that is named by its type.
  func streamEvent(_ message: UnsafeRawBufferPointer, to connection: Connection) -> [UInt8] {
    if case .eventStream(let stream) = connection.phase { start(stream, connection) }
    return serverSentEvent(ServerMessageEncoder.type(of: message.bytes), id: nil, message.bytes)
  }

  /// The channel's state, as an event with the position that it is the state of.
  func writeSnapshot(
    _ snapshot: Snapshot, _ session: EventStreamSession, _ connection: Connection, _ append: (inout [UInt8]) -> Void
  ) {
    guard !session.isClosing else { return }
    start(session, connection)
    message.removeAll(keepingCapacity: true)
    append(&message)
    let id = ServerSentEvents.eventID(epoch: node.feedState.epoch, offset: snapshot.offset)
    write(serverSentEvent("snapshot", id: id, message.span.bytes), to: connection)
  }

  /// A comment now and then, for what stands between and closes silent connections.
  func keepOpen(_ session: EventStreamSession, _ connection: Connection) {
    guard session.hasStarted, (second + connection.descriptor) % Self.commentInterval == 0 else { return }
    var comment: [UInt8] = []
    ServerSentEvents.appendComment(to: &comment)
    write(comment, to: connection)
  }

  // MARK: Ending

  /// The subscription was not made: the answer is the problem, unless one has begun.
  func refuse(_ problem: Problem, _ session: EventStreamSession, _ connection: Connection) {
    guard !session.hasStarted else {
      end(session, of: connection, code: 1013, reason: problem.detail)
      return
    }
    release(connection)
    connection.phase = .http(session.exchange)
    connection.form = .plain
    // What came behind the request was not kept.
    answer(
      .problem(problem), to: session.head, session.exchange, connection, requestID: session.requestID, closing: true)
  }

  /// Says why in a last event, with the code that a WebSocket would be closed with, and ends the answer.
  func end(_ session: EventStreamSession, of connection: Connection, code: UInt16, reason: String) {
    guard !session.isClosing else { return }
    guard session.hasStarted else {
      refuse(Self.problem(ofCloseCode: code, reason), session, connection)
      return
    }
    reply(to: connection) { ServerMessageEncoder.appendClose(code: code, reason: reason, to: &$0) }
    session.isClosing = true
    leaveAll(session)
    connection.closesWhenFlushed = true
    connection.deadline = second + 3
    markDirty(connection)
  }

  private static func problem(ofCloseCode code: UInt16, _ reason: String) -> Problem {
    switch code {
    case 4401: .unauthorized(reason)
    case 4403: .forbidden(reason)
    case 4404: .notFound("This channel")
    default: .unavailable(reason)
    }
  }

  /// The hub is about to restart: tells the client when to come again, in words and in the stream's own field.
  func depart(_ session: EventStreamSession, _ connection: Connection, reconnectMilliseconds wait: Int) {
    if session.hasStarted, !session.isClosing {
      reply(to: connection) {
        ServerMessageEncoder.appendGoAway(reason: "drain", reconnectMilliseconds: wait, to: &$0)
      }
      var field: [UInt8] = []
      ServerSentEvents.appendRetry(milliseconds: wait, to: &field)
      write(field, to: connection)
    }
    end(session, of: connection, code: 1012, reason: "restart")
  }
}

extension HTTPRequestHead {
  /// Whether an answer of this type may be sent (RFC 9110 §12.5.1); a range with a weight is taken unless the weight is 0.
  func accepts(_ type: String) -> Bool {
    let ranges = fields.list("Accept")
    guard !ranges.isEmpty else { return true }
    let whole = type.prefix { $0 != "/" } + "/*"
    return ranges.contains { range in
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
      guard let name = parts.first, name == type || name == whole || name == "*/*" else { return false }
      return !parts.dropFirst().contains { $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) } }
    }
  }
}
