// What every HTTP answer has (wire.md §5): pages of lists, offsets, entity tags, compression, request ids, problems.
import Foundation
import Testing
import TestSupport

@Suite struct RestAnswersTests {
  /// All items of a list, page by page; also how many pages there were.
  private func pages(_ house: RestHouse, _ path: String) throws -> (ids: [String], pages: Int) {
    var (ids, pages, cursor) = ([String](), 0, "")
    repeat {
      let answer = try house.call("GET", path + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
      try #require(answer.status == 200, "\(answer.text)")
      #expect(answer.document.names == ["items", "next"])
      ids += answer.document["items"].array.map { $0["id"].string ?? "" }
      cursor = answer.document["next"].string ?? ""
      pages += 1
    } while !cursor.isEmpty && pages < 100
    return (ids, pages)
  }

  @Test func `A list comes in pages without gap or repeat, also while rows come in`() throws {
    let house = try RestHouse(at: RestHub.shared)
    var placed = try (0..<7).map { _ in try house.order([house.burger])["id"].string ?? "" }
    #expect(try pages(house, "orders?limit=3") == (placed.reversed(), 3))
    #expect(try pages(house, "orders?limit=7") == (placed.reversed(), 1), "a full last page has no next")
    // The second page is the same when an order has come before the first.
    let first = try house.call("GET", "orders?limit=4").document
    placed.append(try house.order([house.soda])["id"].string ?? "")
    let second = try house.call("GET", "orders?limit=4&cursor=\(first["next"].string ?? "")").document
    #expect(second["items"].array.map { $0["id"].string } == placed.prefix(3).reversed())
    #expect(second["next"].isNull && second.names.contains("next"))
    for id in placed { #expect(try house.call("POST", "orders/\(id)/confirm").status == 200) }
    let tickets = try pages(house, "tickets?open=true&limit=3")
    #expect(tickets.pages == 3 && Set(tickets.ids).count == 8)
    #expect(
      try pages(house, "tickets?limit=3").ids == tickets.ids.reversed(), "open ones oldest first, all newest first")
    #expect(
      try pages(house, "restaurants/\(house.id)/products?limit=2").ids
        == [house.burger, house.soda, house.wine].sorted())
  }

  @Test func `The events of a channel are read after an offset`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<5 { try house.order([house.wine]) }
    let all = try house.events("pos")
    #expect(all.map { $0["offset"].integer ?? 0 } == Array(1...all.count))
    #expect(all.allSatisfy { $0.names == ["type", "channel", "offset", "id", "event", "at", "data"] })
    let part = try house.call("GET", "channels/pos:\(house.id)/events?after=2&limit=2", as: house.tokens["till"])
      .document
    #expect(part["items"].array.map { $0["offset"].integer } == [3, 4] && part["next"].string == "4")
    let rest = try house.call("GET", "channels/pos:\(house.id)/events?after=\(all.count)", as: house.tokens["till"])
      .document
    #expect(rest["items"].array.isEmpty && rest["next"].isNull)
    for query in ["after=-1", "after=x", "limit=0", "limit=x", "after=99999999999999999999"] {
      expectProblem(
        try house.call("GET", "channels/restaurant:\(house.id)/events?\(query)"), 400, "invalid_query", query)
    }
  }

  @Test(arguments: [
    ("orders?limit=0", 422, "invalid_number"), ("orders?limit=x", 422, "invalid_number"),
    ("orders?limit=-1", 422, "invalid_number"), ("orders?cursor=nonsense", 400, "invalid_cursor"),
    ("orders?cursor=", 400, "invalid_cursor"),
    (
      "orders?cursor=MjAyNi0xMS0yMFQyNTowMDowMFovMDE5MDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAx", 400, "invalid_value"
    ),
    ("orders?status=eaten", 422, "invalid_status"), ("orders?from=yesterday", 422, "invalid_time"),
    ("orders?from=2026-02-30", 422, "invalid_time"), ("orders?to=2026-01-01T25:00:00Z", 400, "invalid_value"),
    ("orders?from=x&status=y", 422, "validation_failed"), ("orders?restaurant_id=7", 422, "invalid_id"),
    ("orders?table=%zz", 400, "bad_request"), ("orders?table=%00", 400, "bad_request"),
    ("orders?table=%ff", 400, "bad_request"), ("tickets?open=maybe", 422, "invalid_type"),
    ("tickets?station_id=grill", 422, "invalid_id"), ("orders/7", 404, "not_found"),
    ("tickets/%2e%2e", 404, "not_found"),
    ("orders/%zz", 404, "not_found"), ("channels/nothing:7", 404, "not_found"), ("channels/kitchen", 404, "not_found"),
    ("restaurants/%C3%A9/menu", 404, "not_found"), ("channels/account:1", 404, "not_found"),
  ])
  func `A query or id that is none is refused by name`(path: String, status: Int, code: String) throws {
    let shared = try RestHub.shared
    let token = try shared.forge.token(role: "manager", restaurants: [SharedHub.demoRestaurant])
    expectProblem(try shared.hub.request("GET", "/api/v1/\(path)", token: token), status, code)
  }

  @Test func `Orders are found by status, table and time`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let open = try house.order([house.burger])["id"].string ?? ""
    let done = try house.order([house.burger], then: ["confirm", "prepare", "ready", "complete"])["id"].string ?? ""
    let seated = try house.call(
      "POST", "orders",
      #"{"order_type":"dine_in","table":" 12 ","items":[{"product_id":"\#(house.soda)","quantity":1}]}"#
    ).document
    #expect(seated["table"].string == "12")
    func found(_ query: String) throws -> Set<String> {
      Set(try house.call("GET", "orders?\(query)").document["items"].array.compactMap { $0["id"].string })
    }
    let table = seated["id"].string ?? ""
    #expect(try found("status=pending") == [open, table] && found("status=completed") == [done])
    #expect(try found("table=12") == [table] && found("table=13").isEmpty && found("status=cancelled").isEmpty)
    let moment = seated["created_at"].string ?? ""
    #expect(try found("from=\(moment)") == [table] && found("to=\(moment)") == [open, done])
    let today = try house.call("GET", "orders/today").document["items"].array.map { $0["id"].string }
    #expect(today == [open, table])
  }

  @Test func `A command tells the offsets that its events took`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let order = try house.call("POST", "orders", house.orderBody([house.burger, house.soda]))
    let id = order.document["id"].string ?? ""
    let confirmed = try house.call("POST", "orders/\(id)/confirm")
    for answer in [order, confirmed] {
      let header = try #require(answer.header("Hub-Offsets"))
      let offsets = header.components(separatedBy: ", ").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
      #expect(offsets.allSatisfy { $0.count == 2 && $0[0].hasSuffix(":\(house.id)") })
      let kinds = answer.status == 201 ? ["pos", "restaurant"] : ["kitchen", "pos", "restaurant"]
      #expect(offsets.map { String($0[0].prefix { $0 != ":" }) }.sorted() == kinds)
    }
    for kind in ["kitchen", "pos", "restaurant"] {
      #expect(
        confirmed.header("Hub-Offsets")?.contains(
          "\(kind):\(house.id)=\(try house.head(kind == "restaurant" ? "pos" : kind))") == true || kind == "restaurant")
    }
    let read = try house.call("GET", "orders/\(id)")
    #expect(read.header("Hub-Offsets") == nil && read.header("Cache-Control") == "no-store")
  }

  @Test func `Menus, products and channels have an entity tag, and 304 while nothing has changed`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for (path, change) in [
      ("restaurants/\(house.id)/menu", #"{"price":"11.00"}"#), ("products/\(house.burger)", #"{"price":"12.00"}"#),
      ("channels/restaurant:\(house.id)", #"{"price":"13.00"}"#),
    ] {
      let first = try house.call("GET", path)
      let tag = try #require(first.header("ETag"), "\(path)")
      #expect(tag.wholeMatch(of: /"[^"]+"/) != nil)
      for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
        let same = try house.call("GET", path, headers: ["If-None-Match": known])
        #expect(same.status == 304 && same.body.isEmpty && same.header("ETag") == tag, "\(path) \(known) \(same.text)")
        #expect(same.header("Content-Length") == nil)
      }
      #expect(try house.call("GET", path, headers: ["If-None-Match": "\"other\""]).status == 200)
      #expect(try house.call("PATCH", "products/\(house.burger)", change).status == 200)
      let changed = try house.call("GET", path, headers: ["If-None-Match": tag])
      #expect(changed.status == 200 && changed.header("ETag") != tag, "\(path)")
    }
    let channel = try house.call("GET", "channels/pos:\(house.id)", as: house.tokens["till"])
    #expect(
      channel.header("ETag")
        == "\"\(channel.document["epoch"].string ?? "").\(channel.document["offset"].integer ?? -1)\"")
  }

  @Test func `Bodies over 1 KiB are gzipped for who accepts it, and are the same`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<3 { try house.order([house.burger]) }
    let plain = try house.call("GET", "orders")
    #expect(plain.body.count > 1024 && plain.header("Content-Encoding") == nil)
    for accepted in ["gzip", "deflate, gzip;q=0.5, br", "gzip;q=1.0"] {
      let zipped = try house.call("GET", "orders", headers: ["Accept-Encoding": accepted])
      #expect(zipped.header("Content-Encoding") == "gzip" && zipped.header("Vary") == "Accept-Encoding", "\(accepted)")
      let file = try TestFolder.make("gzip") + "/body.gz"
      #expect(FileManager.default.createFile(atPath: file, contents: Data(zipped.body)))
      #expect(try run(["/bin/gzip", "-dc", file]) == plain.text)
    }
    for accepted in ["identity", "gzip;q=0", "br", ""] {
      let answer = try house.call("GET", "orders", headers: ["Accept-Encoding": accepted])
      #expect(answer.header("Content-Encoding") == nil && answer.text == plain.text, "\(accepted)")
    }
    #expect(try house.call("GET", "auth/me", headers: ["Accept-Encoding": "gzip"]).header("Content-Encoding") == nil)
  }

  @Test func `A request id comes back, or one is made`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for path in ["auth/me", "orders/7", "nothing"] {
      #expect(try house.call("GET", path, headers: ["X-Request-Id": "req-1.a_B"]).header("X-Request-Id") == "req-1.a_B")
      let made = [try house.call("GET", path), try house.call("GET", path)].map { $0.header("X-Request-Id") ?? "" }
      #expect(made[0] != made[1] && made.allSatisfy { UUID(uuidString: $0) != nil })
    }
    for useless in [String(repeating: "x", count: 65), "a b", "caf\u{e9}"] {
      #expect(try house.call("GET", "auth/me", headers: ["X-Request-Id": useless]).header("X-Request-Id") != useless)
    }
    #expect(try house.hub.request("GET", "/health").header("X-Request-Id") != nil)
  }

  @Test func `HEAD answers as GET does, without the content`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try RawSocket(port: house.hub.port)
    for path in ["orders", "restaurants/\(house.id)/menu", "orders/7", "nothing"] {
      let get = try house.call("GET", path)
      // On one connection: a body that should not be there would be read as the next answer.
      let head = try socket.request("HEAD", "/api/v1/\(path)", token: house.manager)
      #expect(head.status == get.status && head.header("Content-Length") == get.header("Content-Length"), "\(path)")
      #expect(head.header("Content-Type") == get.header("Content-Type") && head.header("ETag") == get.header("ETag"))
    }
    #expect(try socket.request("GET", "/health").status == 200)
    #expect(socket.received.isEmpty)
  }

  @Test func `Only an admin publishes by hand, and only what is an event`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let path = "channels/restaurant:\(house.id)/events"
    let told = try house.call(
      "POST", path, #"{"event":"test.told","data":{"text":"caf\u00e9","n":[1,2.50]}}"#, as: house.platform)
    #expect(told.status == 202 && told.document["event"].string == "test.told")
    let event = try #require(try house.events("restaurant").last)
    #expect(event["event"].string == "test.told" && event["data"]["text"].string == "café")
    for body in [
      #"{"event":"Not An Event"}"#, #"{"event":""}"#, #"{"event":7}"#, #"{}"#, #"{"event":"a\u0000\"b"}"#,
      #"{"event":"test.big","data":"\#(String(repeating: "x", count: 70_000))"}"#,
    ] {
      let refused = try house.call("POST", path, body, as: house.platform)
      #expect(refused.status == 422 || refused.status == 400, "\(body.prefix(60)) \(refused.text)")
      expectProblem(refused, refused.status)
    }
    let zero = try house.call("POST", path, #"{"event":"test.zero","data":"a\u0000b"}"#, as: house.platform)
    expectProblem(zero, 400, "invalid_value", "Postgres cannot hold a zero in text")
    #expect(try house.events("restaurant").last?["id"].string == event["id"].string)
  }
}
