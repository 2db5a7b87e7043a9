// What the two sides of a handshake say about permessage-deflate (RFC 7692 §7.1): the four parameters with their rules,
// and what holds once both have spoken. Who answers what is in PermessageDeflate+Negotiation.swift; compressing itself is
// an engine's business.

package enum PermessageDeflate {
  package static let name = "permessage-deflate"

  /// `client_max_window_bits` as an offer has it (RFC 7692 §7.1.2.2).
  package enum ClientWindow: Equatable, Sendable {
    /// Without a value: the client takes whichever size the server names.
    case any
    case bits(Int)
  }

  /// The parameters of one offer or of the answer.
  package struct Parameters: Equatable, Sendable {
    package var serverNoContextTakeover = false
    package var clientNoContextTakeover = false
    package var serverMaxWindowBits: Int?
    package var clientMaxWindowBits: ClientWindow?

    package init() {}

    /// Reads parameters; nil when one is unknown, there twice, or has a value it may not have: an offer like that is
    /// declined and an answer like that fails the connection (RFC 7692 §7.1.3, §5.1).
    package init?(_ parameters: [WebSocketExtension.Parameter], isAnswer: Bool) {
      var seen: Set<String> = []
      for parameter in parameters {
        guard seen.insert(parameter.name).inserted else { return nil }
        switch (parameter.name, parameter.value) {
        case ("server_no_context_takeover", nil): serverNoContextTakeover = true
        case ("client_no_context_takeover", nil): clientNoContextTakeover = true
        case ("server_max_window_bits", let value?):
          guard let bits = Self.windowBits(value) else { return nil }
          serverMaxWindowBits = bits
        case ("client_max_window_bits", let value?):
          guard let bits = Self.windowBits(value) else { return nil }
          clientMaxWindowBits = .bits(bits)
        case ("client_max_window_bits", nil):
          // Only an offer may leave the size to the other side.
          if isAnswer { return nil }
          clientMaxWindowBits = .any
        default: return nil
        }
      }
    }

    /// 8 to 15, decimal, without leading zeros (RFC 7692 §7.1.2).
    private static func windowBits(_ text: String) -> Int? { (8...15).first { String($0) == text } }

    /// The member of Sec-WebSocket-Extensions that says this.
    package var text: String {
      var text = PermessageDeflate.name
      if serverNoContextTakeover { text += "; server_no_context_takeover" }
      if clientNoContextTakeover { text += "; client_no_context_takeover" }
      if let bits = serverMaxWindowBits { text += "; server_max_window_bits=\(bits)" }
      switch clientMaxWindowBits {
      case nil: break
      case .any?: text += "; client_max_window_bits"
      case .bits(let bits)?: text += "; client_max_window_bits=\(bits)"
      }
      return text
    }
  }

  /// What holds on a connection; a direction is named by who sends in it.
  package struct Agreement: Equatable, Sendable {
    /// 8 to 15: nobody refers back further than 2 to this power.
    package var serverWindowBits: UInt8 = 15
    package var clientWindowBits: UInt8 = 15
    /// Whether messages may refer to earlier ones.
    package var serverKeepsContext = true
    package var clientKeepsContext = true

    package init() {}
  }
}
