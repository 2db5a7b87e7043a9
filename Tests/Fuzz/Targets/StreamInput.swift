// An input of a target that reads a stream: the first byte chooses the parser's settings, the second how the rest is cut
// into reads. What a stream means may never depend on how the network cuts it.

struct StreamInput {
  let settings: UInt8
  let bytes: [UInt8]
  /// The stream whole, byte by byte, and cut as the input says.
  let ways: [[[UInt8]]]

  /// Nil when the input is too short to hold the choices.
  init?(_ input: [UInt8]) {
    guard input.count >= 2 else { return nil }
    let bytes = Array(input.dropFirst(2))
    settings = input[0]
    self.bytes = bytes
    ways = [[bytes], bytes.map { [$0] }, Self.cut(bytes, by: input[1])]
  }

  /// Pieces of 1 to 32 bytes, their lengths out of a small generator of random numbers that `seed` starts.
  private static func cut(_ bytes: [UInt8], by seed: UInt8) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var state = UInt32(seed) &* 2_654_435_761 | 1
    var start = 0
    while start < bytes.count {
      state ^= state << 13
      state ^= state >> 17
      state ^= state << 5
      let end = min(bytes.count, start + 1 + Int(state >> 8 & (seed & 1 == 0 ? 7 : 31)))
      pieces.append(Array(bytes[start..<end]))
      start = end
    }
    return pieces
  }
}
