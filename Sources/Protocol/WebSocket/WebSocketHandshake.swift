// The opening handshake (RFC 6455 §4), both sides, over heads that HTTP has parsed already. The digest is given as a
// function: cryptography is another target's.

package enum WebSocketHandshake {
  package static let version = "13"

  /// What a client asks for beyond the connection.
  package struct Offer: Equatable, Sendable {
    /// The value of Sec-WebSocket-Accept.
    package let acceptance: String
    package let subprotocols: [String]
    /// In the client's order of preference.
    package let extensions: [WebSocketExtension]
  }

  package enum Evaluation: Equatable, Sendable {
    /// An ordinary request.
    case notAnUpgrade
    case accepted(Offer)
    /// A faulty upgrade: status 400, or 426, which needs `Sec-WebSocket-Version: 13` (RFC 6455 §4.4).
    case refused(status: Int, detail: String)
  }

  /// Checks a request against RFC 6455 §4.2.1.
  package static func evaluate(_ head: HTTPRequestHead, sha1: ([UInt8]) -> [UInt8]) -> Evaluation {
    let fields = head.fields
    guard fields.hasToken("websocket", in: "upgrade") else { return .notAnUpgrade }
    guard head.method == "GET", head.minorVersion >= 1 else {
      return .refused(status: 400, detail: "a WebSocket begins with GET and HTTP/1.1")
    }
    guard fields.hasToken("upgrade", in: "connection") else {
      return .refused(status: 400, detail: "the Connection field does not name Upgrade")
    }
    guard fields.single("sec-websocket-version") == version else {
      return .refused(status: 426, detail: "the Sec-WebSocket-Version field is not 13")
    }
    guard let key = fields.single("sec-websocket-key"), Base64.decode(key)?.count == 16 else {
      return .refused(status: 400, detail: "the Sec-WebSocket-Key field is not 16 bytes in base 64")
    }
    let subprotocols = fields.list("sec-websocket-protocol")
    guard subprotocols.allSatisfy({ HTTPSyntax.isToken($0.utf8) }) else {
      return .refused(status: 400, detail: "the Sec-WebSocket-Protocol field is not a list of tokens")
    }
    var extensions: [WebSocketExtension] = []
    if let text = fields.combined("sec-websocket-extensions") {
      guard let members = WebSocketExtension.parseList(text) else {
        return .refused(status: 400, detail: "the Sec-WebSocket-Extensions field is not a list of extensions")
      }
      extensions = members
    }
    return .accepted(
      Offer(acceptance: acceptance(ofKey: key, sha1: sha1), subprotocols: subprotocols, extensions: extensions))
  }

  /// Appends the 101 response (RFC 6455 §4.2.2).
  package static func appendResponse(
    to offer: Offer, subprotocol: String?, extensions: String? = nil, to output: inout [UInt8]
  ) throws(HTTPEncodingError) {
    var head: [UInt8] = []
    head.reserveCapacity(256)
    try HTTPHeadWriter.appendStatus(101, to: &head)
    HTTPHeadWriter.append("Upgrade: websocket\r\nConnection: Upgrade\r\n", to: &head)
    try HTTPHeadWriter.appendField("Sec-WebSocket-Accept", offer.acceptance, to: &head)
    if let subprotocol { try HTTPHeadWriter.appendField("Sec-WebSocket-Protocol", subprotocol, to: &head) }
    if let extensions { try HTTPHeadWriter.appendField("Sec-WebSocket-Extensions", extensions, to: &head) }
    HTTPHeadWriter.append("\r\n", to: &head)
    output.append(contentsOf: head)
  }

  /// The request with which a client opens (RFC 6455 §4.1); `key` is 16 fresh random bytes in base 64.
  package static func request(
    host: String, target: String, key: String, subprotocols: [String] = [], extensions: String? = nil,
    fields: HTTPFields = HTTPFields()
  ) -> HTTPRequest {
    var head = HTTPRequestHead(method: "GET", target: target, path: target, fields: HTTPFields())
    head.fields["Host"] = host
    head.fields["Upgrade"] = "websocket"
    head.fields["Connection"] = "Upgrade"
    head.fields["Sec-WebSocket-Key"] = key
    head.fields["Sec-WebSocket-Version"] = version
    if !subprotocols.isEmpty { head.fields["Sec-WebSocket-Protocol"] = subprotocols.joined(separator: ", ") }
    head.fields["Sec-WebSocket-Extensions"] = extensions
    for field in fields.all { head.fields.append(field.name, field.value) }
    return HTTPRequest(head: head)
  }

  /// Why a client does not take a response for a WebSocket.
  package enum Refusal: Error, Equatable, Sendable {
    /// The server answered otherwise: 401, 404, …
    case status(Int)
    case notAWebSocket
    /// Sec-WebSocket-Accept does not belong to the key.
    case wrongAcceptance
    /// A subprotocol was selected that was not offered.
    case unknownSubprotocol
    /// An extension was selected that was not offered.
    case unknownExtension
  }

  /// What the server selected.
  package struct Agreement: Equatable, Sendable {
    package let subprotocol: String?
    package let extensions: String?
  }

  /// Checks the server's answer (RFC 6455 §4.1). What parameters an offered extension may have is the extension's rule.
  package static func check(
    _ head: HTTPResponseHead, key: String, subprotocols: [String] = [], offersExtensions: Bool = false,
    sha1: ([UInt8]) -> [UInt8]
  ) throws(Refusal) -> Agreement {
    guard head.status == 101 else { throw .status(head.status) }
    guard head.fields.hasToken("websocket", in: "upgrade"), head.fields.hasToken("upgrade", in: "connection") else {
      throw .notAWebSocket
    }
    guard head.fields.single("sec-websocket-accept") == acceptance(ofKey: key, sha1: sha1) else {
      throw .wrongAcceptance
    }
    let selected = head.fields.values("sec-websocket-protocol")
    guard selected.count <= 1, selected.allSatisfy(subprotocols.contains) else { throw .unknownSubprotocol }
    let extensions = head.fields.combined("sec-websocket-extensions")
    guard extensions == nil || offersExtensions else { throw .unknownExtension }
    return Agreement(subprotocol: selected.first, extensions: extensions)
  }

  /// RFC 6455 §4.2.2, step 5.4.
  static func acceptance(ofKey key: String, sha1: ([UInt8]) -> [UInt8]) -> String {
    Base64.encode(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
  }
}
