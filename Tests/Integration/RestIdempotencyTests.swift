// Idempotency-Key (wire.md §5): stored first, in the command's own transaction; a repeat gets the stored answer.
import Foundation
import Testing
import TestSupport

@Suite struct RestIdempotencyTests {
  private func place(
    _ house: RestHouse, _ key: String, _ products: [String]? = nil, as token: String? = nil
  ) throws -> RawAnswer {
    try house.call(
      "POST", "orders", house.orderBody(products ?? [house.burger]), as: token, headers: ["Idempotency-Key": key])
  }

  private func stored(_ house: RestHouse, _ key: String) throws -> [[String]] {
    try house.shared.foreign().execute(
      "SELECT status, body, offsets FROM app.idempotency_key WHERE key = $1", [key])
  }

  @Test func `A repeat gets the stored answer with its offsets, says so, and does nothing`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let key = UUID().uuidString
    let first = try place(house, key)
    #expect(first.status == 201 && first.header("Idempotent-Replayed") == nil)
    let head = try house.head("pos")
    for _ in 0..<3 {
      let again = try place(house, key)
      #expect(again.status == 201 && again.text == first.text)
      #expect(again.header("Idempotent-Replayed") == "true")
      #expect(again.header("Hub-Offsets") == first.header("Hub-Offsets"))
    }
    #expect(try house.head("pos") == head)
    #expect(try house.call("GET", "orders").document["items"].array.count == 1)
    #expect(try stored(house, key).count == 1)
  }

  @Test func `The same key with another body, path or method is refused; another caller's is another key`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let key = UUID().uuidString
    let order = try place(house, key).document["id"].string ?? ""
    let headers = ["Idempotency-Key": key]
    expectProblem(try place(house, key, [house.soda]), 422, "idempotency_key_reused")
    for (method, path) in [
      ("POST", "orders/\(order)/confirm"), ("POST", "orders/\(order)/cancel"), ("DELETE", "orders/\(order)"),
    ] {
      expectProblem(try house.call(method, path, headers: headers), 422, "idempotency_key_reused", path)
    }
    #expect(try house.call("GET", "orders/\(order)").document["status"].string == "pending")
    let other = try place(house, key, as: house.tokens["till"])
    #expect(other.status == 201 && other.header("Idempotent-Replayed") == nil)
    #expect(other.document["id"].string != order)
  }

  @Test func `A command that was refused leaves no key, so the same key can be carried out later`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let key = UUID().uuidString
    #expect(try house.call("PATCH", "products/\(house.soda)", #"{"stock":0}"#).status == 200)
    expectProblem(try place(house, key, [house.soda]), 422, "insufficient_stock")
    #expect(try stored(house, key).isEmpty)
    #expect(try house.call("PATCH", "products/\(house.soda)", #"{"stock":1}"#).status == 200)
    let later = try place(house, key, [house.soda])
    #expect(later.status == 201 && later.header("Idempotent-Replayed") == nil)
  }

  @Test func `Of many repeats at once one is carried out, the others replay it or are told to wait`() throws {
    let house = try RestHouse(at: RestHub.shared)
    for _ in 0..<5 {
      let key = UUID().uuidString
      let fresh = SharedCount()
      try runConcurrently(6) { _ in
        var answer = try place(house, key)
        while answer.status == 409 {
          guard answer.code == "idempotency_in_progress", answer.header("Retry-After") == "1" else {
            throw SupportError(answer.text)
          }
          answer = try place(house, key)
        }
        guard answer.status == 201 else { throw SupportError(answer.text) }
        if answer.header("Idempotent-Replayed") == nil { fresh.add() }
      }
      #expect(fresh.value == 1)
    }
    #expect(try house.call("GET", "orders").document["items"].array.count == 5)
  }

  /// Waits until a statement of the hub waits for a lock in this database.
  private func waitForBlockedStatement(_ watcher: ForeignConnection) throws {
    try eventually("a statement waits for the lock") {
      try watcher.execute(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
      ).count == 1
    }
  }

  // A hub of its own: the waiting statement is looked for in the whole database.
  @Test func `While the first runs a repeat is told so at once, and afterwards gets its answer`() throws {
    let house = try RestHouse(at: SharedHub())
    let order = try house.order([house.burger])["id"].string ?? ""
    let headers = ["Idempotency-Key": "held"]
    let (holder, watcher) = (try house.shared.foreign(), try house.shared.foreign())
    try holder.execute("BEGIN; SELECT 1 FROM app.order WHERE id = '\(order)' FOR UPDATE")
    let first = Worker("the first request") {
      let answer = try house.call("POST", "orders/\(order)/confirm", headers: headers)
      guard answer.status == 200, answer.header("Idempotent-Replayed") == nil else { throw SupportError(answer.text) }
    }
    try waitForBlockedStatement(watcher)
    let repeated = try house.call("POST", "orders/\(order)/confirm", headers: headers)
    expectProblem(repeated, 409, "idempotency_in_progress")
    #expect(repeated.header("Retry-After") == "1")
    expectProblem(
      try house.call("POST", "orders/\(order)/cancel", headers: headers), 409, "idempotency_in_progress")
    #expect(!first.hasEnded)
    try holder.execute("ROLLBACK")
    try first.wait(within: 20)
    let replay = try house.call("POST", "orders/\(order)/confirm", headers: headers)
    #expect(replay.status == 200 && replay.header("Idempotent-Replayed") == "true")
    #expect(replay.document["status"].string == "confirmed")
  }

  @Test func `The key is kept with the change or not at all`() throws {
    let house = try RestHouse(at: SharedHub())
    let order = try house.order([house.burger])["id"].string ?? ""
    let headers = ["Idempotency-Key": "torn"]
    let (holder, watcher) = (try house.shared.foreign(), try house.shared.foreign())
    try holder.execute("BEGIN; SELECT 1 FROM app.order WHERE id = '\(order)' FOR UPDATE")
    let first = Worker("the first request") {
      let answer = try house.call("POST", "orders/\(order)/confirm", headers: headers)
      guard answer.status == 503, answer.header("Retry-After") != nil else { throw SupportError(answer.text) }
    }
    try waitForBlockedStatement(watcher)
    try watcher.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    try first.wait(within: 20)
    try holder.execute("ROLLBACK")
    #expect(try stored(house, "torn").isEmpty)
    #expect(try house.call("GET", "orders/\(order)").document["status"].string == "pending")
    let again = try house.call("POST", "orders/\(order)/confirm", headers: headers)
    #expect(again.status == 200 && again.header("Idempotent-Replayed") == nil)
    let row = try #require(try stored(house, "torn").first)
    #expect(row[0] == "200" && Document(Array(row[1].utf8))["status"].string == "confirmed")
    #expect(
      Document(Array(row[2].utf8)).names
        == [house.id].reduce(into: Set()) { set, id in
          for kind in ["kitchen", "pos", "restaurant"] { set.insert("\(kind):\(id)") }
        })
  }

  @Test(arguments: ["a b", "", String(repeating: "k", count: 201), "caf\u{e9}"])
  func `A key that is none is refused`(key: String) throws {
    let house = try RestHouse(at: RestHub.shared)
    expectProblem(try place(house, key), 400, "idempotency_key_invalid")
  }

  @Test func `A key is kept for a day`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let key = UUID().uuidString
    let first = try place(house, key).document["id"].string
    try house.shared.foreign().execute(
      "UPDATE app.idempotency_key SET created_at = now() - interval '24 hours 1 second' WHERE key = $1", [key])
    let later = try place(house, key)
    #expect(later.status == 201 && later.document["id"].string != first)
    #expect(later.header("Idempotent-Replayed") == nil)
  }
}
