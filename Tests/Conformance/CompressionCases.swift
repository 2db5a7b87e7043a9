// Groups 12 and 13 of the Autobahn test suite in our own words (RFC 7692): five kinds of payload and seven sets of
// parameters, each with messages of 16 bytes to 128 KiB, whole and in fragments. The payloads are made here and the
// messages are fewer than the suite's thousand.
import TestSupport

struct CompressionCase: Sendable, CustomStringConvertible {
  let number: String
  /// What the client offers, as the suite's client writes it.
  let offers: [DeflateParameters]
  let payload: CompressionPayload
  let messageBytes: Int
  /// The size of a fragment, 0 for none.
  let fragmentBytes: Int

  var description: String { number }

  /// Enough that the windows of both directions turn over.
  var messageCount: Int { max(4, min(40, 400_000 / messageBytes)) }

  static let payloads: [CompressionCase] = zip(1..., CompressionPayload.allCases).flatMap { group, payload in
    subgroup("12.\(group)", offers: [DeflateParameters()], payload)
  }

  static let parameters: [CompressionCase] = zip(1..., offersOf13).flatMap { group, offers in
    subgroup("13.\(group)", offers: offers, .records)
  }

  private static let offersOf13: [[DeflateParameters]] = [
    [DeflateParameters()],
    [DeflateParameters(serverForgets: true)],
    [DeflateParameters(serverWindowBits: 9)],
    [DeflateParameters(serverWindowBits: 15)],
    [DeflateParameters(serverForgets: true, serverWindowBits: 9)],
    [DeflateParameters(serverForgets: true, serverWindowBits: 15)],
    [
      DeflateParameters(serverForgets: true, serverWindowBits: 9), DeflateParameters(serverForgets: true),
      DeflateParameters(),
    ],
  ]

  private static func subgroup(
    _ name: String, offers: [DeflateParameters], _ payload: CompressionPayload
  ) -> [CompressionCase] {
    let whole = (0..<10).map { (16 << ($0 < 5 ? 2 * $0 : $0 + 4), 0) }
    let fragmented = (0..<5).map { (8192 << $0, 256) } + [1024, 4096, 32_768].map { (131_072, $0) }
    return zip(1..., whole + fragmented).map { number, sizes in
      CompressionCase(
        number: "\(name).\(number)", offers: offers, payload: payload, messageBytes: sizes.0, fragmentBytes: sizes.1)
    }
  }
}

/// The parameters of one offer or of the answer (§7.1).
struct DeflateParameters: Sendable {
  var clientForgets = true
  var clientWindowBits: Int? = 15
  var serverForgets = false
  var serverWindowBits: Int?

  /// The offer as text: the client always lets the hub choose for its own direction.
  var offer: String {
    "permessage-deflate; client_no_context_takeover; client_max_window_bits"
      + (serverForgets ? "; server_no_context_takeover" : "")
      + (serverWindowBits.map { "; server_max_window_bits=\($0)" } ?? "")
  }

  init(serverForgets: Bool = false, serverWindowBits: Int? = nil) {
    self.serverForgets = serverForgets
    self.serverWindowBits = serverWindowBits
  }

  /// Reads the answer; throws at anything in it that RFC 7692 does not allow.
  init(answer: String) throws {
    clientForgets = false
    clientWindowBits = nil
    var parts = answer.split(separator: ";").map { $0.filter { $0 != " " } }[...]
    guard parts.popFirst() == "permessage-deflate" else { throw SupportError("the answer is \(answer)") }
    for part in parts {
      let pair = part.split(separator: "=", maxSplits: 1)
      let bits = pair.count == 2 ? Int(pair[1]).flatMap { (8...15).contains($0) ? $0 : nil } : nil
      switch (pair[0], pair.count, bits) {
      case ("client_no_context_takeover", 1, _): clientForgets = true
      case ("server_no_context_takeover", 1, _): serverForgets = true
      case ("client_max_window_bits", 2, let bits?): clientWindowBits = bits
      case ("server_max_window_bits", 2, let bits?): serverWindowBits = bits
      default: throw SupportError("the answer has \(part)")
      }
    }
  }

  /// Whether this answer gives the offer what it asks for (§7.1.1.1, §7.1.2.1).
  func fulfils(_ offer: DeflateParameters) -> Bool {
    (serverForgets || !offer.serverForgets) && (serverWindowBits ?? 15) <= offer.serverWindowBits ?? 15
  }
}

/// Bytes of a kind, made from a fixed seed: 256 KiB, from which messages are cut.
enum CompressionPayload: CaseIterable, Sendable {
  case records, picture, words, markup, noise

  /// Text goes as text, the others as binary.
  var opcode: UInt8 { self == .records || self == .markup ? 1 : 2 }

  private static let byteCount = 256 << 10
  private static let made: [CompressionPayload: [UInt8]] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, $0.make()) })

  /// Message `number` of `count` bytes, or a little more where a character would be cut.
  func message(_ number: Int, byteCount count: Int) -> [UInt8] {
    let bytes = Self.made[self] ?? []
    func boundary(_ position: Int) -> Int {
      var position = position
      while opcode == 1, bytes[position] & 0xC0 == 0x80 { position += 1 }
      return position
    }
    let start = number * count % (bytes.count - count - 4)
    return Array(bytes[boundary(start)..<boundary(start + count)])
  }

  private func make() -> [UInt8] {
    var random = SeededRandom(seed: 7692)
    var bytes: [UInt8] = []
    while bytes.count < Self.byteCount { bytes += piece(of: bytes.count, &random) }
    return bytes
  }

  private func piece(of position: Int, _ random: inout SeededRandom) -> [UInt8] {
    let number = Int.random(in: 0..<10_000, using: &random)
    switch self {
    case .records: return Array(#"{"id":\#(position),"name":"Käse №\#(number)","price":"\#(number / 100).50"},"#.utf8)
    case .picture: return (0..<64).map { UInt8(truncatingIfNeeded: position / 64 + $0 / 8 + number % 4) }
    case .words: return Array(["habe ", "nun ", "ach ", "Philosophie ", "Juristerei ", "und "][number % 6].utf8)
    case .markup: return Array("<li class=\"dish\"><b>Größe \(number)</b> — €\(number % 90),-</li>\n".utf8)
    case .noise: return withUnsafeBytes(of: random.next()) { Array($0) }
    }
  }
}
