// What the method decides, on the wire: HEAD, OPTIONS, pages of other origins, HTTP/1.0 (RFC 9110 §9, RFC 9112 §9.3).
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct HTTPMethodTests {
  private let page = "https://screens.example"

  @Test(arguments: ["/health", "/ready", "/", "/clients/js/hub.js", "/nothing", "/api/v1/orders", "/ws"])
  func `RFC 9110 §9.3.2: HEAD is GET without the content`(path: String) throws {
    let house = try RestHouse(at: BadInputHub.shared)
    let socket = try RawSocket(port: house.hub.port)
    let get = try socket.request("GET", path, token: house.manager)
    let head = try socket.request("HEAD", path, token: house.manager)
    #expect(head.status == get.status)
    #expect(head.body.isEmpty && socket.received.isEmpty)
    // Problem documents and lists may differ in nothing but what is random in them, never in length.
    for name in ["Content-Length", "Content-Type", "ETag", "Allow", "Vary"] {
      #expect(head.header(name) == get.header(name), "\(path) \(name)")
    }
    // Nothing of a body stands in the way of the next answer.
    #expect(try socket.request("GET", "/health").status == 200)
  }

  @Test func `RFC 9110 §9.3.7: OPTIONS says what a path offers, and * what the server does`() throws {
    let hub = try BadInputHub.shared.hub
    let socket = try RawSocket(port: hub.port)
    for (path, allowed) in [
      ("*", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"), ("/health", "GET, HEAD, OPTIONS"),
      ("/metrics", "GET, HEAD, OPTIONS"), ("/", "GET, HEAD, OPTIONS"), ("/ws", "GET, OPTIONS"),
      ("/api/v1/orders", "GET, HEAD, OPTIONS, POST"), ("/api/v1/auth/login", "OPTIONS, POST"),
    ] {
      let answer = try socket.request("OPTIONS", path)
      #expect(answer.status == 204 && answer.header("Content-Length") == nil, "\(path)")
      #expect(answer.header("Allow") == allowed, "\(path)")
    }
    for path in ["/nothing", "/api/v1/nothing"] {
      expectProblem(try socket.request("OPTIONS", path), 404, "not_found", path)
    }
    try socket.send("OPTIONS http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try socket.answer().header("Allow")?.contains("PATCH") == true)
  }

  @Test func `A preflight of a named origin is granted, any other is 403`() throws {
    let hub = try BadInputHub.shared.hub
    let asked = ["Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"]
    for path in ["/api/v1/orders", "/health", "/clients/js/hub.js", "/nothing"] {
      let granted = try hub.request("OPTIONS", path, headers: asked.merging(["Origin": page]) { $1 })
      #expect(granted.status == 204)
      #expect(granted.header("Access-Control-Allow-Origin") == page)
      #expect(granted.header("Access-Control-Allow-Methods")?.contains("POST") == true)
      #expect(granted.header("Access-Control-Allow-Headers")?.contains("Authorization") == true)
      #expect(granted.header("Access-Control-Max-Age") == "3600")
      #expect(granted.header("Vary") == "Origin")
      #expect(granted.header("Access-Control-Allow-Credentials") == nil)
    }
    for origin in ["https://evil.example", "http://screens.example", "https://screens.example.evil", "null", "*"] {
      let refused = try hub.request("OPTIONS", "/api/v1/orders", headers: asked.merging(["Origin": origin]) { $1 })
      expectProblem(refused, 403, "origin_not_allowed", origin)
      #expect(refused.header("Access-Control-Allow-Origin") == nil)
    }
  }

  @Test func `A page of a named origin can read answers and problems, any other cannot`() throws {
    let house = try RestHouse(at: BadInputHub.shared)
    func call(_ method: String, _ path: String, _ body: String?, origin: String) throws -> RawAnswer {
      try house.call(method, path, body, headers: ["Origin": origin])
    }
    let order = house.orderBody([house.wine])
    for (method, path, body, status) in [
      ("POST", "orders", order, 201), ("GET", "orders", nil, 200), ("POST", "orders", "{", 400),
      ("GET", "nothing", nil, 404), ("PUT", "orders", nil, 405),
    ] as [(String, String, String?, Int)] {
      let answer = try call(method, path, body, origin: page)
      #expect(answer.status == status)
      #expect(answer.header("Access-Control-Allow-Origin") == page, "\(method) \(path)")
      let exposed = answer.header("Access-Control-Expose-Headers") ?? ""
      for name in ["Hub-Offsets", "ETag", "Retry-After", "Idempotent-Replayed", "X-Request-Id"] {
        #expect(exposed.contains(name), "\(method) \(path)")
      }
      let other = try call(method, path, body, origin: "https://evil.example")
      #expect(other.status == status, "a program could have sent it too")
      #expect(other.header("Access-Control-Allow-Origin") == nil, "\(method) \(path)")
      #expect(other.header("Vary") == "Origin", "\(method) \(path)")
    }
    // The hub's own pages need no leave.
    let own = try call("GET", "orders", nil, origin: "http://localhost")
    #expect(own.status == 200 && own.header("Access-Control-Allow-Origin") == nil)
    // A hub that names nobody says nothing of origins.
    let closed = try RestHub.shared.hub.request("GET", "/health", headers: ["Origin": page])
    #expect(closed.header("Access-Control-Allow-Origin") == nil && closed.header("Vary") == nil)
  }

  @Test(arguments: ["*", "https://a/", "pos.example", "null", "https://", "ftp://a"])
  func `An origin that is none is refused at the start`(origin: String) throws {
    #expect(throws: SupportError.self) {
      try run([try HubUnderTest.program(), "serve", "--listen", "127.0.0.1:0", "--allow-origin", origin])
    }
  }

  @Test func `RFC 9112 §9.3: an HTTP/1.0 client is answered and left, unless it asks to stay`() throws {
    let hub = try BadInputHub.shared.hub
    let plain = try RawSocket(port: hub.port)
    // What it sends behind its only request is not answered, and 100 Continue is nothing it knows.
    let login = "POST /api/v1/auth/login HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    try plain.send(login + "Expect: 100-continue\r\n\r\n{}GET /health HTTP/1.0\r\n\r\n")
    let answer = try plain.answer()
    #expect(answer.status == 422 && answer.header("Connection") == "close")
    #expect(try plain.endsHere())
    let staying = try RawSocket(port: hub.port)
    for _ in 0..<3 {
      try staying.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let answer = try staying.answer()
      #expect(answer.status == 200 && answer.header("Connection") == "keep-alive")
    }
    // RFC 9110 §7.8: an upgrade means nothing in HTTP/1.0.
    try staying.send(
      "GET /ws HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    #expect(try staying.answer().status >= 400)
    #expect(try staying.endsHere())
  }

  @Test func `RFC 9112 §9.6: what was asked before the end of the peer's side is answered, however long it takes`()
    throws
  {
    let house = try RestHouse(at: BadInputHub.shared)
    let body = house.orderBody([house.wine])
    let filler = String(repeating: " ", count: 300_000)
    var all = ""
    // More than the hub reads at once, so that it meets the end while it still has requests to answer.
    for number in 0..<6 {
      let content = number % 2 == 0 ? body + filler : body
      all += "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\n"
      all +=
        "Content-Type: application/json\r\nX-Request-Id: p\(number)\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
    }
    // The last one is not whole: it is not answered, and does not keep the others from it.
    all += "GET /health HTTP/1.1\r\nHost"
    let socket = try RawSocket(port: house.hub.port)
    try socket.send(all)
    shutdown(socket.descriptor, Int32(SHUT_WR))
    for number in 0..<6 {
      let answer = try socket.answer()
      #expect(answer.status == 201 && answer.header("X-Request-Id") == "p\(number)", "\(answer.text)")
    }
    #expect(try socket.endsHere())
  }
}
