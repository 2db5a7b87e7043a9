// The routes of orders. A deleted order is a cancelled one: nothing that was sold ever disappears.
// The kitchen's side of an order has routes of its own (KitchenRoutes).

extension Router {
  package mutating func addOrders() {
    command("POST", "/api/v1/orders", OrdersService.place)
    read("/api/v1/orders", OrdersService.list)
    read("/api/v1/orders/today", OrdersService.open)
    read("/api/v1/orders/{id}", OrdersService.get)
    read("/api/v1/orders/{id}/history", OrdersService.history)
    command("POST", "/api/v1/orders/{id}/confirm", OrdersService.confirm)
    command("POST", "/api/v1/orders/{id}/prepare", OrdersService.prepare)
    command("POST", "/api/v1/orders/{id}/ready", OrdersService.ready)
    command("POST", "/api/v1/orders/{id}/complete", OrdersService.complete)
    command("POST", "/api/v1/orders/{id}/cancel", OrdersService.cancel)
    command("DELETE", "/api/v1/orders/{id}", OrdersService.cancel)
  }
}
