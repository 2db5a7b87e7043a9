import Testing

@testable import Protocol

@Suite("WebSocket handshake")
struct WebSocketHandshakeTests {
  static let key = "dGhlIHNhbXBsZSBub25jZQ=="

  /// The digest that RFC 6455 §1.3 gives for its key; nothing else is asked of it.
  static func sha1(_ bytes: [UInt8]) -> [UInt8] {
    #expect(text(bytes) == "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    return hex("b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea")
  }

  static func head(_ changes: [String: String?] = [:], method: String = "GET", minorVersion: Int = 1) -> HTTPRequestHead
  {
    var fields = HTTPFields([
      HTTPField("Host", "hub.test"), HTTPField("Upgrade", "websocket"), HTTPField("Connection", "Upgrade"),
      HTTPField("Sec-WebSocket-Key", key), HTTPField("Sec-WebSocket-Version", "13"),
    ])
    for (name, value) in changes { fields[name] = value }
    return HTTPRequestHead(method: method, target: "/ws", path: "/ws", minorVersion: minorVersion, fields: fields)
  }

  @Test("RFC 6455 §1.3: the RFC's own key is answered")
  func accepted() {
    let head = Self.head([
      "Connection": "keep-alive, upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Protocol": "hub.v1, bearer.a.b-c_d",
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    ])
    #expect(
      WebSocketHandshake.evaluate(head, sha1: Self.sha1)
        == .accepted(
          WebSocketHandshake.Offer(
            acceptance: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", subprotocols: ["hub.v1", "bearer.a.b-c_d"],
            extensions: [
              WebSocketExtension("permessage-deflate", [WebSocketExtension.Parameter("client_max_window_bits")])
            ])))
  }

  static let refusals: [([String: String?], Int?)] = [
    (["Upgrade": nil], nil), (["Upgrade": "h2c"], nil),
    (["Connection": nil], 400), (["Connection": "keep-alive"], 400),
    (["Sec-WebSocket-Version": nil], 426), (["Sec-WebSocket-Version": "8"], 426),
    (["Sec-WebSocket-Version": "13, 8"], 426),
    (["Sec-WebSocket-Key": nil], 400), (["Sec-WebSocket-Key": ""], 400), (["Sec-WebSocket-Key": "dGhl"], 400),
    (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ"], 400), (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR=="], 400),
    (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ!=="], 400), (["Sec-WebSocket-Protocol": "a b"], 400),
    (["Sec-WebSocket-Extensions": "permessage-deflate;"], 400), (["Sec-WebSocket-Extensions": ""], 400),
  ]

  @Test("RFC 6455 §4.2.1: handshakes that are refused, or none", arguments: refusals)
  func refused(_ changes: [String: String?], _ status: Int?) {
    switch WebSocketHandshake.evaluate(Self.head(changes), sha1: Self.sha1) {
    case .notAnUpgrade: #expect(status == nil)
    case .refused(let refusal, _): #expect(refusal == status)
    case .accepted: Issue.record("accepted")
    }
  }

  @Test("RFC 6455 §4.1: only GET of HTTP/1.1 begins a WebSocket", arguments: [("POST", 1), ("GET", 0)])
  func requestLine(_ method: String, _ minorVersion: Int) {
    guard
      case .refused(status: 400, _) = WebSocketHandshake.evaluate(
        Self.head(method: method, minorVersion: minorVersion), sha1: Self.sha1)
    else {
      Issue.record("accepted")
      return
    }
  }

  @Test("RFC 6455 §4.2.2: the answer is written")
  func answer() throws {
    var output: [UInt8] = []
    let offer = WebSocketHandshake.Offer(
      acceptance: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", subprotocols: ["hub.v1"], extensions: [])
    try WebSocketHandshake.appendResponse(to: offer, subprotocol: "hub.v1", to: &output)
    #expect(
      text(output)
        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: hub.v1\r\n\r\n")
  }

  @Test("RFC 6455 §4.1: a client's request is written")
  func clientRequest() throws {
    var output: [UInt8] = []
    try WebSocketHandshake.request(host: "hub.test", target: "/ws", key: Self.key, subprotocols: ["hub.v1", "b"])
      .append(to: &output)
    #expect(
      text(output)
        == "GET /ws HTTP/1.1\r\nHost: hub.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: hub.v1, b\r\n\r\n")
  }

  static let checks: [([String: String], Int, WebSocketHandshake.Refusal?)] = [
    ([:], 101, nil), (["Sec-WebSocket-Protocol": "hub.v1"], 101, nil), ([:], 401, .status(401)),
    (["Upgrade": "h2c"], 101, .notAWebSocket), (["Connection": "close"], 101, .notAWebSocket),
    (["Sec-WebSocket-Accept": "x"], 101, .wrongAcceptance), (["Sec-WebSocket-Protocol": "z"], 101, .unknownSubprotocol),
    (["Sec-WebSocket-Extensions": "permessage-deflate"], 101, .unknownExtension),
  ]

  @Test("RFC 6455 §4.1: a client checks the answer", arguments: checks)
  func clientCheck(_ changes: [String: String], _ status: Int, _ refusal: WebSocketHandshake.Refusal?) {
    var fields = HTTPFields([
      HTTPField("Upgrade", "WebSocket"), HTTPField("Connection", "upgrade"),
      HTTPField("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ])
    for (name, value) in changes { fields[name] = value }
    do {
      let agreement = try WebSocketHandshake.check(
        HTTPResponseHead(status: status, fields: fields), key: Self.key, subprotocols: ["hub.v1"], sha1: Self.sha1)
      #expect(refusal == nil)
      #expect(agreement.subprotocol == changes["Sec-WebSocket-Protocol"])
    } catch {
      #expect(error == refusal)
    }
  }

  static let encodings: [(String, String)] = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ]

  @Test("RFC 4648 §10: base 64", arguments: encodings)
  func base64(_ plain: String, _ encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
  }

  @Test("RFC 4648 §3: base 64 that is refused", arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zm 8"])
  func badBase64(_ encoded: String) {
    #expect(Base64.decode(encoded) == nil)
  }
}
