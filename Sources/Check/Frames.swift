// WebSocket frames as a plain client needs them (RFC 6455 §5.2): writing masked ones, reading the server's. It is not the
// hub's codec, on purpose: a fault there must not be mirrored here.

/// One whole frame of the server.
package struct ServerFrame: Equatable {
  package let opcode: UInt8
  package let isFinal: Bool
  package let payload: [UInt8]

  package static let text: UInt8 = 1
  package static let close: UInt8 = 8
  package static let ping: UInt8 = 9
  package static let pong: UInt8 = 10
}

package enum Frames {
  package enum Next: Equatable {
    case needsMore
    case frame(ServerFrame)
    /// The server broke the protocol.
    case broken(String)
  }

  /// The longest frame that a hub may send here: a snapshot of a busy restaurant is far below it.
  private static let longest: UInt64 = 64 << 20

  /// Takes the next frame off `bytes` from `position` on.
  package static func next(in bytes: [UInt8], at position: inout Int) -> Next {
    let count = bytes.count - position
    guard count >= 2 else { return .needsMore }
    let first = bytes[position]
    let second = bytes[position + 1]
    if second & 0x80 != 0 { return .broken("a masked frame of the server") }
    if first & 0x70 != 0 { return .broken("reserved bits without an extension") }
    var header = 2
    var length = UInt64(second)
    if second >= 126 {
      let size = second == 126 ? 2 : 8
      header += size
      guard count >= header else { return .needsMore }
      length = bytes[(position + 2)..<(position + header)].reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard length <= longest else { return .broken("a frame of \(length) bytes") }
    guard count >= header + Int(length) else { return .needsMore }
    let payload = Array(bytes[(position + header)..<(position + header + Int(length))])
    position += header + Int(length)
    return .frame(ServerFrame(opcode: first & 0x0F, isFinal: first & 0x80 != 0, payload: payload))
  }

  /// A masked frame of a client.
  package static func client(_ opcode: UInt8, _ payload: [UInt8], mask: UInt32) -> [UInt8] {
    let key = (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * $0)) }
    var bytes: [UInt8] = [0x80 | opcode]
    switch payload.count {
    case ..<126: bytes.append(0x80 | UInt8(payload.count))
    case ..<65_536: bytes += [0x80 | 126] + (0..<2).map { UInt8(truncatingIfNeeded: payload.count >> (8 - 8 * $0)) }
    default: bytes += [0x80 | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    bytes += key
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index & 3]) }
    return bytes
  }
}
