// What the table of requests does not say: the values that a request is handed on with, what is left in the span, and
// the limits as they are when nobody sets them.
import Testing

@testable import Protocol

@Suite("HTTP/1.1 requests as values")
struct HTTPRequestTests {
  private func only(_ bytes: [UInt8]) throws -> HTTPRequest {
    let outputs = HTTPFeeding.requests([bytes]).outputs
    guard outputs.count == 1, case .request(let request) = outputs[0] else { throw Refused(outputs: outputs) }
    return request
  }

  private struct Refused: Error { let outputs: [HTTPParserOutput] }

  @Test("RFC 9112 §3: a head's parts are handed on as they came")
  func parts() {
    let bytes = Array("GET /a%20b/c?x=1&y HTTP/1.1\r\nHost: hub.test:8080\r\nAccept:  a \r\naccept: b\r\n\r\n".utf8)
    let head = HTTPRequestHead(
      method: "GET", target: "/a%20b/c?x=1&y", path: "/a%20b/c", query: "x=1&y",
      fields: HTTPFields([
        HTTPField("Host", "hub.test:8080"), HTTPField("Accept", "a"), HTTPField("accept", "b"),
      ]))
    for pieces in Splitting.ways(bytes) {
      #expect(HTTPFeeding.requests(pieces).outputs == [.request(HTTPRequest(head: head))])
    }
    #expect(head.host == "hub.test:8080")
    #expect(head.fields.combined("ACCEPT") == "a, b")
    #expect(head.pathSegments == ["a b", "c"])
  }

  @Test("RFC 9112 §3.2.2: an absolute target's authority stands before Host")
  func absoluteTarget() throws {
    let head = try only(Array("GET http://other:81?q HTTP/1.1\r\nHost: hub.test\r\n\r\n".utf8)).head
    #expect(head.host == "other:81")
    #expect(head.path == "/")
    #expect(head.query == "q")
  }

  @Test("RFC 9110 §5.5: a value that is not UTF-8 is read byte for byte")
  func obsoleteText() throws {
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0xE4, 13, 10, 13, 10]
    #expect(try only(bytes).head.fields["x"] == "ä")
  }

  @Test("RFC 9110 §7.8: bytes behind an upgrade request stay in the span")
  func upgrade() {
    let head = Array(HTTPTable.request("GET /ws HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n").utf8)
    let frame = hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    for pieces in Splitting.ways(head + frame) {
      let transcript = HTTPFeeding.requests(pieces)
      #expect(transcript.outputs.count == 1)
      #expect(transcript.unconsumed == frame)
    }
  }

  @Test("after a violation nothing more is taken and the same is said again")
  func afterViolation() {
    var parser = HTTPRequestParser()
    let bad = Array("GET\r\n\r\n".utf8)
    var span = bad.span.bytes
    let first = parser.next(in: &span)
    let good = Array(HTTPTable.get("").utf8)
    var next = good.span.bytes
    #expect(parser.next(in: &next) == first)
    #expect(next.byteCount == good.count)
  }

  /// A status, or none for a request that is taken.
  static let standardLimits = [
    HTTPCase("100 fields", HTTPTable.get(HTTPTable.many(99, "X: 1\r\n"))),
    HTTPCase("101 fields", HTTPTable.get(HTTPTable.many(100, "X: 1\r\n")), "431"),
    HTTPCase("a target of 8 KiB", HTTPTable.request("GET /\(HTTPTable.many(8191)) HTTP/1.1")),
    HTTPCase("a target of a byte more", HTTPTable.request("GET /\(HTTPTable.many(8192)) HTTP/1.1"), "414"),
    HTTPCase("a head of 16 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: \(HTTPTable.many(16352))\r\n\r\n"),
    HTTPCase("a head of a byte more", "GET / HTTP/1.1\r\nHost: a\r\nX: \(HTTPTable.many(16353))\r\n\r\n", "431"),
    HTTPCase("a body of 1 MiB", HTTPTable.post("Content-Length: 1048576\r\n", HTTPTable.many(1_048_576))),
    HTTPCase("a body of a byte more", HTTPTable.post("Content-Length: 1048577\r\n"), "413"),
    HTTPCase("an extension over 1 KiB", HTTPTable.chunked("3;\(HTTPTable.many(1100))"), "400"),
  ]

  @Test("the limits that hold when none are set", arguments: standardLimits)
  func standardLimit(_ row: HTTPCase) {
    switch HTTPFeeding.requests([row.bytes]).outputs.last {
    case .request?: #expect(row.expected.isEmpty)
    case .violation(let violation)?: #expect(row.expected == ["\(violation.status)"], "\(violation.detail)")
    default: Issue.record("neither taken nor refused")
    }
  }

  @Test("how far a request has come, for the clocks of whoever feeds the parser")
  func progress() {
    var parser = HTTPRequestParser()
    func feed(_ text: String) -> HTTPRequestProgress {
      let bytes = Array(text.utf8)
      var span = bytes.span.bytes
      while span.byteCount > 0 { _ = parser.next(in: &span) }
      return parser.progress
    }
    #expect(feed("") == .none)
    #expect(feed("\r\n") == .none)
    #expect(feed("P") == .head)
    #expect(feed("OST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n") == .head)
    #expect(feed("\r\n") == .body(received: 0))
    #expect(feed("5;an=extension\r\nab") == .body(received: 2))
    #expect(feed("cde\r\n0\r\n") == .body(received: 5))
    #expect(feed("A: trailer\r\n") == .body(received: 5))
    #expect(feed("\r\n") == .none)
    #expect(feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab") == .body(received: 2))
    #expect(feed("cX") == .head)
    #expect(feed("\n\n") == .none)
  }
}
