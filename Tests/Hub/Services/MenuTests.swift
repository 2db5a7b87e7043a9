// The menu and what is out of stock: domain.md §2.
import Domain
import Protocol
import Testing

@testable import Hub

@Suite struct MenuTests {
  @Test func `All faults of a product are named together`() async throws {
    let house = try await House.open()
    let reply = await house.call(
      "POST", "/restaurants/\(house.id)/products",
      ["price": "1.234", "category_id": .string(house.id), "station_id": "x", "stock": -1], as: .manager)
    #expect(reply.status == 422)
    #expect(
      reply.faults == [
        "name text_missing", "price invalid_amount", "station_id invalid_id", "stock invalid_number",
        "category_id category_not_found",
      ])
  }

  @Test func `A category of another restaurant does not exist`() async throws {
    let house = try await House.open()
    let other = try await House.open()
    let foreign = await other.call("GET", "/products/\(other.steak)")["category_id"] ?? nil
    let reply = await house.call("PATCH", "/products/\(house.steak)", ["category_id": foreign], as: .manager)
    #expect(reply.faults == ["category_id category_not_found"])
  }

  @Test func `The menu has categories with the products on sale, and an ETag`() async throws {
    let house = try await House.open()
    _ = await house.call("PATCH", "/products/\(house.card)", ["active": false], as: .manager)
    let menu = await house.call("GET", "/restaurants/\(house.id)/menu", as: .till)
    let products = menu["categories"]?[0]?["products"]?.array ?? []
    #expect(products.compactMap { $0["name"]?.string } == ["Salad", "Steak"])
    #expect(products.first?["price"] == "10.00")
    #expect(products.first?["stock"] == .some(.null))
  }

  @Test func `A cook may say that a product is out, and no more`() async throws {
    let house = try await House.open()
    let path = "/products/\(house.steak)"
    let out = await house.call("PATCH", path, ["available": false], as: .kitchen)
    #expect(out["available"] == false)
    for kind in ["kitchen", "pos", "restaurant"] {
      #expect(out.events(on: kind).contains("menu.item_unavailable"), "\(kind)")
    }
    #expect(await house.call("PATCH", path, ["price": "1.00"], as: .kitchen).status == 403)
    #expect(await house.place(house.steak).faults == ["items[0].product_id product_unavailable"])
    let back = await house.call("PATCH", path, ["available": true], as: .kitchen)
    #expect(back.events(on: "kitchen") == ["menu.item_available"])
    #expect(await house.place(house.steak).status == 201)
  }

  @Test func `Null takes a product's station and count away; what is left out stays`() async throws {
    let house = try await House.open()
    let path = "/products/\(house.steak)"
    await house.count(house.steak, 5)
    let renamed = await house.call("PATCH", path, ["name": "Ribeye"], as: .manager)
    #expect(renamed["stock"] == 5)
    #expect(renamed["station_id"]?.string != nil)
    let bare = await house.call("PATCH", path, ["station_id": nil, "stock": nil], as: .manager)
    #expect(bare["stock"] == .some(.null))
    #expect(bare["station_id"] == .some(.null))
    #expect(bare["name"] == "Ribeye")
  }

  @Test func `The last portion makes a product unavailable, and cancelling gives it back`() async throws {
    let house = try await House.open()
    await house.count(house.steak, 1)
    let sold = await house.place(house.steak)
    #expect(sold.events(on: "kitchen") == ["menu.item_unavailable"])
    #expect(sold.events(on: "pos") == ["order.created", "menu.item_unavailable"])
    #expect(await house.place(house.steak).faults == ["items[0].quantity insufficient_stock"])
    let cancelled = await house.call("DELETE", "/orders/\(sold.id)")
    #expect(cancelled.events(on: "kitchen") == ["menu.item_available"])
    #expect(await house.call("GET", "/products/\(house.steak)")["stock"] == 1)
  }

  @Test func `What the kitchen has begun is not given back`() async throws {
    let house = try await House.open()
    await house.count(house.steak, 2)
    let (order, tickets) = await house.fire(house.steak)
    _ = await house.call("POST", "/tickets/\(tickets[0])/start", as: .kitchen)
    _ = await house.call("POST", "/orders/\(order)/cancel")
    #expect(await house.call("GET", "/products/\(house.steak)")["stock"] == 1)
  }

  @Test func `Forty tills cannot sell twenty portions twice`() async throws {
    let house = try await House.open()
    await house.count(house.steak, 20)
    await house.count(house.salad, 100)
    let sold = await withTaskGroup(of: Int.self) { group in
      for number in 0..<40 {
        // Both products in either order, so that a lock taken in the order of the lines would deadlock.
        group.addTask {
          let reply =
            number % 2 == 0
            ? await house.place(house.steak, house.salad) : await house.place(house.salad, house.steak)
          return reply.status == 201 ? 1 : 0
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sold == 20)
    #expect(await house.call("GET", "/products/\(house.steak)")["stock"] == 0)
    #expect(await house.call("GET", "/products/\(house.salad)")["stock"] == 80)
  }

  @Test func `Products are listed page by page`() async throws {
    let house = try await House.open()
    let path = "/restaurants/\(house.id)/products"
    let first = await house.call("GET", "\(path)?limit=2")
    #expect(first["items"]?.array?.count == 2)
    let rest = await house.call("GET", "\(path)?limit=2&cursor=\(first["next"]?.string ?? "")")
    #expect(rest["items"]?.array?.count == 1)
    #expect(rest["next"] == .some(.null))
  }
}
