// What a client says on its WebSocket, and what it is answered (wire §2).
import Channels
import Domain
import EventLoop
import Protocol
import Telemetry

extension Reactor {
  /// Frames that have just been read; they lie in the reactor's buffer and are decoded in place.
  func receive(_ bytes: UnsafeMutableRawBufferPointer, on session: WebSocketSession, of connection: Connection) {
    session.unansweredPings = 0
    corked = connection
    defer { uncork(connection) }
    var position = 0
    frames: while true {
      switch session.decoder.next(in: bytes, at: &position) {
      case .needsMore:
        break frames
      case .message(let kind, let payload, let isCompressed):
        if session.isClosing { continue }
        if isCompressed {
          receiveCompressed(kind, payload, in: bytes, session, connection)
          continue
        }
        switch payload {
        case .inPlace(let range): receive(kind, UnsafeRawBufferPointer(rebasing: bytes[range]), session, connection)
        case .owned(let message): message.withUnsafeBytes { receive(kind, $0, session, connection) }
        }
      case .ping(let payload):
        if session.isClosing { continue }
        switch payload {
        case .inPlace(let range): write(.pong, UnsafeRawBufferPointer(rebasing: bytes[range]), to: connection)
        case .owned(let payload): payload.withUnsafeBytes { write(.pong, $0, to: connection) }
        }
      case .pong:
        break
      case .close(let code, _):
        peerCloses(code, session, connection)
        return
      case .violation(let code, let reason):
        node.counters.violations.add()
        close(connection, code: code, reason: reason)
        return
      }
      if connection.isClosed { return }
    }
  }

  /// One whole message.
  func receive(
    _ kind: WebSocketMessageKind, _ text: UnsafeRawBufferPointer, _ session: WebSocketSession, _ connection: Connection
  ) {
    if session.purpose == .echo {
      writeMessage(kind, text, to: connection)
      return
    }
    guard kind == .text else {
      badMessage("Send text messages; this one is binary.", nil, session, connection)
      return
    }
    let message: ClientMessage
    do throws(BadMessage) {
      message = try ClientMessage.parse(text.bytes)
    } catch {
      badMessage(error.detail, error.id, session, connection)
      return
    }
    switch message {
    case .ping(let id):
      reply(to: connection) { ServerMessageEncoder.appendPong(id: id, at: instant(), to: &$0) }
    case .auth(let id, let token):
      authenticate(token, id, session, connection)
    case .subscribe(let request):
      guard signedIn(request.id, session, connection) else { return }
      guard let name = ChannelName(request.channel) else {
        error(Problem(404, "not_found", "There is no such channel."), request.id, connection)
        return
      }
      do throws(Problem) {
        let pending = PendingSubscription(
          channel: name, id: request.id, since: request.since, epoch: request.epoch,
          wantsSnapshot: request.wantsSnapshot, wantsPresence: request.wantsPresence,
          stations: try request.stations.map { texts throws(Problem) in try stations(texts) })
        subscribe(pending, session, connection)
      } catch {
        self.error(error, request.id, connection)
      }
    case .unsubscribe(let id, let channel):
      guard let name = ChannelName(channel), let subscriber = session.subscriber(of: name) else {
        error(Problem(404, "not_subscribed", "This connection does not listen to that channel."), id, connection)
        return
      }
      leave(subscriber, session)
      reply(to: connection) {
        ServerMessageEncoder.appendUnsubscribed(id: id, channel: name.description, reason: nil, to: &$0)
      }
    case .command(let command):
      guard signedIn(command.id, session, connection) else { return }
      run(command, session, connection)
    case .seen(let channel, let offset, let level):
      seen(channel, offset, level, session)
    }
  }

  // MARK: Messages

  private func signedIn(_ id: MessageID?, _ session: WebSocketSession, _ connection: Connection) -> Bool {
    if session.caller != nil { return true }
    error(.unauthorized("Send auth first."), id, connection)
    return false
  }

  private func authenticate(
    _ token: String, _ id: MessageID?, _ session: WebSocketSession, _ connection: Connection
  ) {
    let caller: Caller
    do throws(Problem) {
      caller = try self.caller(of: token)
    } catch {
      close(connection, code: 4401, reason: error.detail)
      return
    }
    if let previous = session.caller, previous.userID != caller.userID {
      close(connection, code: 4401, reason: "A connection keeps its user; open another one.")
      return
    }
    session.caller = caller
    connection.deadline = .max
    sendWelcome(id, session, connection)
    // A new token may carry fewer rights than the one before.
    for subscriber in session.subscribers
    where caller.mayListen(to: subscriber.channel.name.kind.rawValue, subscriber.channel.name.id) != .granted {
      leave(subscriber, session)
      reply(to: connection) {
        ServerMessageEncoder.appendUnsubscribed(id: nil, channel: subscriber.channel.text, reason: "forbidden", to: &$0)
      }
    }
    if let pending = session.pending {
      do throws(Problem) {
        try mayListen(caller, to: pending.channel)
        subscribePending(session, connection)
      } catch {
        close(connection, code: error.status == 404 ? 4404 : 4403, reason: error.detail)
      }
    }
  }

  private func run(_ command: ClientMessage.Command, _ session: WebSocketSession, _ connection: Connection) {
    guard session.commandsRunning < node.configuration.limits.commandsPerConnection else {
      error(
        Problem(429, "too_many_commands", "Wait for some of the running commands first."), command.id, connection)
      return
    }
    let parts = command.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let call = APICall(
      method: command.method, path: String(parts[0]), query: parts.count == 2 ? String(parts[1]) : "",
      body: command.body?.serialised() ?? [], contentType: nil, caller: session.caller, idempotencyKey: command.key,
      peer: connection.peer.description,
      requestID: node.api.services.newIdentifier().description)
    session.commandsRunning += 1
    commandsRunning += 1
    Task.immediate(executorPreference: tasks) {
      let result = await node.api.perform(call, database: database, pool: pool)
      session.commandsRunning -= 1
      commandsRunning -= 1
      node.counters.commands.add()
      reply(to: connection) {
        ServerMessageEncoder.appendReply(
          id: command.id, status: result.status, body: result.body.isEmpty ? nil : result.body.span.bytes,
          offsets: result.offsets, to: &$0)
      }
      if session.isLeaving, session.commandsRunning == 0 { close(connection, code: 1012, reason: "restart") }
    }
  }

  private func badMessage(
    _ detail: String, _ id: MessageID?, _ session: WebSocketSession, _ connection: Connection
  ) {
    if second - session.badSince >= 60 {
      session.badSince = second
      session.badMessages = 0
    }
    session.badMessages += 1
    error(Problem(400, "bad_message", detail), id, connection)
    if session.badMessages >= 10 { close(connection, code: 4400, reason: "too many bad messages") }
  }

  // MARK: Answers

  /// Writes one message, made by `append` as JSON.
  func reply(to connection: Connection, _ append: (inout [UInt8]) -> Void) {
    guard let session = connection.session, !session.isClosing else { return }
    message.removeAll(keepingCapacity: true)
    append(&message)
    message.withUnsafeBytes { writeMessage(.text, $0, to: connection) }
  }

  func error(_ problem: Problem, _ id: MessageID?, _ connection: Connection) {
    reply(to: connection) {
      ServerMessageEncoder.appendError(
        id: id, code: problem.code, status: problem.status, detail: problem.detail, to: &$0)
    }
  }

  func sendWelcome(_ id: MessageID?, _ session: ListeningSession, _ connection: Connection) {
    let caller = session.caller
    reply(to: connection) {
      ServerMessageEncoder.appendWelcome(
        id: id, connection: session.identifier.description, node: node.name, epoch: node.feedState.epoch,
        heartbeatSeconds: Int(node.configuration.heartbeatSeconds),
        user: caller.map { ServerMessageEncoder.User(id: $0.userID.description, role: $0.role.rawValue) },
        expires: caller.map { instant($0.expires * 1_000_000) }, to: &$0)
    }
  }

  // MARK: Closing

  /// Begins the closing handshake from our side, or ends an event stream.
  func close(_ connection: Connection, code: UInt16, reason: String) {
    if case .eventStream(let stream) = connection.phase { end(stream, of: connection, code: code, reason: reason) }
    guard let session = connection.webSocket, !session.isClosing else { return }
    sendCork(to: connection)
    guard !connection.isClosed else { return }
    session.isClosing = true
    leaveAll(session)
    var frame: [UInt8] = []
    WebSocketEncoder.appendClose(code: code, reason: reason, to: &frame)
    write(frame, to: connection)
    // Time for the peer's own close frame; then the connection is shut whatever came.
    connection.deadline = second + 3
    if code == 1002 || 1007...1009 ~= code { connection.closesWhenFlushed = true }
  }

  /// The peer's close frame: the answer to ours, or the beginning of its own.
  private func peerCloses(_ code: UInt16?, _ session: WebSocketSession, _ connection: Connection) {
    sendCork(to: connection)
    guard !connection.isClosed else { return }
    if !session.isClosing {
      session.isClosing = true
      leaveAll(session)
      var frame: [UInt8] = []
      WebSocketEncoder.appendClose(code: code, to: &frame)
      write(frame, to: connection)
    }
    // A peer that does not read on is not waited for long.
    connection.deadline = second + 3
    connection.closesWhenFlushed = true
    markDirty(connection)
  }
}
