// Negotiating permessage-deflate (RFC 7692 §5, §7.1): the server takes the first offer it can keep, the client checks
// that the answer fits its offer.
//
// zlib deflates raw data with windows of 9 to 15 bits only. An offer that demands `server_max_window_bits=8` is therefore
// declined, as RFC 7692 §7.1 has it for a configuration that is not supported, and the next offer is tried; to accept
// it and never compress would tell the client that we do. A client's window of 8 is no trouble: any larger inflates it.

extension PermessageDeflate {
  /// What a server wants of a connection.
  package struct Policy: Equatable, Sendable {
    /// The largest window we deflate with, 9 to 15.
    package var serverWindowBits = 15
    /// The largest window we let a client use, if it offers to be limited.
    package var clientWindowBits = 15
    /// Whether our messages may refer to earlier ones, where the client lets them.
    package var serverKeepsContext: Bool
    /// Whether the client's may, where it wants them to.
    package var clientKeepsContext: Bool

    package init(serverKeepsContext: Bool, clientKeepsContext: Bool) {
      self.serverKeepsContext = serverKeepsContext
      self.clientKeepsContext = clientKeepsContext
    }
  }

  /// The server's side: what holds, and the value of our Sec-WebSocket-Extensions; nil when nothing that we support was
  /// offered and the connection goes on without.
  package static func accept(
    _ offers: [WebSocketExtension], policy: Policy
  ) -> (agreement: Agreement, answer: String)? {
    for member in offers where member.name == name {
      guard let offer = Parameters(member.parameters, isAnswer: false) else { continue }
      let serverWindow = min(policy.serverWindowBits, offer.serverMaxWindowBits ?? 15)
      guard serverWindow >= 9 else { continue }
      var agreement = Agreement()
      var answer = Parameters()
      agreement.serverWindowBits = UInt8(truncatingIfNeeded: serverWindow)
      // A limit that was asked for is confirmed, one of our own is announced (RFC 7692 §7.1.2.1).
      if offer.serverMaxWindowBits != nil || serverWindow < 15 { answer.serverMaxWindowBits = serverWindow }
      // A client that does not offer the parameter cannot be limited (RFC 7692 §7.1.2.2).
      if let offered = offer.clientMaxWindowBits {
        let most = if case .bits(let bits) = offered { bits } else { 15 }
        let clientWindow = min(policy.clientWindowBits, most)
        agreement.clientWindowBits = UInt8(truncatingIfNeeded: clientWindow)
        if clientWindow < 15 { answer.clientMaxWindowBits = .bits(clientWindow) }
      }
      // Both may stand in the answer without having been offered (RFC 7692 §7.1.1.1, §7.1.1.2).
      agreement.serverKeepsContext = policy.serverKeepsContext && !offer.serverNoContextTakeover
      agreement.clientKeepsContext = policy.clientKeepsContext && !offer.clientNoContextTakeover
      answer.serverNoContextTakeover = !agreement.serverKeepsContext
      answer.clientNoContextTakeover = !agreement.clientKeepsContext
      return (agreement, answer.text)
    }
    return nil
  }

  /// Why a client fails the connection over the server's answer.
  package enum Refusal: Error, Equatable, Sendable {
    /// The field breaks its grammar (RFC 6455 §9.1).
    case malformed
    /// Another extension than the one offered, or more than one (RFC 6455 §4.1).
    case unknownExtension
    /// A parameter that is unknown, there twice, of a forbidden value, or does not fit the offer (RFC 7692 §7.1).
    case unfitting
    /// It limits our window to 8 bits, with which we cannot deflate.
    case unsupported
  }

  /// The client's side: what holds after the server's `answer` to `offer`.
  package static func check(_ answer: String, to offer: Parameters) throws(Refusal) -> Agreement {
    guard let members = WebSocketExtension.parseList(answer) else { throw .malformed }
    guard members.count == 1, let member = members.first, member.name == name else { throw .unknownExtension }
    guard let answer = Parameters(member.parameters, isAnswer: true) else { throw .unfitting }
    // What was asked of the server is accepted by being repeated (RFC 7692 §7.1.1.1, §7.1.2.1).
    guard answer.serverNoContextTakeover || !offer.serverNoContextTakeover else { throw .unfitting }
    if let most = offer.serverMaxWindowBits {
      guard let bits = answer.serverMaxWindowBits, bits <= most else { throw .unfitting }
    }
    var agreement = Agreement()
    agreement.serverWindowBits = UInt8(truncatingIfNeeded: answer.serverMaxWindowBits ?? 15)
    if case .bits(let bits)? = offer.clientMaxWindowBits {
      agreement.clientWindowBits = UInt8(truncatingIfNeeded: bits)
    }
    if case .bits(let bits)? = answer.clientMaxWindowBits {
      guard offer.clientMaxWindowBits != nil, bits <= agreement.clientWindowBits else { throw .unfitting }
      agreement.clientWindowBits = UInt8(truncatingIfNeeded: bits)
    }
    guard agreement.clientWindowBits >= 9 else { throw .unsupported }
    agreement.serverKeepsContext = !answer.serverNoContextTakeover
    agreement.clientKeepsContext = !answer.clientNoContextTakeover && !offer.clientNoContextTakeover
    return agreement
  }
}
