// What GET /sse/… refuses, before a stream begins and always with a problem document (wire.md §4, §5), and which pages
// may read one.
import Foundation
import Testing
import TestSupport

@Suite struct EventStreamRefusalTests {
  @Test func `Whoever may not listen, or asks for what is not there, is told so before anything begins`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let other = try RestHouse(at: RestHub.shared)
    let kitchen = "/sse/kitchen:\(house.id)"
    let rows: [(path: String, token: String?, status: Int, code: String)] = [
      (kitchen, nil, 401, "unauthorized"),
      (kitchen, "no.token.this", 401, "invalid_token"),
      (kitchen, other.manager, 404, "not_found"),
      (kitchen, house.tokens["till"], 403, "forbidden"),
      (kitchen, house.platform, 403, "forbidden"),
      ("/sse/platform", house.manager, 403, "forbidden"),
      ("/sse/restaurant:01900000-0000-7000-8000-0000000000ff", house.platform, 404, "not_found"),
      ("/sse/kitchen", house.manager, 404, "not_found"),
      ("/sse/kitchen:", house.manager, 404, "not_found"),
      ("/sse/kitchen:x", house.manager, 404, "not_found"),
      ("/sse/unknown:\(house.id)", house.manager, 404, "not_found"),
      ("/sse/", house.manager, 404, "not_found"),
      ("\(kitchen)/more", house.manager, 404, "not_found"),
      ("/sse/%FF", house.manager, 404, "not_found"),
      ("\(kitchen)?token=\(house.manager)", nil, 400, "token_in_query"),
      ("\(kitchen)?access_token=x", house.manager, 400, "token_in_query"),
      ("\(kitchen)?presence=yes", house.manager, 400, "invalid_query"),
      ("\(kitchen)?stations=grill", house.manager, 400, "invalid_stations"),
      ("\(kitchen)?stations=", house.manager, 400, "invalid_stations"),
      ("\(kitchen)?stations=\(house.grill),", house.manager, 400, "invalid_stations"),
    ]
    // Refused requests leave the connection to the next one.
    let socket = try RawSocket(port: house.hub.port)
    for row in rows {
      guard row.token != nil else { continue }
      expectProblem(try socket.request("GET", row.path, token: row.token), row.status, row.code, row.path)
    }
    for row in rows where row.token == nil {
      let answer = try house.hub.request("GET", row.path, headers: row.status == 400 ? [:] : ["X-Request-Id": "mine"])
      // Without a token nothing else is looked at.
      expectProblem(answer, 401, "unauthorized", row.path)
    }
  }

  @Test(arguments: ["x", "/", "/1", "abc/", "abc/-1", "abc/1x", "abc/99999999999999999999", "41"])
  func `A Last-Event-ID that is none is refused`(id: String) throws {
    let house = try RestHouse(at: RestHub.shared)
    let answer = try house.hub.request(
      "GET", "/sse/kitchen:\(house.id)", token: house.manager, headers: ["Last-Event-ID": id])
    expectProblem(answer, 400, "invalid_last_event_id", id)
  }

  @Test(arguments: ["application/json", "text/html, application/xhtml+xml", "text/event-stream;q=0", "*/*; q=0.000"])
  func `RFC 9110 §12.5.1: a client that takes no event stream is told what there is`(accept: String) throws {
    let house = try RestHouse(at: RestHub.shared)
    let answer = try house.hub.request(
      "GET", "/sse/kitchen:\(house.id)", token: house.manager, headers: ["Accept": accept])
    expectProblem(answer, 406, "not_acceptable", accept)
  }

  @Test func `HEAD answers what GET would without a stream; other methods are not offered`() throws {
    let house = try RestHouse(at: RestHub.shared)
    let path = "/sse/kitchen:\(house.id)"
    let socket = try RawSocket(port: house.hub.port)
    let head = try socket.request("HEAD", path, token: house.manager)
    #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
    #expect(head.header("Content-Length") == nil && head.header("Connection") == "close")
    #expect(try socket.receiveAll().isEmpty)
    for (token, status) in [(house.tokens["till"], 403), (nil, 401)] {
      let refused = try RawSocket(port: house.hub.port).request("HEAD", path, token: token)
      #expect(refused.status == status && refused.header("Content-Type") == "application/problem+json")
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
      let answer = try house.hub.request(method, path, token: house.manager)
      expectProblem(answer, 405, "method_not_allowed", method)
      #expect(answer.header("Allow") == "GET, HEAD, OPTIONS")
    }
    let options = try house.hub.request("OPTIONS", path)
    #expect(options.status == 204 && options.header("Allow") == "GET, HEAD, OPTIONS")
  }

  @Test func `Pages of origins that were named may read a stream, others get none`() throws {
    let house = try RestHouse(at: BadInputHub.shared)
    let path = "/sse/kitchen:\(house.id)"
    let page = "https://screens.example"
    let preflight = try house.hub.request(
      "OPTIONS", path,
      headers: [
        "Origin": page, "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, last-event-id",
      ])
    #expect(preflight.status == 204 && preflight.header("Access-Control-Allow-Origin") == page)
    #expect(preflight.header("Access-Control-Allow-Headers")?.contains("Last-Event-ID") == true)
    let stream = try RawEventStream(
      port: house.hub.port, path: path, token: house.manager, headers: ["Origin": page])
    #expect(stream.head.header("Access-Control-Allow-Origin") == page && stream.head.header("Vary") == "Origin")
    #expect(try stream.next()?.name == "snapshot")
    let other = try house.hub.request("GET", path, token: house.manager, headers: ["Origin": "https://evil.example"])
    expectProblem(other, 403, "origin_not_allowed")
    #expect(other.header("Access-Control-Allow-Origin") == nil)
  }

  @Test func `While the database is away there is no stream but 503, and those that there are stay open`() throws {
    let postgres = try StoppablePostgres()
    let scene = try DeliveryScene(database: postgres.connectionString)
    let path = "/sse/\(scene.kitchen)"
    let stays = try RawEventStream(port: scene.hub.port, path: path, token: scene.token)
    let last = try stays.next("subscribed")
    try postgres.end(.stop)
    for path in [path, "/sse/\(scene.pos)"] {
      try eventually("the hub notices") {
        let answer = try scene.hub.request(
          "GET", path, token: scene.token, headers: ["Last-Event-ID": "\(last.string("epoch"))/1"])
        if answer.status == 503 { #expect(answer.header("Retry-After") != nil && answer.code == "unavailable") }
        return answer.status == 503
      }
    }
    let heartbeat = try stays.next("heartbeat")
    #expect(heartbeat.string("fresh") < heartbeat.string("at"))
    try postgres.start()
    let program = try ForeignConnection(postgres.connectionString)
    try scene.publish("test.after", on: scene.kitchen, by: program)
    #expect(try stays.next("event").offset == last.offset + 1)
    var back: RawEventStream?
    try eventually("streams begin again") {
      back = try? RawEventStream(
        port: scene.hub.port, path: path, token: scene.token, headers: ["Last-Event-ID": last.streamID ?? ""])
      return back != nil
    }
    #expect(try back?.next("event").offset == last.offset + 1)
  }
}
