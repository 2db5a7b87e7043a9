// The routes of the menu: its one document, and the categories and products that it is made of. The stations where
// products are made belong to the restaurant (RestaurantsRoutes).

extension Router {
  package mutating func addMenu() {
    read("/api/v1/restaurants/{id}/menu", MenuService.menu)
    command("POST", "/api/v1/restaurants/{id}/categories", MenuService.addCategory)
    read("/api/v1/restaurants/{id}/products", MenuService.products)
    command("POST", "/api/v1/restaurants/{id}/products", MenuService.addProduct)
    read("/api/v1/products/{id}", MenuService.product)
    command("PATCH", "/api/v1/products/{id}", MenuService.changeProduct)
  }
}
