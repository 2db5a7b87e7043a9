// Rights that end while somebody listens. They end at a place of the channel: whoever hands out its events meets the
// change there (deliver for the channel as a whole, handOver for a subscriber that reads the log for itself), and from
// that place on the subscriber gets nothing. One that was behind is not brought forward any more. A change that has been
// taken back since (a restaurant was resumed) ends nothing: whoever reads past it later has the right again.
//
// What is asked before somebody listens is asked of the ledger (AccessLedger), after it is known to be complete.
import Channels
import Domain
import Postgres
import Protocol
import Telemetry

extension Reactor {
  // MARK: In the channel

  /// The change stands next in the channel: its events before it have been handed out.
  func withdraw(_ change: AccessChange, in channel: LocalChannel) {
    for subscriber in channel.seats.map(\.subscriber) { withdraw(change, from: subscriber) }
  }

  /// The change stands in what the subscriber reads for itself, which the feed may not have reached yet.
  func withdraw(_ change: AccessChange, _ event: LogEvent, from subscriber: Subscriber) -> Bool {
    node.api.feed.access.note(change, event, now: node.api.services.now)
    return withdraw(change, from: subscriber)
  }

  /// Ends what the subscriber's caller loses; whether the subscriber was dropped.
  @discardableResult
  private func withdraw(_ change: AccessChange, from subscriber: Subscriber) -> Bool {
    guard !subscriber.hasLeft, let session = subscriber.connection.session, let caller = session.caller,
      let loss = change.loss(of: caller), node.api.feed.access.confirms(loss, of: caller)
    else { return false }
    let connection = subscriber.connection
    node.counters.withdrawals.add()
    switch loss {
    case .session:
      close(connection, code: 4401, reason: "The session has ended (\(change.reason)).")
    case .membership(let restaurant):
      let rest = caller.leaving([restaurant])
      session.caller = rest
      let name = subscriber.channel.name
      if rest.mayListen(to: name.kind.rawValue, name.id) == .granted { return false }
      if rest.restaurants.isEmpty {
        close(connection, code: 4403, reason: "You no longer belong to this restaurant.")
      } else {
        unsubscribe(subscriber, session, reason: change.reason)
      }
    case .suspended(let restaurant):
      if caller.onlyRestaurant == restaurant {
        close(connection, code: 4403, reason: Problem.suspended.detail)
      } else {
        unsubscribe(subscriber, session, reason: change.reason)
      }
    }
    return true
  }

  private func unsubscribe(_ subscriber: Subscriber, _ session: ListeningSession, reason: String) {
    // An event stream has this one channel and no other use.
    guard subscriber.connection.webSocket != nil else {
      close(subscriber.connection, code: 4403, reason: reason)
      return
    }
    leave(subscriber, session)
    reply(to: subscriber.connection) {
      ServerMessageEncoder.appendUnsubscribed(id: nil, channel: subscriber.channel.text, reason: reason, to: &$0)
    }
  }

  // MARK: Before listening

  /// Throws when the rights to listen have ended since the subscription was asked for.
  func mayStillListen(_ subscriber: Subscriber) throws(Problem) {
    guard let caller = subscriber.connection.session?.caller else { return }
    try mayListen(caller, to: subscriber.channel.name)
  }

  /// Whether the channel is one of a restaurant that is suspended for this caller.
  func isSuspended(_ channel: ChannelName, for caller: Caller) -> Bool {
    switch channel.kind {
    case .restaurant, .kitchen, .pos, .payments:
      Identifier(channel.id).map { node.api.feed.access.isSuspended($0, for: caller) } ?? false
    case .ramp, .account, .platform: false
    }
  }

  /// Answers once the ledger is complete up to this offset of access:log, which is what it nearly always is.
  func completeAccess(upTo offset: Int64) async throws(Problem) {
    guard node.api.feed.access.position < offset else { return }
    do throws(PostgresError) {
      try await node.api.feed.completeAccess(upTo: offset)
    } catch {
      throw Problem(error)
    }
  }

  func closeCode(of problem: Problem) -> UInt16 {
    switch problem.status {
    case 401: 4401
    case 403: 4403
    case 404: 4404
    default: 1013
    }
  }

  // MARK: By the clock

  /// Closes the connections of ended sessions that no channel's event has closed: those without a subscription, or with
  /// one to a channel that had never had an event. Whoever listens is left to the channels for longer, since a node that is
  /// behind has events of before to hand out.
  func sweepEnded(now: Int64) {
    let ledger = node.api.feed.access
    if index == 0, second % 60 == 30 { ledger.forget(now: now) }
    let version = ledger.version
    if version != accessSeen {
      accessSeen = version
      sweepsUntil = second + 12
    }
    guard second < sweepsUntil else { return }
    for case let connection? in connections {
      guard let session = connection.session, !session.isClosing, let caller = session.caller,
        ledger.hasEnded(caller, by: now - (session.subscribers.isEmpty ? 2 : 10))
      else { continue }
      node.counters.withdrawals.add()
      close(connection, code: 4401, reason: Problem.sessionEnded.detail)
    }
  }
}
