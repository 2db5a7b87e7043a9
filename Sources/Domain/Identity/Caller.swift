// Whoever asks: what a verified token says, as a value. Every right is asked here and nowhere else. The answer has
// three forms, since a restaurant that is not the caller's own must look as if it did not exist (404, domain.md §1).

/// The answer to a question of rights.
package enum Access: Hashable, Sendable {
  case granted
  /// The caller may know of the thing, but not do this: 403.
  case forbidden
  /// To this caller the thing does not exist: 404.
  case invisible
}

/// A signed-in caller.
package struct Caller: Hashable, Sendable {
  /// The user, or the device for a device's token.
  package let userID: Identifier
  package let role: Role
  /// The restaurants that the caller belongs to; a platform owner needs none.
  package let restaurants: [Identifier]
  /// Nil for a capability, which has no session to end.
  package let sessionID: Identifier?
  /// The one ramp of a ramp token.
  package let rampID: Identifier?
  /// When the token ends, in seconds since 1970.
  package let expires: Int64

  package init(
    userID: Identifier, role: Role, restaurants: [Identifier], sessionID: Identifier?, rampID: Identifier? = nil,
    expires: Int64
  ) {
    self.userID = userID
    self.role = role
    self.restaurants = restaurants
    self.sessionID = sessionID
    self.rampID = rampID
    self.expires = expires
  }

  /// A token is good before its last second begins (RFC 7519 §4.1.4: not on or after `exp`).
  package func isExpired(at seconds: Int64) -> Bool { seconds >= expires }

  package func belongs(to restaurant: Identifier) -> Bool { restaurants.contains(restaurant) }

  /// The restaurant meant by a request that names none: only a caller of exactly one has it.
  package var onlyRestaurant: Identifier? { restaurants.count == 1 ? restaurants[0] : nil }

  /// Whether the caller may do this in that restaurant.
  package func access(_ permission: Permission, in restaurant: Identifier) -> Access {
    guard role == .platformOwner || belongs(to: restaurant) else { return .invisible }
    return role.permissions.contains(permission) ? .granted : .forbidden
  }

  package func may(_ permission: Permission, in restaurant: Identifier) -> Bool {
    access(permission, in: restaurant) == .granted
  }

  /// Whether the caller may do what belongs to no restaurant, such as opening one.
  package func mayOnPlatform(_ permission: Permission) -> Bool {
    role == .platformOwner && role.permissions.contains(permission)
  }
}
