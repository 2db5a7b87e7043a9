import Testing

@testable import Protocol

@Suite("HTTP/1.1 responses and encoding")
struct HTTPResponseTests {
  @Test("RFC 9112 §4: a response is written with its status line, fields and body")
  func response() throws {
    var output: [UInt8] = []
    let head = HTTPResponseHead(status: 404, fields: HTTPFields([HTTPField("Content-Type", "application/json")]))
    try HTTPResponse(head: head, body: Array("{}".utf8)).append(to: &output)
    #expect(
      text(output) == "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
  }

  @Test("RFC 9110 §8.6: 1xx, 204 and 304 have no Content-Length", arguments: [101, 204, 304])
  func noContent(_ status: Int) throws {
    var output: [UInt8] = []
    try HTTPResponse(head: HTTPResponseHead(status: status, reason: "x"), body: [65]).append(to: &output)
    #expect(text(output) == "HTTP/1.1 \(status) x\r\n\r\n")
  }

  static let injections: [(String, String)] = [
    ("X", "a\r\nY: 1"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\0"), ("X\r\nY", "1"), ("X Y", "1"), ("", "1"),
    ("X:", "1"),
  ]

  @Test("RFC 9110 §5.5: a field that would begin another line is refused", arguments: injections)
  func injection(_ name: String, _ value: String) {
    var output: [UInt8] = []
    #expect(throws: HTTPEncodingError.invalidField(name: name)) {
      try HTTPResponseHead(status: 200, fields: HTTPFields([HTTPField(name, value)])).append(to: &output)
    }
    #expect(output.isEmpty)
  }

  @Test("RFC 9112 §3: a request line that cannot be sent is refused", arguments: ["/a b", "/a\r\n", "", "/ä"])
  func requestInjection(_ target: String) {
    var output: [UInt8] = []
    #expect(throws: HTTPEncodingError.invalidRequestLine) {
      try HTTPRequest(head: HTTPRequestHead(method: "GET", target: target, path: "/")).append(to: &output)
    }
  }

  @Test("RFC 9112 §3: a request is written")
  func request() throws {
    var output: [UInt8] = []
    let head = HTTPRequestHead(
      method: "POST", target: "/a?b", path: "/a", fields: HTTPFields([HTTPField("Host", "hub.test")]))
    try HTTPRequest(head: head, body: [65]).append(to: &output)
    #expect(text(output) == "POST /a?b HTTP/1.1\r\nHost: hub.test\r\nContent-Length: 1\r\n\r\nA")
  }

  @Test("RFC 9112 §7.1: chunks are written, an empty one is not")
  func chunks() {
    var output: [UInt8] = []
    HTTPChunk.append(Array("0123456789".utf8).span.bytes, to: &output)
    HTTPChunk.append([UInt8]().span.bytes, to: &output)
    HTTPChunk.appendEnd(to: &output)
    #expect(text(output) == "a\r\n0123456789\r\n0\r\n\r\n")
  }

  static let responses: [(String, Bool, [String])] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, ["200:ab"]),
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, ["200:"]),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false, ["200:a"]),
    ("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, ["204:", "304:"]),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", false, ["100:", "201:x"]),
    ("HTTP/1.1 200 OK\r\n\r\nuntil the end", true, ["200:until the end"]),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true, ["violation"]),
    ("HTTP/1.1 20 OK\r\n\r\n", false, ["violation"]),
    ("HTTP/1.1 2000 OK\r\n\r\n", false, ["violation"]),
    ("HTP/1.1 200 OK\r\n\r\n", false, ["violation"]),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", false, ["violation"]),
    ("HTTP/1.1 200 a\u{1}b\r\nContent-Length: 0\r\n\r\n", false, ["violation"]),
  ]

  @Test("RFC 9112 §6.3: a client finds the end of every response", arguments: responses)
  func parsing(_ bytes: String, _ ended: Bool, _ expected: [String]) {
    for pieces in Splitting.ways(Array(bytes.utf8)) {
      let outputs = HTTPFeeding.responses(pieces, ended: ended).map { output in
        if case .response(let response) = output {
          "\(response.head.status):\(text(response.body))"
        } else {
          "violation"
        }
      }
      #expect(outputs == expected)
    }
  }

  @Test("RFC 9110 §9.3.2: the answer to HEAD has no body whatever its fields say")
  func headAnswer() {
    var parser = HTTPResponseParser()
    parser.answersHead = true
    let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8)
    var span = bytes.span.bytes
    guard case .response(let response) = parser.next(in: &span) else {
      Issue.record("no response")
      return
    }
    #expect(response.body.isEmpty)
    #expect(response.head.fields["content-length"] == "5")
  }

  static let lists: [(String, [String])] = [
    ("a, b ,c", ["a", "b", "c"]), ("", []), (",, a,,", ["a"]), ("a;q=\"x,y\", b", ["a;q=\"x,y\"", "b"]),
    ("\"a\\\",b\", c", ["\"a\\\",b\"", "c"]),
  ]

  @Test("RFC 9110 §5.6.1: lists of field values", arguments: lists)
  func list(_ value: String, _ expected: [String]) {
    #expect(HTTPFields([HTTPField("X", value)]).list("x") == expected)
  }

  @Test(arguments: [
    ("keep-alive, Upgrade", true), ("UPGRADE", true), (" , upgrade ,", true), ("upgrades", false), ("", false),
    ("\"a, upgrade\"", false), ("\"a\\\", upgrade\", b", false), ("\"a\\\\\", upgrade", true),
  ])
  func `RFC 9110 §5.6.1, a token among a list's members`(value: String, isThere: Bool) {
    #expect(HTTPFields([HTTPField("Other", "upgrade"), HTTPField("X", value)]).hasToken("upgrade", in: "x") == isThere)
  }

  static let escapes: [(String, String?)] = [
    ("a%20b", "a b"), ("%C3%A4", "ä"), ("%c3%a4", "ä"), ("a+b", "a+b"), ("%", nil), ("%4", nil), ("%zz", nil),
    ("%FF", nil), ("a%00b", nil), ("", ""), ("100%25", "100%"), ("%2F", "/"),
  ]

  @Test("RFC 3986 §2.1: percent-decoding", arguments: escapes)
  func escape(_ encoded: String, _ expected: String?) {
    #expect(PercentEncoding.decode(encoded) == expected)
  }

  @Test("RFC 3986 §2.3: all but unreserved characters are encoded")
  func percentEncode() {
    #expect(PercentEncoding.encode("aZ09-._~ /?ä:") == "aZ09-._~%20%2F%3F%C3%A4%3A")
  }

  @Test("query parameters keep their order and their repetitions")
  func query() {
    let query = QueryParameters("a=1&b=x+y%2B&a=2&c&&=d&e=f=g")
    #expect(query?["a"] == "1")
    #expect(query?.values("a") == ["1", "2"])
    #expect(query?["b"] == "x y+")
    #expect(query?["c"] == "")
    #expect(query?["e"] == "f=g")
    #expect(query?["z"] == nil)
    #expect(QueryParameters(nil)?.all.isEmpty == true)
    #expect(QueryParameters("a=%f") == nil)
    #expect(QueryParameters(String(repeating: "a&", count: 101)) == nil)
  }

  @Test(
    "a path's segments never climb",
    arguments: [("/a/b", true), ("/a/../b", false), ("/%2e%2E", false), ("/./", false)])
  func segments(_ path: String, _ accepted: Bool) {
    #expect((HTTPRequestHead(method: "GET", target: path, path: path).pathSegments != nil) == accepted)
  }
}
