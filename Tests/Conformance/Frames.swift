// Frames made by hand (RFC 6455 §5.2), right or wrong as a case needs them. Nothing here is the production codec, so that
// a fault in that cannot hide itself.

enum Frames {
  /// A masked frame with everything as given, also against the rules.
  static func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, reserved: UInt8 = 0,
    mask: [UInt8] = [0x1B, 0xF0, 0x3D, 0x82]
  ) -> [UInt8] {
    header(opcode, byteCount: payload.count, isFinal: isFinal, reserved: reserved, mask: mask)
      + masked(payload, with: mask)
  }

  static func text(_ text: String) -> [UInt8] { frame(1, Array(text.utf8)) }

  static func ping(_ text: String = "") -> [UInt8] { frame(9, Array(text.utf8)) }

  /// A close frame: a code, if there is one, then the reason's bytes as they are.
  static func close(_ code: Int?, reason: [UInt8] = []) -> [UInt8] {
    frame(8, (code.map { [UInt8($0 >> 8 & 255), UInt8($0 & 255)] } ?? []) + reason)
  }

  static func header(
    _ opcode: UInt8, byteCount: Int, isFinal: Bool = true, reserved: UInt8 = 0,
    mask: [UInt8] = [0x1B, 0xF0, 0x3D, 0x82]
  ) -> [UInt8] {
    var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
    switch byteCount {
    case ..<126: bytes.append(0x80 | UInt8(byteCount))
    case ..<65_536: bytes += [0xFE, UInt8(byteCount >> 8), UInt8(byteCount & 255)]
    default: bytes += [0xFF] + stride(from: 56, through: 0, by: -8).map { UInt8(byteCount >> $0 & 255) }
    }
    return bytes + mask
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

  /// By words of eight bytes, since these tests are built without optimisation and some payloads have 16 MiB.
  static func masked(_ payload: [UInt8], with mask: [UInt8]) -> [UInt8] {
    let wordCount = payload.count / 8
    let word = (mask + mask).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    var bytes = payload
    bytes.withUnsafeMutableBytes { memory in
      let words = UnsafeMutableRawBufferPointer(rebasing: memory[..<(wordCount * 8)]).bindMemory(to: UInt64.self)
      guard let first = words.baseAddress else { return }
      var next = first
      let end = first + wordCount
      while next < end {
        next.pointee ^= word
        next += 1
      }
    }
    for position in (wordCount * 8)..<payload.count { bytes[position] ^= mask[position & 3] }
    return bytes
  }

  /// A pattern over and over, `byteCount` bytes of it.
  static func repeated(_ pattern: [UInt8], byteCount: Int) -> [UInt8] {
    var bytes = pattern
    bytes.reserveCapacity(byteCount * 2)
    while bytes.count < byteCount { bytes += bytes }
    return Array(bytes[..<byteCount])
  }
}
