// HTTP requests against the rules (RFC 9110, RFC 9112), each on a connection of its own at a live hub. The parser's own
// table of cases is in Tests/Protocol; here it is the whole way: the answer, the end of the connection, the others.
import Foundation
import Testing
import TestSupport

@Suite struct BadInputRequestTests {
  /// A request, its answer's status, and whether the connection ends with it.
  private struct Row {
    let name: String
    let bytes: [UInt8]
    let status: Int
    var closes = true

    init(_ name: String, _ text: String, _ status: Int, closes: Bool = true) {
      self.init(name, Array(text.utf8), status, closes: closes)
    }

    init(_ name: String, _ bytes: [UInt8], _ status: Int, closes: Bool = true) {
      (self.name, self.bytes, self.status, self.closes) = (name, bytes, status, closes)
    }
  }

  private static func get(_ fields: String, path: String = "/health") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
  }

  private static func post(_ fields: String, _ body: String = "", path: String = "/api/v1/auth/login") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\(fields)\r\n\(body)"
  }

  private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

  private static let long = String(repeating: "x", count: 20_000)

  private func check(_ rows: [Row]) throws {
    let bystander = try Bystander()
    for row in rows {
      let socket = try RawSocket(port: bystander.port)
      try socket.send(row.bytes)
      let answer = try socket.answer()
      #expect(answer.status == row.status, "\(row.name): \(answer.status) \(answer.text)")
      if answer.status >= 400 { expectProblem(answer, row.status, nil, row.name) }
      if row.closes {
        #expect(answer.header("Connection") == "close", "\(row.name)")
        #expect(try socket.endsHere(), "\(row.name): one answer and the end")
      } else {
        #expect(try socket.request("GET", "/health").status == 200, "\(row.name): the connection goes on")
      }
      try bystander.expectUndisturbed(row.name)
    }
  }

  @Test func `RFC 9112 §3: request lines`() throws {
    try check([
      Row("no HTTP at all", "hello\r\n\r\n", 400), Row("TLS", [0x16, 0x03, 0x01, 0x02, 0, 1, 0, 1, 0xFC, 3, 3], 400),
      Row("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), Row("HTTP/0.9", "GET /health\r\n\r\n", 400),
      Row("HTTP/3", "GET /health HTTP/3.0\r\nHost: a\r\n\r\n", 505),
      Row("lower case", "GET /health http/1.1\r\nHost: a\r\n\r\n", 400),
      Row("no version's digits", "GET /health HTTP/1.1x\r\nHost: a\r\n\r\n", 400),
      Row("two spaces", "GET  /health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a space in the target", "GET /he alth HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a tab", "GET\t/health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("no method", " /health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a method that is no token", "G@T /health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a zero in the target", "GET /he\0lth HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("raw UTF-8 in the target", "GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a fragment", "GET /health#a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("no slash", "GET health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("another scheme", "GET ftp://a/health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      Row("a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
      Row("a target over 8 KiB", Self.get("", path: "/" + String(repeating: "a", count: 8192)), 414),
      Row("a line without end", "GET /" + Self.long, 414),
      Row("five empty lines", "\r\n\r\n\r\n\r\n\r\n" + Self.get(""), 400),
      Row("four empty lines", "\r\n\r\n\r\n\r\n" + Self.get(""), 200, closes: false),
      Row("the absolute form", "GET http://b/health HTTP/1.1\r\nHost: a\r\n\r\n", 200, closes: false),
      Row("an unknown method", "BREW /health HTTP/1.1\r\nHost: a\r\n\r\n", 501, closes: false),
      Row("a method in small letters", "get /health HTTP/1.1\r\nHost: a\r\n\r\n", 501, closes: false),
      Row(
        "TRACE, which would tell what proxies added", "TRACE /health HTTP/1.1\r\nHost: a\r\n\r\n", 501, closes: false),
      Row("a method without end", Self.long, 501),
      Row("HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", 200),
      Row("HTTP/1.0 kept open", "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, closes: false),
      Row("a path that is none", Self.get("", path: "/%"), 404, closes: false),
      Row("a path upwards", Self.get("", path: "/clients/../../secret"), 404, closes: false),
      Row("a path upwards, encoded", Self.get("", path: "/clients/%2e%2e/%2e%2e/secret"), 404, closes: false),
    ])
  }

  @Test func `RFC 9112 §5: header fields`() throws {
    try check([
      Row("no Host", "GET /health HTTP/1.1\r\n\r\n", 400), Row("two Hosts", Self.get("Host: a\r\n"), 400),
      Row("a Host that is none", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
      Row("a Host with a user", "GET /health HTTP/1.1\r\nHost: me@a\r\n\r\n", 400),
      Row("no colon", Self.get("Accept\r\n"), 400), Row("a space before the colon", Self.get("Accept : x\r\n"), 400),
      Row("a folded line", Self.get("Accept: a\r\n b\r\n"), 400), Row("no name", Self.get(": x\r\n"), 400),
      Row("a name that is no token", Self.get("Acc(ept: x\r\n"), 400), Row("a zero", Self.get("Accept: a\0b\r\n"), 400),
      Row("a control character", Self.get("Accept: a\u{7}b\r\n"), 400),
      Row("a bare CR", Self.get("Accept: a\rb\r\n"), 400),
      Row("a bare LF", "GET /health HTTP/1.1\nHost: a\n\n", 400),
      Row("101 fields", Self.get(String(repeating: "A: b\r\n", count: 100)), 431),
      Row("100 fields", Self.get(String(repeating: "A: b\r\n", count: 99)), 200, closes: false),
      Row("a head over 16 KiB", Self.get("A: \(Self.long)\r\n"), 431),
      Row("a head over 16 KiB without end", "GET /health HTTP/1.1\r\nHost: a\r\nA: \(Self.long)", 431),
      Row(
        "a head of a megabyte",
        "GET /health HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: \(Self.long.prefix(990))\r\n", count: 1000), 431),
      Row(
        "bytes of Latin-1 in a value",
        Array("GET /health HTTP/1.1\r\nHost: a\r\nA: ".utf8) + [0xE9, 0xFF] + Array("\r\n\r\n".utf8), 200, closes: false
      ),
      Row("an unknown expectation", Self.post("Expect: wonders\r\nContent-Length: 2\r\n", "{}"), 417),
      Row("an upgrade to something else", Self.get("Upgrade: h2c\r\nConnection: Upgrade\r\n"), 200, closes: false),
    ])
  }

  @Test func `RFC 9112 §6: the length of a body`() throws {
    try check([
      Row("a length that is text", Self.post("Content-Length: abc\r\n"), 400),
      Row("a negative length", Self.post("Content-Length: -1\r\n"), 400),
      Row("a length with a sign", Self.post("Content-Length: +2\r\n", "{}"), 400),
      Row("no length", Self.post("Content-Length:\r\n"), 400),
      Row("a list of lengths", Self.post("Content-Length: 2, 2\r\n", "{}"), 400),
      Row("two lengths", Self.post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), 400),
      Row("a hexadecimal length", Self.post("Content-Length: 0x2\r\n", "{}"), 400),
      Row("a length and chunks", Self.post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
      Row("a length past all numbers", Self.post("Content-Length: 99999999999999999999\r\n"), 413),
      Row("a body over 1 MiB", Self.post("Content-Length: 1048577\r\n"), 413),
      Row(
        "a body over 1 MiB that comes",
        Self.post("Content-Length: 3000000\r\n", String(repeating: " ", count: 3_000_000)), 413),
      Row("gzip as transfer coding", Self.post("Transfer-Encoding: gzip\r\n"), 400),
      Row("gzip, chunked", Self.post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
      Row("a space within chunked", Self.post("Transfer-Encoding: chun ked\r\n", "0\r\n\r\n"), 400),
      Row("chunked twice", Self.post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
      Row("chunked before gzip", Self.post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400),
      Row("almost chunked", Self.post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400),
      Row("chunks in HTTP/1.0", "POST /api/v1/auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ])
  }

  @Test func `RFC 9112 §7.1: absurd chunks`() throws {
    let tiny = String(repeating: "1\r\n \r\n", count: 2000)
    try check([
      Row("a size that is text", Self.chunked("zz\r\n"), 400), Row("a negative size", Self.chunked("-1\r\n"), 400),
      Row("a size with 0x", Self.chunked("0x2\r\n{}\r\n0\r\n\r\n"), 400), Row("no size", Self.chunked("\r\n"), 400),
      Row("a size past all numbers", Self.chunked("FFFFFFFFFFFFFFFFF\r\n"), 413),
      Row("a size of 2⁶³", Self.chunked("8000000000000000\r\n"), 413),
      Row("a chunk over 1 MiB", Self.chunked("100001\r\n"), 413),
      Row(
        "chunks that together are over 1 MiB",
        Self.chunked(String(repeating: "10000\r\n\(String(repeating: " ", count: 65536))\r\n", count: 17)), 413),
      Row("a chunk longer than its size", Self.chunked("2\r\n{}}\r\n0\r\n\r\n"), 400),
      Row("a bare LF", Self.chunked("2\n{}\n0\n\n"), 400),
      Row("an extension that is none", Self.chunked("2 x\r\n{}\r\n0\r\n\r\n"), 400),
      Row("extensions without end", Self.chunked("2;a=\(Self.long)"), 400),
      Row("many extensions", Self.chunked(String(repeating: "1;a=\(Self.long.prefix(500))\r\n \r\n", count: 50)), 400),
      Row("trailers over 16 KiB", Self.chunked("0\r\nA: \(Self.long)\r\n\r\n"), 431),
      Row("a trailer that is none", Self.chunked("0\r\nA b\r\n\r\n"), 400),
      Row("two thousand chunks of one byte", Self.chunked("1\r\n{\r\n\(tiny)1\r\n}\r\n0\r\n\r\n"), 422, closes: false),
      Row("an extension and a trailer", Self.chunked("2;a=\"b\"\r\n{}\r\n0\r\nA: b\r\n\r\n"), 422, closes: false),
    ])
  }

  @Test func `A body of another type is 415, and one that is no JSON object is 400`() throws {
    let length = "Content-Length: 2\r\n"
    func typed(_ type: String) -> String {
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\n\(type)\(length)\r\n{}"
    }
    try check([
      Row("no type", typed(""), 415, closes: false),
      Row("text", typed("Content-Type: text/plain\r\n"), 415, closes: false),
      Row("a form", typed("Content-Type: application/x-www-form-urlencoded\r\n"), 415, closes: false),
      Row("a type that only begins so", typed("Content-Type: application/jsonp\r\n"), 415, closes: false),
      Row("JSON in capitals", typed("Content-Type: Application/JSON; charset=UTF-8\r\n"), 422, closes: false),
      Row("a kind of JSON", typed("Content-Type: application/merge-patch+json\r\n"), 422, closes: false),
      Row("an array", Self.post(length, "[]"), 400, closes: false),
      Row("a number", Self.post(length, "12"), 400, closes: false),
      Row("spaces", Self.post(length, "  "), 400, closes: false),
      Row("half an object", Self.post(length, "{\""), 400, closes: false),
    ])
  }
}
