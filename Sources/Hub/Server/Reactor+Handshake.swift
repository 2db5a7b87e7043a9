// GET /ws and its shortcuts (wire §2): origin, sign-in, the shortcut's channel, then 101.
import Channels
import Crypto
import Domain
import Postgres
import Protocol
import Telemetry

/// SHA-1 as the handshake wants it: bytes in, bytes out.
private func sha1(_ bytes: [UInt8]) -> [UInt8] {
  let digest = SHA1.hash(bytes.span.bytes)
  return digest.indices.map { digest[$0] }
}

extension Reactor {
  func beginHandshake(_ request: HTTPRequest, _ exchange: HTTPExchange, _ connection: Connection) {
    let head = request.head
    let prepared: Prepared
    do throws(Problem) {
      prepared = try prepare(head)
    } catch {
      answer(.problem(error), to: head, exchange, connection)
      return
    }
    guard let wanted = prepared.pending, prepared.caller != nil else {
      upgrade(prepared, head, exchange, connection)
      return
    }
    // Whether the restaurant or ramp exists is asked before the upgrade, so that the answer can be a 404.
    Task.immediate(executorPreference: tasks) {
      do throws(Problem) {
        try await confirm(wanted.channel)
      } catch {
        answer(.problem(error), to: head, exchange, connection)
        return
      }
      guard !connection.isClosed else { return }
      let backlog = exchange.backlog
      upgrade(prepared, head, exchange, connection)
      if let session = connection.webSocket {
        var rest = backlog
        rest.withUnsafeMutableBytes { receive($0, on: session, of: connection) }
        resumeReading(connection)
      }
    }
  }

  /// Throws 404 when there is nothing behind the channel.
  func confirm(_ channel: ChannelName) async throws(Problem) {
    // Others listen to it here: it was asked for them.
    if let known = channels[channel], known.position != nil, !known.subscribers.isEmpty { return }
    let rows = try await database.rows(
      "SELECT app.channel_exists($1, $2)", [.text(channel.kind.rawValue), .text(channel.id)])
    guard rows[0].bool(0) else { throw .notFound("This channel") }
  }

  private struct Prepared {
    var caller: Caller?
    var pending: PendingSubscription?
    var offer: WebSocketHandshake.Offer
  }

  /// What the client asks for, if the request is a handshake without fault.
  func offer(of head: HTTPRequestHead) throws(Problem) -> WebSocketHandshake.Offer {
    switch WebSocketHandshake.evaluate(head, sha1: { sha1($0) }) {
    case .notAnUpgrade:
      throw Problem(
        426, "upgrade_required", "This address speaks WebSocket.",
        headers: [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")])
    case .refused(let status, let detail):
      throw Problem(status, "bad_handshake", detail, headers: status == 426 ? [("Sec-WebSocket-Version", "13")] : [])
    case .accepted(let offer):
      return offer
    }
  }

  private func prepare(_ head: HTTPRequestHead) throws(Problem) -> Prepared {
    let offer = try offer(of: head)
    guard node.crossOrigin.mayConnect(head) else {
      throw Problem(403, "origin_not_allowed", "This page's origin may not connect.")
    }
    let query = try queryWithoutToken(head)
    let bearers = offer.subprotocols.filter { $0.hasPrefix("bearer.") }
    var caller: Caller?
    if let token = try bearer(of: head) {
      caller = try self.caller(of: token)
    } else if let offered = bearers.first {
      caller = try self.caller(of: String(offered.dropFirst(7)))
    }
    var pending = try shortcut(head.path, caller)
    if var wanted = pending {
      wanted.since = try offset(query["since"])
      wanted.epoch = query["epoch"]
      wanted.wantsSnapshot = query["snapshot"] != "false"
      try addPresence(from: query, to: &wanted)
      pending = wanted
    }
    if let pending, let caller { try mayListen(caller, to: pending.channel) }
    return Prepared(caller: caller, pending: pending, offer: offer)
  }

  /// The query of a request that opens a connection; a token in it would end in logs.
  func queryWithoutToken(_ head: HTTPRequestHead) throws(Problem) -> QueryParameters {
    guard let query = QueryParameters(head.query) else { throw .badRequest("The query is malformed.") }
    for name in ["token", "access_token", "authorization", "jwt"] where query[name] != nil {
      throw .badRequest(
        "A token does not belong in an address; send it in a header or message.", code: "token_in_query")
    }
    return query
  }

  private func offset(_ text: String?) throws(Problem) -> Int64? {
    guard let text else { return nil }
    guard let offset = Int64(text), offset >= 0 else { throw .badRequest("since is an offset, 0 or more.") }
    return offset
  }

  /// The channel that a path names; nil for `/ws` itself.
  private func shortcut(_ path: String, _ caller: Caller?) throws(Problem) -> PendingSubscription? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).map(String.init)
    let name: ChannelName?
    switch (parts.first, parts.count) {
    case (nil, _): return nil
    case ("pos-updates", 1): name = ChannelName(.pos, try onlyRestaurant(caller))
    case ("payments", 1): name = ChannelName(.payments, try onlyRestaurant(caller))
    case ("kitchen", 2): name = ChannelName(.kitchen, parts[1])
    case ("pos", 2): name = ChannelName(.pos, parts[1])
    case ("ramps", 2): name = ChannelName(.ramp, parts[1])
    case ("accounts", 2): name = ChannelName(.account, parts[1])
    case (let id?, 1): name = ChannelName(.restaurant, id)
    default: name = nil
    }
    guard let name else { throw .notFound("This channel") }
    return PendingSubscription(channel: name, isShortcut: true)
  }

  /// These two paths need the token at the handshake: without one there is no restaurant to mean.
  private func onlyRestaurant(_ caller: Caller?) throws(Problem) -> String {
    guard let caller else { throw .unauthorized() }
    guard let restaurant = caller.onlyRestaurant else {
      throw Problem(403, "forbidden", "Your token is not one of a single restaurant; name the channel.")
    }
    return restaurant.description
  }

  func mayListen(_ caller: Caller, to channel: ChannelName) throws(Problem) {
    switch try node.api.feed.access.current(caller).mayListen(to: channel.kind.rawValue, channel.id) {
    case .granted: if isSuspended(channel, for: caller) { throw .suspended }
    case .forbidden: throw .forbidden("Your role may not listen to this channel.")
    case .invisible: throw .notFound("This channel")
    }
  }

  private func upgrade(
    _ prepared: Prepared, _ head: HTTPRequestHead, _ exchange: HTTPExchange, _ connection: Connection
  ) {
    if isDraining {
      answer(.problem(.unavailable("The hub is restarting; connect again.")), to: head, exchange, connection)
      return
    }
    let session = WebSocketSession(
      purpose: .hub, limits: node.configuration.limits.webSocket, identifier: node.api.services.newIdentifier(),
      caller: prepared.caller)
    session.pending = prepared.pending
    do throws(Problem) {
      try begin(session, by: prepared.offer, connection)
    } catch {
      answer(.problem(error), to: head, exchange, connection)
      return
    }
    connection.deadline = prepared.caller == nil ? second + node.configuration.limits.signInSeconds : .max
    sendWelcome(nil, session, connection)
    subscribePending(session, connection)
  }

  /// Answers 101 and hands the connection to the session.
  func begin(
    _ session: WebSocketSession, by offer: WebSocketHandshake.Offer, _ connection: Connection
  ) throws(Problem) {
    var bytes: [UInt8] = []
    let subprotocol = offer.subprotocols.contains("hub.v1") ? "hub.v1" : nil
    let extensions = agree(on: offer, session, connection)
    do {
      try WebSocketHandshake.appendResponse(
        to: offer, subprotocol: subprotocol, extensions: extensions, to: &bytes)
    } catch {
      throw .internal()
    }
    writeCorked(bytes, to: connection)
    connection.phase = .webSocket(session)
    node.counters.webSockets.add()
  }

  func subscribePending(_ session: WebSocketSession, _ connection: Connection) {
    guard session.caller != nil, let pending = session.pending else { return }
    session.pending = nil
    subscribe(pending, session, connection)
  }
}
