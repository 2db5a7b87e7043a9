// The opening handshake (RFC 6455 §4) of whatever request the HTTP parser lets through: an upgrade that is accepted is
// answered with a response that the client's side accepts in its turn.
import Crypto
import Protocol

extension FuzzTarget {
  static let handshake = FuzzTarget("handshake") { input in
    var parser = HTTPRequestParser()
    var span = input.span.bytes
    guard case .request(let request) = parser.next(in: &span) else { return }
    switch WebSocketHandshake.evaluate(request.head, sha1: sha1) {
    case .notAnUpgrade:
      break
    case .refused(let status, let detail):
      try require([400, 426].contains(status) && !detail.isEmpty, "a refusal with \(status)")
    case .accepted(let offer):
      try checkAnswer(to: offer, request.head)
    }
  }

  private static func sha1(_ bytes: [UInt8]) -> [UInt8] {
    let digest = SHA1.hash(bytes.span.bytes)
    return digest.indices.map { digest[$0] }
  }

  private static func checkAnswer(to offer: WebSocketHandshake.Offer, _ head: HTTPRequestHead) throws {
    var written: [UInt8] = []
    try WebSocketHandshake.appendResponse(to: offer, subprotocol: offer.subprotocols.first, to: &written)
    var parser = HTTPResponseParser()
    var span = written.span.bytes
    guard case .response(let response) = parser.next(in: &span), span.isEmpty else {
      throw FuzzFailure(description: "the answer to a handshake is no response")
    }
    let agreement = try WebSocketHandshake.check(
      response.head, key: head.fields["sec-websocket-key"] ?? "", subprotocols: offer.subprotocols, sha1: sha1)
    try requireEqual(agreement.subprotocol, offer.subprotocols.first, "the subprotocol changed")
  }
}
