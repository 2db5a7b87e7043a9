import Testing

@testable import Protocol

@Suite("HTTP/1.1 request heads")
struct HTTPRequestHeadTests {
  static let requestLines: [HTTPCase] = [
    HTTPCase("GET", request("GET / HTTP/1.1"), nil),
    HTTPCase("a method nobody knows", request("BREW /pot HTTP/1.1"), nil),
    HTTPCase("a method of all kinds of token characters", request("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1"), nil),
    HTTPCase("a minor version above 1", request("GET / HTTP/1.9"), nil),
    HTTPCase("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", nil),
    HTTPCase("one empty line before", "\r\n" + request("GET / HTTP/1.1"), nil),
    HTTPCase("four empty lines before", "\r\n\r\n\r\n\r\n" + request("GET / HTTP/1.1"), nil),
    HTTPCase("five empty lines before", "\r\n\r\n\r\n\r\n\r\n" + request("GET / HTTP/1.1"), 400),
    HTTPCase("no version", request("GET /"), 400),
    HTTPCase("no target", request("GET HTTP/1.1"), 400),
    HTTPCase("two spaces", request("GET  / HTTP/1.1"), 400),
    HTTPCase("two spaces before the version", request("GET /  HTTP/1.1"), 400),
    HTTPCase("a tab for a space", request("GET\t/ HTTP/1.1"), 400),
    HTTPCase("a space before the method", " " + request("GET / HTTP/1.1"), 400),
    HTTPCase("a space behind the version", request("GET / HTTP/1.1 "), 400),
    HTTPCase("a method with a colon", request("GE:T / HTTP/1.1"), 400),
    HTTPCase("the version in small letters", request("GET / http/1.1"), 400),
    HTTPCase("a version of one number", request("GET / HTTP/1"), 400),
    HTTPCase("a version of two digits", request("GET / HTTP/1.10"), 400),
    HTTPCase("a version with a comma", request("GET / HTTP/1,1"), 400),
    HTTPCase("HTTP/2", request("GET / HTTP/2.0"), 505),
    HTTPCase("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    HTTPCase("HTTP/0.9 with a number", request("GET / HTTP/0.9"), 505),
    HTTPCase("a TLS greeting", hex("16 03 01 02 00 01 00 01 FC 03 03"), 400),
  ]

  @Test("RFC 9112 §3: the request line", arguments: requestLines)
  func requestLine(_ vector: HTTPCase) { vector.check() }

  static let lineEnds: [HTTPCase] = [
    HTTPCase("bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    HTTPCase("bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    HTTPCase("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400),
    HTTPCase("bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    HTTPCase("bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    HTTPCase("bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    HTTPCase("two CR before LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
  ]

  @Test("RFC 9112 §2.2: lines end with CRLF and nothing else", arguments: lineEnds)
  func lineEnd(_ vector: HTTPCase) { vector.check() }

  static let targets: [HTTPCase] = [
    HTTPCase("origin form with a query", request("GET /a/b?c=d&e HTTP/1.1"), nil),
    HTTPCase("characters that browsers leave", request("GET /a|b{c}^d?e='f' HTTP/1.1"), nil),
    HTTPCase("asterisk form", request("OPTIONS * HTTP/1.1"), nil),
    HTTPCase("absolute form", request("GET http://hub.test/a HTTP/1.1"), nil),
    HTTPCase("absolute form without a path", request("GET HTTPS://hub.test HTTP/1.1"), nil),
    HTTPCase("asterisk form of GET", request("GET * HTTP/1.1"), 400),
    HTTPCase("a path without a slash", request("GET a/b HTTP/1.1"), 400),
    HTTPCase("a fragment", request("GET /a#b HTTP/1.1"), 400),
    HTTPCase("a quote", request("GET /a\"b HTTP/1.1"), 400),
    HTTPCase("a backslash", request("GET /a\\b HTTP/1.1"), 400),
    HTTPCase("a raw umlaut", request("GET /ä HTTP/1.1"), 400),
    HTTPCase("a NUL", request("GET /\0 HTTP/1.1"), 400),
    HTTPCase("a DEL", request("GET /\u{7F} HTTP/1.1"), 400),
    HTTPCase("another scheme", request("GET ftp://hub.test/ HTTP/1.1"), 400),
    HTTPCase("no authority", request("GET http:///a HTTP/1.1"), 400),
    HTTPCase("user information", request("GET http://me@hub.test/ HTTP/1.1"), 400),
    HTTPCase("authority form of GET", request("GET hub.test:80 HTTP/1.1"), 400),
    HTTPCase("CONNECT", request("CONNECT hub.test:80 HTTP/1.1"), 501),
  ]

  @Test("RFC 9112 §3.2: the request target", arguments: targets)
  func target(_ vector: HTTPCase) { vector.check() }

  static let hosts: [HTTPCase] = [
    HTTPCase("a name and a port", "GET / HTTP/1.1\r\nHost: hub.test:8080\r\n\r\n", nil),
    HTTPCase("an IPv4 address", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", nil),
    HTTPCase("an IPv6 address and a port", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", nil),
    HTTPCase("empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", nil),
    HTTPCase("in capitals", "GET / HTTP/1.1\r\nHOST: HUB\r\n\r\n", nil),
    HTTPCase("missing", "GET / HTTP/1.1\r\n\r\n", 400),
    HTTPCase("missing with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400),
    HTTPCase("twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    HTTPCase("twice the same", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
    HTTPCase("twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    HTTPCase("with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    HTTPCase("with user information", "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400),
    HTTPCase("with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    HTTPCase("a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    HTTPCase("a port of letters", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
    HTTPCase("a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400),
    HTTPCase("an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
  ]

  @Test("RFC 9112 §3.2: exactly one valid Host", arguments: hosts)
  func host(_ vector: HTTPCase) { vector.check() }

  static let fields: [HTTPCase] = [
    HTTPCase("no space behind the colon", request("GET / HTTP/1.1", "X:1\r\n"), nil),
    HTTPCase("spaces and tabs around the value", request("GET / HTTP/1.1", "X: \t 1 \t \r\n"), nil),
    HTTPCase("an empty value", request("GET / HTTP/1.1", "X:\r\nY: \r\n"), nil),
    HTTPCase("obs-text", Array(request("GET / HTTP/1.1", "X: ").dropLast(2).utf8) + [0xE4, 13, 10, 13, 10], nil),
    HTTPCase("a space before the colon", request("GET / HTTP/1.1", "X : 1\r\n"), 400),
    HTTPCase("a tab before the colon", request("GET / HTTP/1.1", "X\t: 1\r\n"), 400),
    HTTPCase("no name", request("GET / HTTP/1.1", ": 1\r\n"), 400),
    HTTPCase("no colon", request("GET / HTTP/1.1", "X\r\n"), 400),
    HTTPCase("a name with a slash", request("GET / HTTP/1.1", "X/Y: 1\r\n"), 400),
    HTTPCase("a name that is not ASCII", request("GET / HTTP/1.1", "Ä: 1\r\n"), 400),
    HTTPCase("obs-fold with a space", request("GET / HTTP/1.1", "X: 1\r\n 2\r\n"), 400),
    HTTPCase("obs-fold with a tab", request("GET / HTTP/1.1", "X: 1\r\n\t2\r\n"), 400),
    HTTPCase("a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    HTTPCase("a NUL in a value", request("GET / HTTP/1.1", "X: a\0b\r\n"), 400),
    HTTPCase("an escape in a value", request("GET / HTTP/1.1", "X: \u{1B}[0m\r\n"), 400),
    HTTPCase("a DEL in a value", request("GET / HTTP/1.1", "X: \u{7F}\r\n"), 400),
  ]

  @Test("RFC 9112 §5: field lines", arguments: fields)
  func field(_ vector: HTTPCase) { vector.check() }

  static let sizes: [HTTPCase] = [
    HTTPCase("100 fields", request("GET / HTTP/1.1", String(repeating: "X: 1\r\n", count: 99)), nil),
    HTTPCase("101 fields", request("GET / HTTP/1.1", String(repeating: "X: 1\r\n", count: 100)), 431),
    HTTPCase("a target of 8 KiB", request("GET /" + String(repeating: "a", count: 8191) + " HTTP/1.1"), nil),
    HTTPCase("a target of 8 KiB and one", request("GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1"), 414),
    HTTPCase("a target without an end", "GET /" + String(repeating: "a", count: 17000), 414),
    HTTPCase(
      "a head of 16 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 16352) + "\r\n\r\n", nil),
    HTTPCase(
      "a head of 16 KiB and one",
      "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 16353)
        + "\r\n\r\n", 431),
    HTTPCase("a head without an end", "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 17000), 431),
  ]

  @Test("RFC 9110 §15.5: a head's limits", arguments: sizes)
  func size(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §3: a head's parts are handed on as they came")
  func parts() {
    let bytes = Array("GET /a%20b/c?x=1&y HTTP/1.1\r\nHost: hub.test:8080\r\nAccept:  a \r\naccept: b\r\n\r\n".utf8)
    let head = HTTPRequestHead(
      method: "GET", target: "/a%20b/c?x=1&y", path: "/a%20b/c", query: "x=1&y", host: "hub.test:8080",
      fields: HTTPFields([
        HTTPField("Host", "hub.test:8080"), HTTPField("Accept", "a"), HTTPField("accept", "b"),
      ]))
    for pieces in Splitting.ways(bytes) {
      #expect(HTTPFeeding.requests(pieces).outputs == [.request(HTTPRequest(head: head))])
    }
    #expect(head.fields.combined("ACCEPT") == "a, b")
    #expect(head.pathSegments == ["a b", "c"])
  }

  @Test("RFC 9112 §3.2.2: an absolute target's authority stands before Host")
  func absoluteTarget() throws {
    let bytes = Array("GET http://other:81?q HTTP/1.1\r\nHost: hub.test\r\n\r\n".utf8)
    guard case .request(let request)? = HTTPFeeding.requests([bytes]).outputs.first else {
      Issue.record("refused")
      return
    }
    #expect(request.head.host == "other:81")
    #expect(request.head.path == "/")
    #expect(request.head.query == "q")
  }

  @Test("RFC 9110 §5.5: a value that is not UTF-8 is read byte for byte")
  func obsoleteText() {
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0xE4, 13, 10, 13, 10]
    guard case .request(let request)? = HTTPFeeding.requests([bytes]).outputs.first else {
      Issue.record("refused")
      return
    }
    #expect(request.head.fields["x"] == "ä")
  }

  @Test(
    "RFC 9112 §9.3: what keeps a connection alive",
    arguments: [
      (1, "", true), (1, "Connection: close\r\n", false), (1, "Connection: x, Close\r\n", false),
      (1, "Connection: keep-alive\r\n", true), (0, "", false), (0, "Connection: keep-alive\r\n", true),
      (0, "Connection: keep-alive, close\r\n", false), (1, "Connection: x\r\nconnection: CLOSE\r\n", false),
    ])
  func keepsAlive(minorVersion: Int, fields: String, expected: Bool) {
    let bytes = Array(request("GET / HTTP/1.\(minorVersion)", fields).utf8)
    guard case .request(let request)? = HTTPFeeding.requests([bytes]).outputs.first else {
      Issue.record("refused")
      return
    }
    #expect(request.head.keepsAlive == expected)
  }
}
