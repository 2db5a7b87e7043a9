// Who may do what: one table, role × permission (domain.md §1). Whether it holds in a given restaurant is the caller's
// question (Caller.swift); which channels may be heard is in ChannelRights.swift.

/// What a signed-in person, device or capability is.
package enum Role: String, Hashable, Sendable, CaseIterable {
  case platformOwner = "platform_owner"
  case restaurantOwner = "restaurant_owner"
  case manager
  case employee
  /// A kitchen screen of one restaurant.
  case kitchen
  /// A till of one restaurant.
  case till
  /// A capability: one ramp and nothing else.
  case ramp

  /// People who work in a restaurant, as against devices and capabilities.
  package var isStaff: Bool {
    switch self {
    case .platformOwner, .restaurantOwner, .manager, .employee: true
    case .kitchen, .till, .ramp: false
    }
  }

  /// What the role may do in a restaurant that it belongs to.
  package var permissions: Set<Permission> { Role.table[self] ?? [] }

  private static let table: [Role: Set<Permission>] = {
    let viewing: Set<Permission> = [.viewRestaurant, .viewMenu]
    let kitchen = viewing.union([.viewTickets, .moveTickets, .changeAvailability])
    let till = viewing.union([
      .viewTickets, .viewOrders, .createOrders, .moveOrders, .cancelOrders, .viewPayments, .takePayments,
      .changeAvailability,
    ])
    let employee = kitchen.union(till)
    let manager = employee.union([.editRestaurant, .editMenu, .refundPayments, .manageDevices, .manageStaff])
    return [
      .platformOwner: Set(Permission.allCases),
      .restaurantOwner: manager,
      .manager: manager,
      .employee: employee,
      .kitchen: kitchen,
      .till: till,
      .ramp: [],
    ]
  }()
}

/// One thing that can be allowed.
package enum Permission: Hashable, Sendable, CaseIterable {
  case viewRestaurant, editRestaurant, createRestaurants
  case viewMenu, editMenu
  /// Say that a product is out ("86") or back.
  case changeAvailability
  case viewOrders, createOrders, moveOrders, cancelOrders
  case viewTickets, moveTickets
  case viewPayments, takePayments, refundPayments
  case manageStaff, manageDevices
  /// Publish an event by hand, as an admin.
  case publishEvents
}
