// Inputs made of seeds by the changes that find most: bits turned, bytes set to values at the edges, pieces removed,
// repeated, or taken from another seed. The same number gives the same inputs.

struct Mutator {
  private let corpus: [[UInt8]]
  private var state: UInt64
  private static let edges: [UInt8] = [
    0, 1, 0x0A, 0x0D, 0x20, 0x22, 0x25, 0x2C, 0x3A, 0x7D, 0x7E, 0x7F, 0x80, 0xED, 0xFF,
  ]

  init(seed: UInt64, corpus: [[UInt8]]) {
    self.corpus = corpus
    state = seed
  }

  mutating func next() -> [UInt8] {
    var bytes = seed()
    for _ in 0...below(4) { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = seed()
      return
    }
    let start = below(bytes.count)
    let end = start + below(bytes.count - start + 1)
    switch below(7) {
    case 0: bytes[start] ^= 1 << UInt8(below(8))
    case 1: bytes[start] = Self.edges[below(Self.edges.count)]
    case 2: bytes.insert(Self.edges[below(Self.edges.count)], at: start)
    case 3: bytes.removeSubrange(start..<end)
    case 4: bytes.insert(contentsOf: bytes[start..<min(end, start + 64)], at: start)
    case 5: bytes[start] = bytes[start] &+ UInt8(truncatingIfNeeded: below(7) - 3)
    default:
      let other = seed()
      bytes.replaceSubrange(start..<end, with: other.suffix(below(other.count + 1)))
    }
  }

  private mutating func seed() -> [UInt8] { corpus.isEmpty ? [] : corpus[below(corpus.count)] }

  /// A number from 0 to below `bound`, which is above 0 (SplitMix64).
  private mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
  }
}
