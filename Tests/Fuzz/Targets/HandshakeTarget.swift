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
      try checkCompression(offer)
    }
  }

  /// Whatever is offered, what is agreed on can be kept, and the answer is one that a client may be given.
  private static func checkCompression(_ offer: WebSocketHandshake.Offer) throws {
    for keepsContext in [true, false] {
      let policy = PermessageDeflate.Policy(serverKeepsContext: keepsContext, clientKeepsContext: keepsContext)
      guard let (agreement, answer) = PermessageDeflate.accept(offer.extensions, policy: policy) else { continue }
      let members = WebSocketExtension.parseList(answer) ?? []
      try require(members.count == 1 && members[0].name == PermessageDeflate.name, "an answer of \(answer)")
      try require(
        PermessageDeflate.Parameters(members[0].parameters, isAnswer: true)?.text == answer, "an answer of \(answer)")
      try require(
        9...15 ~= agreement.serverWindowBits && 8...15 ~= agreement.clientWindowBits, "windows of \(agreement)")
      try require(
        keepsContext || !agreement.serverKeepsContext && !agreement.clientKeepsContext, "contexts against the policy")
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
