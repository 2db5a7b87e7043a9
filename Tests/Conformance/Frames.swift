// Frames of the cases (RFC 6455 §5.2), right or wrong as a case needs them, over the tests' own client.
import TestSupport

enum Frames {
  /// A masked frame with everything as given, also against the rules.
  static func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, reserved: UInt8 = 0
  ) -> [UInt8] {
    RawWebSocket.frame(
      opcode: opcode, payload, isFinal: isFinal, reserved: reserved, mask: [0x1B, 0xF0, 0x3D, 0x82])
  }

  static func text(_ text: String) -> [UInt8] { frame(1, Array(text.utf8)) }

  static func ping(_ text: String = "") -> [UInt8] { frame(9, Array(text.utf8)) }

  /// A close frame: a code, if there is one, then the reason's bytes as they are.
  static func close(_ code: Int?, reason: [UInt8] = []) -> [UInt8] {
    frame(8, (code.map { [UInt8($0 >> 8 & 255), UInt8($0 & 255)] } ?? []) + reason)
  }

  /// A message in fragments of `size` bytes.
  static func fragments(_ opcode: UInt8, _ payload: [UInt8], size: Int, reserved: UInt8 = 0) -> [[UInt8]] {
    guard payload.count > size else { return [frame(opcode, payload, reserved: reserved)] }
    return stride(from: 0, to: payload.count, by: size).map { start in
      let end = min(start + size, payload.count)
      return frame(
        start == 0 ? opcode : 0, Array(payload[start..<end]), isFinal: end == payload.count,
        reserved: start == 0 ? reserved : 0)
    }
  }

  /// A pattern over and over, `byteCount` bytes of it.
  static func repeated(_ pattern: [UInt8], byteCount: Int) -> [UInt8] {
    var bytes = pattern
    bytes.reserveCapacity(byteCount * 2)
    while bytes.count < byteCount { bytes += bytes }
    return Array(bytes[..<byteCount])
  }
}
