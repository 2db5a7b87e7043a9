// The routes of kitchen tickets. There is none that makes a ticket: confirming an order does (OrdersRoutes).
// Every move may carry the `version` that the cook's screen shows.

extension Router {
  package mutating func addKitchen() {
    read("/api/v1/tickets", KitchenService.list)
    read("/api/v1/tickets/{id}", KitchenService.get)
    command("POST", "/api/v1/tickets/{id}/start", KitchenService.start)
    command("POST", "/api/v1/tickets/{id}/bump", KitchenService.bump)
    command("POST", "/api/v1/tickets/{id}/recall", KitchenService.recall)
    command("POST", "/api/v1/tickets/{id}/void-seen", KitchenService.voidSeen)
  }
}
