// A right that ended or came back, and whose it was. Such changes stand in the log among the channel's events
// (0011-access.sql); whoever hands out events asks here whom they concern. What they cost a caller has two forms: the
// whole session, or one restaurant.

package struct AccessChange: Hashable, Sendable {
  /// What a change takes from a caller whom it concerns.
  package enum Loss: Hashable, Sendable {
    /// Everything: the caller is nobody any more.
    case session
    /// What belongs to one restaurant, for good.
    case membership(Identifier)
    /// What belongs to one restaurant, for as long as it is suspended.
    case suspended(Identifier)
  }

  /// The sessions concerned; nil when the change is of a restaurant, whoever is signed in.
  package let sessions: [Identifier]?
  /// The restaurant concerned; nil when the sessions are over.
  package let restaurant: Identifier?
  /// Whether something came back rather than ended.
  package let isRestored: Bool
  /// Stable and snake_case, such as `logout`.
  package let reason: String

  /// Nil when it names neither sessions nor a restaurant.
  package init?(sessions: [Identifier]?, restaurant: Identifier?, isRestored: Bool, reason: String) {
    guard sessions != nil || restaurant != nil else { return nil }
    self.sessions = sessions
    self.restaurant = restaurant
    self.isRestored = isRestored
    self.reason = reason
  }

  /// What the caller loses by it; nil for nothing. A platform owner sees suspended restaurants.
  package func loss(of caller: Caller) -> Loss? {
    guard !isRestored else { return nil }
    guard let sessions else {
      guard let restaurant, caller.role != .platformOwner else { return nil }
      return .suspended(restaurant)
    }
    guard let session = caller.sessionID, sessions.contains(session) else { return nil }
    return restaurant.map { .membership($0) } ?? .session
  }
}

extension Caller {
  /// The same caller without some restaurants.
  package func leaving(_ gone: Set<Identifier>) -> Caller {
    guard restaurants.contains(where: { gone.contains($0) }) else { return self }
    return Caller(
      userID: userID, role: role, restaurants: restaurants.filter { !gone.contains($0) }, sessionID: sessionID,
      rampID: rampID, expires: expires)
  }
}
