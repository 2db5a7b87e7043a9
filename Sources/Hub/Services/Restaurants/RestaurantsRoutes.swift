// The routes of restaurants and their stations. What a restaurant sells is under the same paths and belongs to the menu
// (MenuRoutes).

extension Router {
  package mutating func addRestaurants() {
    read("/api/v1/restaurants", RestaurantsService.list)
    command("POST", "/api/v1/restaurants", RestaurantsService.open)
    read("/api/v1/restaurants/{id}", RestaurantsService.get)
    command("PATCH", "/api/v1/restaurants/{id}", RestaurantsService.change)
    read("/api/v1/restaurants/{id}/stations", RestaurantsService.stations)
    command("POST", "/api/v1/restaurants/{id}/stations", RestaurantsService.addStation)
  }
}
