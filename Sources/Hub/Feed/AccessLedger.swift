// Whose rights have ended lately, as this node knows it: sessions whose access tokens could still be shown, restaurants
// that such tokens still name, restaurants that are suspended. The feed writes it, from access:log and from the channels
// themselves, before it hands an event on; every reactor reads it.
//
// 1. `position` is the offset of access:log up to which it is complete. A statement that moves a subscriber forward (a
//    snapshot, a head, the log's first event) answers that log's head as of the same moment: whoever is not complete up to
//    there asks the feed first (Feed.completeAccess). So nothing read after a revocation is given to whom it revoked.
// 2. Entries are kept for as long as an access token lives. It never forgets a suspended restaurant.
// 3. An event has one id in all channels. A channel may be late: what access:log has told already is not taken in again,
//    or a restaurant that has been resumed since would be taken for suspended.
package import Domain
package import Protocol
import Synchronization
import Telemetry

package final class AccessLedger: Sendable {
  /// Seconds that an entry is kept: the life of an access token and what clocks may differ by.
  package static let lifetime = TokenIssuer.accessSeconds + 60

  private struct State {
    var position: Int64 = 0
    /// Sessions that are over, with the second until which it matters.
    var ended: [Identifier: Int64] = [:]
    /// Restaurants that sessions which go on have lost.
    var left: [Identifier: [Identifier: Int64]] = [:]
    var suspended: Set<Identifier> = []
    /// The ids of the changes that access:log has told.
    var told: [String: Int64] = [:]
    var version = 0

    mutating func note(_ change: AccessChange, until: Int64) {
      version += 1
      switch (change.sessions, change.restaurant) {
      case (let sessions?, nil):
        if !change.isRestored { for session in sessions { ended[session] = until } }
      case (let sessions?, let restaurant?):
        for session in sessions { left[session, default: [:]][restaurant] = change.isRestored ? nil : until }
      case (nil, let restaurant?):
        if change.isRestored { suspended.remove(restaurant) } else { suspended.insert(restaurant) }
      case (nil, nil): break
      }
    }
  }

  private let state = Mutex(State())

  package init() {}

  /// The offset of access:log up to which it is complete.
  package var position: Int64 { state.withLock(\.position) }

  /// Another number after every change.
  package var version: Int { state.withLock(\.version) }

  // MARK: Asking

  /// The caller as it is now: 401 when its session is over, without the restaurants that it has left.
  package func current(_ caller: Caller) throws(Problem) -> Caller {
    guard let session = caller.sessionID else { return caller }
    let (isOver, left) = state.withLock { ($0.ended[session] != nil, $0.left[session]) }
    if isOver { throw .sessionEnded }
    return left.map { caller.leaving(Set($0.keys)) } ?? caller
  }

  /// Whether it was known by then, in seconds since 1970, that the caller's session is over.
  package func hasEnded(_ caller: Caller, by moment: Int64 = .max) -> Bool {
    guard let session = caller.sessionID, let until = state.withLock({ $0.ended[session] }) else { return false }
    return until - Self.lifetime <= moment
  }

  /// Whether what an event took from the caller has not come back since.
  package func confirms(_ loss: AccessChange.Loss, of caller: Caller) -> Bool {
    guard case .suspended(let restaurant) = loss else {
      guard let session = caller.sessionID else { return false }
      return state.withLock { state in
        if case .membership(let restaurant) = loss { return state.left[session]?[restaurant] != nil }
        return state.ended[session] != nil
      }
    }
    return isSuspended(restaurant, for: caller)
  }

  /// Whether the restaurant is suspended for this caller.
  package func isSuspended(_ restaurant: Identifier, for caller: Caller) -> Bool {
    caller.role != .platformOwner && state.withLock { $0.suspended.contains(restaurant) }
  }

  // MARK: Writing

  /// Takes in a change from access:log or from another channel; again is harmless. `now` is in seconds since 1970.
  package func note(_ change: AccessChange, _ event: LogEvent, now: Int64) {
    let isLog = event.channel == AccessChange.channel
    // Older than any token that it could matter to: what is true now was read when LISTEN came into force.
    if !isLog, event.at < Timestamp(microseconds: (now - Self.lifetime) * 1_000_000).description { return }
    state.withLock { state in
      // Whoever commits a change notes it too, maybe after the feed has gone past it and past what took it back.
      if isLog ? event.offset <= state.position : state.told[event.id] != nil { return }
      state.note(change, until: now + Self.lifetime)
      if isLog { state.told[event.id] = now + Self.lifetime }
    }
  }

  /// It is complete up to here.
  package func reached(_ offset: Int64) {
    state.withLock { $0.position = max($0.position, offset) }
  }

  /// Begins anew with what the database says as of one moment (app.access_state); answers the head of access:log then.
  package func replace(with document: JSON, now: Int64) -> Int64 {
    let head = document["head"]?.int64 ?? 0
    let suspended = (document["suspended"]?.array ?? []).compactMap { $0.string.flatMap { Identifier($0) } }
    state.withLock { state in
      // What the channels have told already stays known, though it is nearly always among the changes.
      state.ended = state.ended.filter { $0.value > now }
      state.left = [:]
      for entry in document["changes"]?.array ?? [] {
        guard let data = entry["data"], let change = AccessChange(name: entry["name"]?.string ?? "", data: data) else {
          continue
        }
        state.note(change, until: now + Self.lifetime)
        if let id = entry["id"]?.string { state.told[id] = now + Self.lifetime }
      }
      state.suspended = Set(suspended)
      state.position = head
    }
    return head
  }

  /// Lets go of what no token can need any more.
  package func forget(now: Int64) {
    state.withLock { state in
      if state.told.isEmpty, state.ended.isEmpty, state.left.isEmpty { return }
      state.told = state.told.filter { $0.value > now }
      state.ended = state.ended.filter { $0.value > now }
      state.left = state.left.mapValues { $0.filter { $0.value > now } }.filter { !$0.value.isEmpty }
    }
  }
}

extension AccessChange {
  static let channel = "access:log"
  private static let prefix = "access."

  /// Whether events of this name change rights; nobody but the access functions can publish such.
  static func isNamed(_ name: String) -> Bool { name.utf8.starts(with: prefix.utf8) }

  /// The change that an event is.
  init?(name: String, data: JSON) {
    guard Self.isNamed(name) else { return nil }
    self.init(
      sessions: data["sessions"]?.array?.compactMap { $0.string.flatMap { Identifier($0) } },
      restaurant: data["restaurant"]?.string.flatMap { Identifier($0) }, isRestored: name == "access.restored",
      reason: data["reason"]?.string ?? "ended")
  }

  init?(_ event: LogEvent) {
    guard Self.isNamed(event.name), let data = try? JSON.parse(event.data) else { return nil }
    self.init(name: event.name, data: data)
  }
}

extension Problem {
  static var sessionEnded: Problem {
    var problem = Problem.unauthorized("The session has ended; sign in again.")
    problem.code = "session_ended"
    problem.headers = [("WWW-Authenticate", "Bearer error=\"invalid_token\"")]
    return problem
  }

  static var suspended: Problem { Problem(403, "restaurant_suspended", "The restaurant is suspended.") }
}
