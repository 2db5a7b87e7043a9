// Who may listen to which channel: the table of wire.md §1, by plain values so that this module needs no other. A
// platform owner hears `restaurant:` and `platform`; the narrower channels of a restaurant are for those who work
// there.

extension Caller {
  /// Whether the caller may listen to the channel `kind:id` (`platform` has an empty id).
  ///
  /// `owner` is the user to whom a ramp belongs, when that is known.
  package func mayListen(to kind: String, _ id: String, owner: Identifier? = nil) -> Access {
    switch kind {
    case "restaurant": access(toChannelOf: id, everywhere: [.platformOwner], within: [.restaurantOwner, .manager])
    case "kitchen": access(toChannelOf: id, within: Caller.staff.union([.kitchen]))
    case "pos", "payments": access(toChannelOf: id, within: Caller.staff.union([.till]))
    case "ramp": accessToRamp(id, owner: owner)
    case "account": role == .platformOwner ? .granted : .invisible
    case "platform": id.isEmpty ? (role == .platformOwner ? .granted : .forbidden) : .invisible
    default: .invisible
    }
  }

  private static let staff = Set(Role.allCases.filter(\.isStaff))

  private func access(
    toChannelOf text: String, everywhere: Set<Role> = [], within: Set<Role>
  ) -> Access {
    guard let restaurant = Identifier(text) else { return .invisible }
    if everywhere.contains(role) { return .granted }
    // A platform owner sees every restaurant, so a narrower channel is forbidden to it rather than unknown.
    guard belongs(to: restaurant) else { return role == .platformOwner ? .forbidden : .invisible }
    return within.contains(role) ? .granted : .forbidden
  }

  private func accessToRamp(_ text: String, owner: Identifier?) -> Access {
    guard let ramp = Identifier(text) else { return .invisible }
    if role == .ramp { return rampID == ramp ? .granted : .invisible }
    return role.isStaff && owner == userID ? .granted : .invisible
  }
}
