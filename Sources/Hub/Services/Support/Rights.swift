// The caller's rights as a service asks them. The answers are Domain's (Caller, Role); here they only become problems:
// what is not the caller's own looks as if it did not exist (domain.md §1). A service loads the row that an id names,
// asks with the restaurant that the row says, and only then looks at the rest of the request.
import Domain
import Protocol

extension Request {
  /// The signed-in caller, when the role may do this in that restaurant; 404 for `what` when it is another's.
  @discardableResult
  func require(_ permission: Permission, in restaurant: Identifier, of what: String = "The restaurant")
    throws(Problem) -> Caller
  {
    let caller = try signedIn
    switch caller.access(permission, in: restaurant) {
    case .granted: return caller
    case .forbidden: throw .forbidden()
    case .invisible: throw .notFound(what)
    }
  }

  /// The restaurant in the path, when the caller may do this in it.
  func restaurant(for permission: Permission) throws(Problem) -> Identifier {
    let restaurant = try identifier("id", of: "The restaurant")
    try require(permission, in: restaurant)
    return restaurant
  }

  /// The restaurant that a list is asked for: `?restaurant_id=`, or the only one of a caller of one.
  func queriedRestaurant(for permission: Permission) throws(Problem) -> Identifier {
    let restaurant: Identifier
    if let text = query["restaurant_id"] {
      guard let id = Identifier(text) else {
        throw .validation([FieldFault(field: "restaurant_id", code: "invalid_id", detail: "A UUID is needed.")])
      }
      restaurant = id
    } else {
      guard let only = try signedIn.onlyRestaurant else { throw .validation([.restaurantMissing]) }
      restaurant = only
    }
    try require(permission, in: restaurant)
    return restaurant
  }
}

extension FieldFault {
  /// A caller of several restaurants named none.
  static let restaurantMissing = FieldFault(
    field: "restaurant_id", code: "restaurant_missing", detail: "Say which of your restaurants is meant.")
}
