// RFC 9112 §9 and what RFC 9110 and RFC 6585 add: persistence, pipelining, upgrades, expectations, limits.

extension HTTPTable {
  static let persistence = [
    HTTPCase("close", get("Connection: close\r\n"), "GET / (close)"),
    HTTPCase("close in a list, in capitals", get("Connection: x, Close\r\n"), "GET / (close)"),
    HTTPCase("close in a second field", get("Connection: x\r\nconnection: CLOSE\r\n"), "GET / (close)"),
    HTTPCase("close and keep-alive", get("Connection: keep-alive, close\r\n"), "GET / (close)"),
    HTTPCase("something like close", get("Connection: closed\r\n"), "GET /"),
    HTTPCase("keep-alive", get("Connection: keep-alive\r\n"), "GET /"),
    HTTPCase("HTTP/1.0 with keep-alive", request("GET / HTTP/1.0", "Connection: Keep-Alive\r\n"), "GET /"),
    HTTPCase("HTTP/1.0 with both", request("GET / HTTP/1.0", "Connection: keep-alive, close\r\n"), "GET / (close)"),
    HTTPCase(
      "HTTP/1.0 with the field of old proxies", request("GET / HTTP/1.0", "Proxy-Connection: keep-alive\r\n"),
      "GET / (close)"),
  ]

  static let pipelines = [
    HTTPCase(
      "three, one with a body, an empty line between",
      request("GET /1 HTTP/1.1") + request("POST /2 HTTP/1.1", "Content-Length: 2\r\n", body: "ab") + "\r\n"
        + request("GET /3 HTTP/1.1"), "GET /1", "POST /2 ab", "GET /3"),
    HTTPCase("behind chunks", chunked("1\r\na\r\n0\r\n\r\n") + request("GET /2 HTTP/1.1"), "POST / a", "GET /2"),
    HTTPCase("a refused one behind a good one", get("") + "nonsense\r\n\r\n", "GET /", "400"),
    HTTPCase("one byte too many", post("Content-Length: 3\r\n", "abcd") + "\r\n\r\n", "POST / abc", "400"),
    HTTPCase("empty lines without number", get("") + many(5, "\r\n") + get(""), "GET /", "400"),
  ]

  static let upgrades = [
    HTTPCase(
      "to WebSocket, with its frames behind",
      Array(request("GET /ws HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n").utf8)
        + hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), "GET /ws"),
    HTTPCase("h2c, which is not offered", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"), "GET /"),
  ]

  static let expectations = [
    HTTPCase("a length", post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"), "continue", "POST / abc"),
    HTTPCase(
      "chunks", post("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "continue", "POST /"),
    HTTPCase("no body", post("Expect: 100-continue\r\n"), "POST /"),
    HTTPCase("a body of nothing", post("Expect: 100-continue\r\nContent-Length: 0\r\n"), "POST /"),
    HTTPCase("a body that does not come", post("Expect: 100-continue\r\nContent-Length: 3\r\n"), "continue"),
    HTTPCase("a body over the limit", post("Expect: 100-continue\r\nContent-Length: 65\r\n"), "413"),
    HTTPCase("a broken length", post("Expect: 100-continue\r\nContent-Length: x\r\n"), "400"),
    HTTPCase("another expectation", post("Expect: wonders\r\nContent-Length: 3\r\n", "abc"), "417"),
    HTTPCase("another one beside", post("Expect: 100-continue, wonders\r\nContent-Length: 3\r\n", "abc"), "417"),
    HTTPCase(
      "twice", post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", "a"), "continue",
      "POST / a"),
    HTTPCase(
      "in HTTP/1.0, where it means nothing",
      request("POST / HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 3\r\n", body: "abc"), "POST / abc (close)"),
    HTTPCase("any in HTTP/1.0", request("GET / HTTP/1.0", "Expect: wonders\r\n"), "GET / (close)"),
  ]

  /// Host takes 16 of the 256 bytes, `GET / HTTP/1.1` 16, the empty line 2.
  static let tooLong = [
    HTTPCase("a target of the limit", request("GET /\(many(63)) HTTP/1.1"), "GET /\(many(63))"),
    HTTPCase("a target past it", request("GET /\(many(64)) HTTP/1.1"), "414"),
    HTTPCase("an absolute target past it", request("GET http://a/\(many(64)) HTTP/1.1"), "414"),
    HTTPCase("a target past the head", request("GET /\(many(300)) HTTP/1.1"), "414"),
    HTTPCase("a target without an end", "GET /" + many(300), "414"),
    HTTPCase("a head of the limit", get("X: \(many(217))\r\n"), "GET /"),
    HTTPCase("a head past it", get("X: \(many(218))\r\n"), "431"),
    HTTPCase("a head without an end", "GET / HTTP/1.1\r\nX: " + many(300), "431"),
    HTTPCase("a name without an end", "GET / HTTP/1.1\r\n" + many(300), "431"),
    HTTPCase("fields of the limit", get(many(7, "X: 1\r\n")), "GET /"),
    HTTPCase("fields past it", get(many(8, "X: 1\r\n")), "431"),
    HTTPCase("a body of the limit", post("Content-Length: 64\r\n", many(64)), "POST / \(many(64))"),
    HTTPCase("a body past it", post("Content-Length: 65\r\n", many(65)), "413"),
    HTTPCase("a length past 64 bits", post("Content-Length: 99999999999999999999\r\n"), "413"),
    HTTPCase("a length of 2⁶³", post("Content-Length: 9223372036854775808\r\n"), "413"),
    HTTPCase("chunks of the limit", chunked("3F\r\n\(many(63))\r\n1\r\nx\r\n0\r\n\r\n"), "POST / \(many(64))"),
    HTTPCase("chunks past it together", chunked("3F\r\n\(many(63))\r\n2\r\nxx\r\n0\r\n\r\n"), "413"),
    HTTPCase("a chunk past it", chunked("41\r\n"), "413"),
    HTTPCase("a chunk of 2⁶³", chunked("8000000000000000\r\n"), "413"),
    HTTPCase("a chunk past 64 bits", chunked("FFFFFFFFFFFFFFFFF\r\n"), "413"),
    HTTPCase("a chunk size without an end", chunked(many(300, "0")), "400"),
    HTTPCase("an extension without an end", chunked("1;" + many(300)), "400"),
    HTTPCase("extensions without number", chunked(many(4, "1;\(many(80))\r\na\r\n")), "400"),
    HTTPCase("trailers without an end", chunked("0\r\nA: " + many(300)), "431"),
    HTTPCase("trailers past the limit", chunked("0\r\nA: \(many(300))\r\n\r\n"), "431"),
    HTTPCase("too many trailers", chunked("0\r\n" + many(9, "A: 1\r\n") + "\r\n"), "431"),
  ]
}
