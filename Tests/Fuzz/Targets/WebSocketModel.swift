// What a byte sequence means to a WebSocket endpoint, written as plainly as RFC 6455 §5 reads: over the whole sequence,
// one byte at a time, UTF-8 judged by the standard library. Slow, shares nothing with the decoder that it is compared
// with but the types of its settings.
import Protocol

struct WebSocketModel {
  enum Event: Equatable {
    case message(WebSocketMessageKind, [UInt8], isCompressed: Bool)
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, [UInt8])
    case violation(UInt16)
  }

  let role: WebSocketRole
  let limits: WebSocketLimits
  let allowsCompression: Bool

  private struct Message {
    var kind: WebSocketMessageKind
    var isCompressed: Bool
    var bytes: [UInt8] = []
    var fragments = 0
  }

  private struct Frame {
    var isFinal: Bool
    var rsv1: Bool
    var opcode: UInt8
    var length: UInt64
    var key: [UInt8]?

    var isControl: Bool { opcode >= 8 }
  }

  func events(in bytes: [UInt8]) -> [Event] {
    var events: [Event] = []
    var message: Message?
    var rest = bytes[...]
    while let (frame, code) = header(&rest) {
      if let code = code ?? refusal(frame, in: message) { return events + [.violation(code)] }
      let available = rest.prefix(Int(min(frame.length, UInt64(rest.count))))
      let isWhole = UInt64(available.count) == frame.length
      let payload = unmasked(Array(available), frame.key)
      rest = rest.dropFirst(available.count)
      if frame.isControl {
        guard isWhole else { return events }
        events.append(control(frame.opcode, payload))
        switch events.last {
        case .close?, .violation?: return events
        default: continue
        }
      }
      var assembled = message ?? Message(kind: frame.opcode == 1 ? .text : .binary, isCompressed: frame.rsv1)
      assembled.bytes += payload
      assembled.fragments += 1
      let isText = assembled.kind == .text && !assembled.isCompressed
      if isText, !Self.canBecomeText(assembled.bytes) { return events + [.violation(1007)] }
      guard isWhole else { return events }
      message = frame.isFinal ? nil : assembled
      guard frame.isFinal else { continue }
      if isText, String(validating: assembled.bytes, as: UTF8.self) == nil { return events + [.violation(1007)] }
      events.append(.message(assembled.kind, assembled.bytes, isCompressed: assembled.isCompressed))
    }
    return events
  }

  /// The next header and the code of what is wrong with it alone; nil when it is not whole.
  private func header(_ rest: inout ArraySlice<UInt8>) -> (Frame, violation: UInt16?)? {
    let bytes = Array(rest.prefix(14))
    guard bytes.count >= 2 else { return nil }
    let isMasked = bytes[1] >= 128
    let short = bytes[1] % 128
    let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
    let byteCount = 2 + lengthBytes + (isMasked ? 4 : 0)
    guard bytes.count >= byteCount else { return nil }
    var length = UInt64(short)
    if lengthBytes > 0 { length = bytes[2..<2 + lengthBytes].reduce(0) { $0 * 256 + UInt64($1) } }
    let frame = Frame(
      isFinal: bytes[0] >= 128, rsv1: bytes[0] / 64 % 2 == 1, opcode: bytes[0] % 16, length: length,
      key: isMasked ? Array(bytes[(byteCount - 4)..<byteCount]) : nil)
    rest = rest.dropFirst(byteCount)
    let isShortest = lengthBytes == 0 || lengthBytes == 2 && length > 125 || lengthBytes == 8 && length > 65_535
    let isControlSound = !frame.isControl || frame.isFinal && length <= 125
    let isSound =
      bytes[0] / 16 % 4 == 0 && [0, 1, 2, 8, 9, 10].contains(frame.opcode) && isShortest && length < 1 << 63
      && isControlSound && isMasked == (role == .server)
    return (frame, isSound ? nil : 1002)
  }

  /// What is wrong with a sound frame here: in this connection, behind those frames, within these limits.
  private func refusal(_ frame: Frame, in message: Message?) -> UInt16? {
    if frame.rsv1, !allowsCompression || frame.opcode == 0 || frame.isControl { return 1002 }
    if frame.isControl { return nil }
    if (frame.opcode == 0) != (message != nil) { return 1002 }
    if (message?.fragments ?? 0) + 1 > limits.fragments { return 1008 }
    if UInt64(message?.bytes.count ?? 0) + frame.length > UInt64(limits.messageBytes) { return 1009 }
    return nil
  }

  private func control(_ opcode: UInt8, _ payload: [UInt8]) -> Event {
    switch opcode {
    case 9: return .ping(payload)
    case 10: return .pong(payload)
    default: break
    }
    if payload.isEmpty { return .close(nil, []) }
    guard payload.count >= 2 else { return .violation(1002) }
    let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
    let registered: Set<UInt16> = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
    guard registered.contains(code) || 3000...4999 ~= code else { return .violation(1002) }
    let reason = Array(payload.dropFirst(2))
    return String(validating: reason, as: UTF8.self) == nil ? .violation(1007) : .close(code, reason)
  }

  private func unmasked(_ payload: [UInt8], _ key: [UInt8]?) -> [UInt8] {
    guard let key else { return payload }
    return payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
  }

  /// Whether bytes to come could make this valid UTF-8: it is, or it is once a last character is completed.
  static func canBecomeText(_ bytes: [UInt8]) -> Bool {
    if String(validating: bytes, as: UTF8.self) != nil { return true }
    // The second byte of E0 begins at A0, of F0 at 90; of ED and F4 it ends before those. All others take any of them.
    for second: UInt8 in [0x80, 0x90, 0xA0] {
      for count in 1...3 {
        let completion = [second] + Array(repeating: 0x80, count: count - 1)
        if String(validating: bytes + completion, as: UTF8.self) != nil { return true }
      }
    }
    return false
  }
}
