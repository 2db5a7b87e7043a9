// Commands over a WebSocket (wire.md §2): the same router, the same rights, the same answers as over HTTP.
import Foundation
import Testing
import TestSupport

@Suite struct SocketCommandTests {
  private func command(
    _ socket: RawWebSocket, _ method: String, _ path: String, _ body: String? = nil, key: String? = nil,
    id: String = "4"
  ) throws {
    let members = [#""type":"command","id":\#(id),"method":"\#(method)","path":"/api/v1/\#(path)""#]
    try socket.send(
      "{"
        + (members + [body.map { #""body":\#($0)"# }, key.map { #""key":"\#($0)""# }].compactMap { $0 }).joined(
          separator: ",") + "}")
  }

  private func reply(
    _ socket: RawWebSocket, _ method: String, _ path: String, _ body: String? = nil, key: String? = nil
  ) throws -> Document {
    try command(socket, method, path, body, key: key)
    let reply = try socket.next("reply")
    #expect(reply.names == ["type", "id", "status", "body", "offsets"])
    return reply
  }

  @Test func `A reply has the answer of HTTP and the offsets at which its events then arrive`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket()
    for kind in ["restaurant", "pos", "kitchen"] { _ = try socket.subscribe("\(kind):\(house.id)") }
    try command(socket, "POST", "orders", house.orderBody([house.burger, house.soda]), id: #""till-1""#)
    var (reply, events) = (Document(nil), [String: [Document]]())
    func receive(_ count: Int) throws {
      for _ in 0..<count {
        let message = try socket.next()
        if message["type"].string == "reply" { reply = message; continue }
        events[message["channel"].string ?? "", default: []].append(message)
      }
    }
    try receive(3)
    #expect(reply["id"].string == "till-1" && reply["status"].integer == 201)
    #expect(reply["offsets"].names == ["restaurant:\(house.id)", "pos:\(house.id)"])
    for (channel, told) in events {
      #expect(told.count == 1 && told[0]["offset"].integer == reply["offsets"][channel].integer)
      #expect("\(told[0]["data"])" == "\(reply["body"])" && told[0]["event"].string == "order.created")
    }
    let id = reply["body"]["id"].string ?? ""
    #expect("\(try house.call("GET", "orders/\(id)").document)" == "\(reply["body"])")
    events = [:]
    try command(socket, "POST", "orders/\(id)/confirm", id: "-1")
    // Two tickets to three channels, the order to two.
    try receive(1 + 3 * 2 + 2)
    #expect(reply["id"].integer == -1 && reply["status"].integer == 200)
    for (channel, told) in events {
      #expect(told.last?["offset"].integer == reply["offsets"][channel].integer, "the last that the change took")
    }
    #expect(events.count == 3 && reply["offsets"].names == Set(events.keys))
  }

  @Test func `A refused command has its problem document, a read no offsets, an empty answer no body`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let other = try RestHouse(at: RestHub.shared)
    let socket = try house.socket(as: "till")
    let theirs = try other.order([other.burger])["id"].string ?? ""
    for (method, path, body, status, code) in [
      ("POST", "orders", #"{"order_type":"takeaway","items":[]}"#, 422, "empty_order"),
      ("POST", "orders", "[]", 400, "invalid_json"),
      ("POST", "orders", "7", 400, "invalid_json"), ("POST", "orders", nil, 422, "validation_failed"),
      ("POST", "orders/\(theirs)/confirm", nil, 404, "not_found"), ("GET", "nothing", nil, 404, "not_found"),
      ("PUT", "orders", nil, 405, "method_not_allowed"), ("PATCH", "restaurants/\(house.id)", "{}", 403, "forbidden"),
      ("POST", "restaurants", "{}", 403, "forbidden"), ("GET", "orders?limit=0", nil, 422, "invalid_number"),
      ("GET", "orders?table=%zz", nil, 400, "bad_request"),
    ] as [(String, String, String?, Int, String)] {
      let answer = try reply(socket, method, path, body)
      #expect(answer["status"].integer == status && answer["body"]["status"].integer == status, "\(path) \(answer)")
      #expect(answer["body"]["code"].string == code, "\(path) \(answer)")
      #expect(answer["offsets"].names.isEmpty)
      if method != "PUT" {
        let same = try house.call(method, path, body, as: house.tokens["till"])
        #expect("\(same.document)" == "\(answer["body"])", "the same over HTTP")
      }
    }
    let read = try reply(socket, "GET", "orders?limit=5")
    #expect(read["status"].integer == 200 && read["body"].names == ["items", "next"] && read["offsets"].names.isEmpty)
    let bye = try reply(socket, "POST", "auth/logout")
    #expect(bye["status"].integer == 204 && bye["body"].isNull)
    try socket.expectSilence()
  }

  @Test func `A key is the caller's on both ways: what was sent by one is replayed by the other`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket()
    let key = UUID().uuidString
    let first = try reply(socket, "POST", "orders", house.orderBody([house.soda]), key: key)
    let again = try reply(socket, "POST", "orders", house.orderBody([house.soda]), key: key)
    #expect("\(again)" == "\(first)" && first["status"].integer == 201)
    // Written with other spaces it is the same body.
    let spaced = house.orderBody([house.soda]).replacingOccurrences(of: ":", with: " : ")
    let overHTTP = try house.call("POST", "orders", spaced, headers: ["Idempotency-Key": key])
    #expect(overHTTP.header("Idempotent-Replayed") == "true", "\(overHTTP.text)")
    #expect("\(overHTTP.document)" == "\(first["body"])")
    let reused = try reply(socket, "POST", "orders", house.orderBody([house.burger]), key: key)
    #expect(reused["status"].integer == 422 && reused["body"]["code"].string == "idempotency_key_reused")
    #expect(try house.call("GET", "orders").document["items"].array.count == 1)
    let bad = try reply(socket, "POST", "orders", house.orderBody([house.soda]), key: "a b")
    #expect(bad["body"]["code"].string == "idempotency_key_invalid")
  }

  @Test(arguments: [
    #""path":"/api/v1/orders""#, #""method":"GET""#, #""method":"GET","path":"api/v1/orders""#,
    #""method":"GET","path":"""#, #""method":"G ET","path":"/x""#, #""method":"GET","path":"/a b""#,
    #""method":"GET","path":"/é""#, #""method":7,"path":"/x""#, #""method":"GET","path":["/x"]"#,
    #""method":"GET","path":"/x","key":7"#, #""method":"GET","path":"/x","key":"""#,
    #""method":"GET\r\nX: y","path":"/x""#, #""method":"GET","path":"/x\u0000""#,
  ])
  func `A command that is none is a bad message`(members: String) throws {
    let house = try RestHouse(at: RestHub.shared)
    let socket = try house.socket()
    try socket.send(#"{"type":"command","id":8,\#(members)}"#)
    let error = try socket.next()
    #expect(error["type"].string == "error" && error["code"].string == "bad_message", "\(error)")
    #expect(error["id"].integer == 8 && error["status"].integer == 400)
    try socket.expectSilence()
  }

  @Test func `Too many commands at once are refused; those that run are all answered`() throws {
    let house = try RestHouse(at: SharedHub())
    let order = try house.order([house.wine])["id"].string ?? ""
    let holder = try house.shared.foreign()
    try holder.execute("BEGIN; SELECT 1 FROM app.order WHERE id = '\(order)' FOR UPDATE")
    let socket = try house.socket()
    for number in 0..<18 { try command(socket, "POST", "orders/\(order)/confirm", id: "\(number)") }
    let refused = try [socket.next(), socket.next()]
    #expect(refused.map { $0["id"].integer } == [16, 17])
    #expect(refused.allSatisfy { $0["code"].string == "too_many_commands" && $0["status"].integer == 429 })
    try socket.expectSilence()
    try holder.execute("ROLLBACK")
    let replies = try (0..<16).map { _ in try socket.next("reply") }
    #expect(Set(replies.map { $0["id"].integer ?? -1 }) == Set(0..<16))
    #expect(replies.map { $0["status"].integer ?? 0 }.sorted() == [200] + Array(repeating: 409, count: 15))
    try command(socket, "GET", "orders/\(order)")
    #expect(try socket.next("reply")["body"]["status"].string == "confirmed")
  }
}
