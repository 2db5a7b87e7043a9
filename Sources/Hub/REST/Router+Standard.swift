// Every route of the hub, service by service.

extension Router {
  package static let standard: Router = {
    var router = Router()
    router.addIdentity()
    router.addAccess()
    router.addRestaurants()
    router.addMenu()
    router.addOrders()
    router.addKitchen()
    router.addChannels()
    router.addReceipts()
    return router
  }()
}
