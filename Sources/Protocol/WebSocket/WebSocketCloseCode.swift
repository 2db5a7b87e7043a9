// What a close frame may say (RFC 6455 §5.5.1, §7.4): nothing, or a code that may travel and a UTF-8 reason.

package enum WebSocketCloseCode {
  /// Whether a code may stand in a close frame: 1005, 1006 and 1015 are for local use only (RFC 6455 §7.4.1), 1004 and
  /// the rest up to 2999 are reserved; 1012 to 1014 were registered with IANA later.
  package static func mayTravel(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  /// A close frame's payload, read.
  package enum Parsed: Equatable, Sendable {
    case close(code: UInt16?, reason: String)
    case violation(code: UInt16, reason: String)
  }

  /// Reads the unmasked payload of a close frame.
  package static func parse(_ payload: UnsafeRawBufferPointer) -> Parsed {
    if payload.isEmpty { return .close(code: nil, reason: "") }
    guard payload.count >= 2 else { return .violation(code: 1002, reason: "a close frame has half a code") }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    guard mayTravel(code) else { return .violation(code: 1002, reason: "the close code may not be sent") }
    guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
      return .violation(code: 1007, reason: "the close reason is not UTF-8")
    }
    return .close(code: code, reason: reason)
  }
}
