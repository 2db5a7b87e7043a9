// Compressed messages (RFC 7692 §7.2): never more than the limit comes out; what comes out does not depend on the limit;
// and what was restored, as well as the input itself, survives being compressed and restored, message after message.
import Compression
import Protocol

extension FuzzTarget {
  static let inflate = FuzzTarget("inflate") { input in
    guard input.count >= 2 else { return }
    let windowBits = 9 + Int(input[0] & 7) % 7
    let keepsContext = input[0] & 8 != 0
    let limit = [64, 1000, 20_000, 65_536][Int(input[0] >> 4 & 3)]
    let bytes = Array(input.dropFirst(2))
    let cut = min(Int(input[1]), bytes.count)
    let messages = [Array(bytes[..<cut]), Array(bytes[cut...])]

    var inflater = try MessageInflater(windowBits: windowBits, keepsContext: keepsContext)
    var wideInflater = try MessageInflater(windowBits: windowBits, keepsContext: keepsContext)
    var restored: [[UInt8]] = []
    for message in messages {
      guard let text = try? inflater.message(message.span.bytes, limit: limit) else { break }
      try require(text.count <= limit, "\(text.count) bytes are over the limit of \(limit)")
      let wide = try wideInflater.message(message.span.bytes, limit: limit * 2)
      try requireEqual(text, wide, "the message depends on its limit")
      restored.append(text)
    }
    try roundTrip(restored + messages, windowBits: windowBits, keepsContext: keepsContext)
  }

  private static func roundTrip(_ messages: [[UInt8]], windowBits: Int, keepsContext: Bool) throws {
    var deflater = try MessageDeflater(windowBits: windowBits, keepsContext: keepsContext)
    var inflater = try MessageInflater(windowBits: windowBits, keepsContext: keepsContext)
    for message in messages {
      var compressed: [UInt8] = []
      try deflater.append(message.span.bytes, to: &compressed)
      let again = try inflater.message(compressed.span.bytes, limit: message.count)
      try requireEqual(again, message, "a message changed on its way")
    }
  }
}
