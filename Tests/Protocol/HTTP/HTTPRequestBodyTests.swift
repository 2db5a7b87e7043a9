import Testing

@testable import Protocol

@Suite("HTTP/1.1 request bodies")
struct HTTPRequestBodyTests {
  static let lengths: [HTTPCase] = [
    HTTPCase("of three", request("POST / HTTP/1.1", "Content-Length: 3\r\n", body: "abc"), nil),
    HTTPCase("of none", request("POST / HTTP/1.1", "Content-Length: 0\r\n"), nil),
    HTTPCase("with zeros before", request("POST / HTTP/1.1", "Content-Length: 003\r\n", body: "abc"), nil),
    HTTPCase("with GET", request("GET / HTTP/1.1", "Content-Length: 3\r\n", body: "abc"), nil),
    HTTPCase("undeclared", request("POST / HTTP/1.1"), nil),
    HTTPCase("empty", request("POST / HTTP/1.1", "Content-Length:\r\n"), 400),
    HTTPCase("negative", request("POST / HTTP/1.1", "Content-Length: -1\r\n"), 400),
    HTTPCase("with a plus", request("POST / HTTP/1.1", "Content-Length: +3\r\n", body: "abc"), 400),
    HTTPCase("hexadecimal", request("POST / HTTP/1.1", "Content-Length: 0x3\r\n", body: "abc"), 400),
    HTTPCase("with a space inside", request("POST / HTTP/1.1", "Content-Length: 1 2\r\n", body: "abc"), 400),
    HTTPCase("with a fraction", request("POST / HTTP/1.1", "Content-Length: 3.0\r\n", body: "abc"), 400),
    HTTPCase("a list", request("POST / HTTP/1.1", "Content-Length: 3, 3\r\n", body: "abc"), 400),
    HTTPCase("twice the same", request("POST / HTTP/1.1", "Content-Length: 3\r\nContent-Length: 3\r\n"), 400),
    HTTPCase("twice", request("POST / HTTP/1.1", "Content-Length: 3\r\ncontent-length: 4\r\n"), 400),
    HTTPCase("over the limit", request("POST / HTTP/1.1", "Content-Length: 1048577\r\n"), 413),
    HTTPCase("over 64 bits", request("POST / HTTP/1.1", "Content-Length: 99999999999999999999\r\n"), 413),
  ]

  @Test("RFC 9112 §6.2: Content-Length", arguments: lengths)
  func length(_ vector: HTTPCase) { vector.check() }

  static let codings: [HTTPCase] = [
    HTTPCase("chunked", request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n", body: "0\r\n\r\n"), nil),
    HTTPCase("in capitals", request("POST / HTTP/1.1", "TRANSFER-ENCODING: Chunked\r\n", body: "0\r\n\r\n"), nil),
    HTTPCase("gzip before chunked", request("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n"), 501),
    HTTPCase(
      "gzip before chunked in two fields",
      request("POST / HTTP/1.1", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501),
    HTTPCase("gzip alone", request("POST / HTTP/1.1", "Transfer-Encoding: gzip\r\n"), 400),
    HTTPCase("identity", request("POST / HTTP/1.1", "Transfer-Encoding: identity\r\n"), 400),
    HTTPCase("gzip after chunked", request("POST / HTTP/1.1", "Transfer-Encoding: chunked, gzip\r\n"), 400),
    HTTPCase("chunked twice", request("POST / HTTP/1.1", "Transfer-Encoding: chunked, chunked\r\n"), 400),
    HTTPCase("something like chunked", request("POST / HTTP/1.1", "Transfer-Encoding: xchunked\r\n"), 400),
    HTTPCase("empty", request("POST / HTTP/1.1", "Transfer-Encoding:\r\n"), 400),
    HTTPCase(
      "with Content-Length",
      request("POST / HTTP/1.1", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", body: "0\r\n\r\n"), 400),
    HTTPCase("in HTTP/1.0", request("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n", body: "0\r\n\r\n"), 400),
  ]

  @Test("RFC 9112 §6.1: Transfer-Encoding", arguments: codings)
  func coding(_ vector: HTTPCase) { vector.check() }

  static let head = request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n")

  static let goodChunks: [(String, String)] = [
    ("3\r\nabc\r\n0\r\n\r\n", "abc"),
    ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
    ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("a\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
    ("003;name=value\r\nabc\r\n0;last\r\n\r\n", "abc"),
    ("3 ; name=\"a;b\"\r\nabc\r\n0\r\n\r\n", "abc"),
    ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ("3\r\nabc\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n", "abc"),
    ("0\r\n\r\n", ""),
  ]

  @Test("RFC 9112 §7.1: chunked bodies", arguments: goodChunks)
  func chunked(_ body: String, _ expected: String) {
    let next = request("GET /next HTTP/1.1")
    for pieces in Splitting.ways(Array((Self.head + body + next).utf8)) {
      let outputs = HTTPFeeding.requests(pieces).outputs
      guard outputs.count == 2, case .request(let first) = outputs[0], case .request(let second) = outputs[1] else {
        Issue.record("\(outputs)")
        return
      }
      #expect(text(first.body) == expected)
      #expect(second.head.path == "/next")
    }
  }

  static let badChunks: [HTTPCase] = [
    HTTPCase("no size", head + "\r\nabc\r\n0\r\n\r\n", 400),
    HTTPCase("no number", head + "xyz\r\n", 400),
    HTTPCase("0x before the size", head + "0x3\r\nabc\r\n", 400),
    HTTPCase("a negative size", head + "-3\r\nabc\r\n", 400),
    HTTPCase("a space before the size", head + " 3\r\nabc\r\n", 400),
    HTTPCase("a space behind the size", head + "3 \r\nabc\r\n", 400),
    HTTPCase("bare LF behind the size", head + "3\nabc\r\n", 400),
    HTTPCase("bare CR behind the size", head + "3\rabc\r\n", 400),
    HTTPCase("bare LF behind the data", head + "3\r\nabc\n0\r\n\r\n", 400),
    HTTPCase("more data than the size", head + "3\r\nabcd\r\n0\r\n\r\n", 400),
    HTTPCase("less data than the size", head + "5\r\nabc\r\n0\r\n\r\n", 400),
    HTTPCase("a control character in an extension", head + "3;a\0b\r\nabc\r\n", 400),
    HTTPCase("a size of 16 digits", head + "1000000000000000\r\n", 413),
    HTTPCase("a size over the limit", head + "100001\r\n", 413),
    HTTPCase("sizes that pass the limit together", head + "1\r\na\r\n100000\r\n", 413),
    HTTPCase("an extension without an end", head + "3;" + String(repeating: "x", count: 2000), 400),
    HTTPCase(
      "extensions without number",
      head
        + String(
          repeating: "1;" + String(repeating: "x", count: 1000) + "\r\na\r\n",
          count: 17), 400),
    HTTPCase("a folded trailer", head + "0\r\nA: 1\r\n b\r\n\r\n", 400),
    HTTPCase("a trailer without a colon", head + "0\r\nabc\r\n\r\n", 400),
    HTTPCase("trailers with bare LF", head + "0\r\nA: 1\n\r\n", 400),
    HTTPCase("trailers without an end", head + "0\r\nA: " + String(repeating: "x", count: 17000), 431),
    HTTPCase("too many trailers", head + "0\r\n" + String(repeating: "A: 1\r\n", count: 101) + "\r\n", 431),
  ]

  @Test("RFC 9112 §7.1: chunked bodies that are refused", arguments: badChunks)
  func badChunked(_ vector: HTTPCase) { vector.check() }

  static let expectations: [(String, [String])] = [
    ("Expect: 100-continue\r\nContent-Length: 3\r\n", ["continue", "request"]),
    ("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", ["continue", "request"]),
    ("Expect: 100-continue\r\n", ["request"]),
    ("Expect: 100-continue\r\nContent-Length: 0\r\n", ["request"]),
    ("Expect: 100-continue\r\nContent-Length: 1048577\r\n", ["413"]),
    ("Expect: 200-maybe\r\nContent-Length: 3\r\n", ["417"]),
  ]

  @Test("RFC 9110 §10.1.1: Expect is answered once the head is accepted and a body follows", arguments: expectations)
  func expectation(_ fields: String, _ expected: [String]) {
    let body = fields.contains("chunked") ? "3\r\nabc\r\n0\r\n\r\n" : fields.contains(": 3") ? "abc" : ""
    for pieces in Splitting.ways(Array(request("POST / HTTP/1.1", fields, body: body).utf8)) {
      let outputs = HTTPFeeding.requests(pieces).outputs.map { output in
        switch output {
        case .needsMore: "more"
        case .continueExpected: "continue"
        case .request: "request"
        case .violation(let violation): "\(violation.status)"
        }
      }
      #expect(outputs == expected)
    }
  }

  @Test("RFC 9112 §9.3.2: pipelined requests come one by one")
  func pipelining() {
    let bytes = Array(
      (request("GET /1 HTTP/1.1") + request("POST /2 HTTP/1.1", "Content-Length: 2\r\n", body: "ab") + "\r\n"
        + request("GET /3 HTTP/1.1")).utf8)
    for pieces in Splitting.ways(bytes) {
      let transcript = HTTPFeeding.requests(pieces)
      let targets = transcript.outputs.map { output in
        if case .request(let request) = output { request.head.target + text(request.body) } else { "?" }
      }
      #expect(targets == ["/1", "/2ab", "/3"])
      #expect(transcript.unconsumed.isEmpty)
    }
  }

  @Test("RFC 9110 §7.8: bytes behind an upgrade request stay in the span")
  func upgrade() {
    let head = Array(request("GET /ws HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n").utf8)
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
    let good = Array(request("GET / HTTP/1.1").utf8)
    var next = good.span.bytes
    #expect(parser.next(in: &next) == first)
    #expect(next.byteCount == good.count)
  }
}
