// What the frame decoder tells its owner, and what it can be told to allow.

package enum WebSocketRole: Sendable {
  /// Expects every frame masked (RFC 6455 §5.1).
  case server
  /// Expects every frame unmasked (RFC 6455 §5.1).
  case client
}

package enum WebSocketMessageKind: UInt8, Sendable {
  case text = 1
  case binary = 2

  /// The opcode with which a message of this kind is sent.
  @inlinable package var opcode: WebSocketOpcode {
    switch self {
    case .text: .text
    case .binary: .binary
    }
  }
}

/// Where the unmasked bytes of a message or control frame are.
package enum WebSocketPayload: Equatable, Sendable {
  /// In the buffer just given to the decoder, good until that buffer is used again.
  case inPlace(Range<Int>)
  /// Assembled over several reads or fragments.
  case owned([UInt8])
}

package enum WebSocketEvent: Equatable, Sendable {
  /// The buffer is used up: read on.
  case needsMore
  /// A whole message; text is valid UTF-8 unless `isCompressed`, when its bytes are still deflated (RFC 7692 §6).
  case message(WebSocketMessageKind, WebSocketPayload, isCompressed: Bool)
  case ping(WebSocketPayload)
  case pong(WebSocketPayload)
  /// The peer begins or answers the closing handshake; what follows is thrown away (RFC 6455 §5.5.1).
  case close(code: UInt16?, reason: String)
  /// The peer broke a rule: send a close frame with `code`, then disconnect. What follows is thrown away.
  case violation(code: UInt16, reason: String)
}

package struct WebSocketLimits: Equatable, Sendable {
  /// The longest message in bytes as sent (compressed ones count compressed); past it close code 1009.
  package var messageBytes: Int
  /// The most frames one message may come in; past it close code 1008.
  package var fragments: Int

  package init(messageBytes: Int = 64 * 1024, fragments: Int = 1024) {
    self.messageBytes = messageBytes
    self.fragments = fragments
  }
}
