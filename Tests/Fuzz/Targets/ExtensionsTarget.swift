// Negotiating permessage-deflate (RFC 6455 §9.1, RFC 7692 §7.1): a list that is read is written and read again to the
// same; and whatever is offered, the server's answer is one that a client which made one of the offers takes, to the same
// agreement.
import Protocol

extension FuzzTarget {
  static let extensions = FuzzTarget("extensions") { input in
    guard let choice = input.first, let text = String(validating: input.dropFirst(), as: UTF8.self),
      let offers = WebSocketExtension.parseList(text)
    else { return }
    let written = offers.map { offer in
      ([offer.name] + offer.parameters.map { $0.name + ($0.value.map { "=\($0)" } ?? "") }).joined(separator: ";")
    }
    try requireEqual(WebSocketExtension.parseList(written.joined(separator: ",")), offers, "a list read again")

    var policy = PermessageDeflate.Policy(serverKeepsContext: choice & 1 == 0, clientKeepsContext: choice & 2 == 0)
    policy.serverWindowBits = 9 + Int(choice >> 2 & 7) % 7
    policy.clientWindowBits = 9 + Int(choice >> 5 & 7) % 7
    guard let (agreement, answer) = PermessageDeflate.accept(offers, policy: policy) else { return }
    try require(9...policy.serverWindowBits ~= Int(agreement.serverWindowBits), "our window is not ours")
    try require(!agreement.serverKeepsContext || policy.serverKeepsContext, "more context than we keep")
    let isTaken = offers.contains { client($0, takes: answer, to: agreement) }
    try require(isTaken, "no client takes \(answer)")
  }

  /// Whether a client that made this offer takes the answer to the same agreement. One that offered to deflate with a
  /// window of 8 bits can; we as a client could not.
  private static func client(
    _ offer: WebSocketExtension, takes answer: String, to agreement: PermessageDeflate.Agreement
  ) -> Bool {
    guard offer.name == PermessageDeflate.name,
      let parameters = PermessageDeflate.Parameters(offer.parameters, isAnswer: false)
    else { return false }
    do throws(PermessageDeflate.Refusal) {
      return try PermessageDeflate.check(answer, to: parameters) == agreement
    } catch {
      return error == .unsupported && agreement.clientWindowBits == 8
    }
  }
}
