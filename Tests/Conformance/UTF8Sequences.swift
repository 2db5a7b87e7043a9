// The byte sequences of cases 6.5 to 6.23, as tables: what RFC 3629 allows at the edges of its ranges, and what it does
// not (bytes without a beginning or an end, overlong forms, surrogates, code points past U+10FFFF).

enum UTF8Sequences {
  typealias Sequence = (number: String, bytes: [UInt8], isValid: Bool)

  /// Groups of sequences; those behind a `!` are not UTF-8.
  private static let groups: [[String]] = [
    [
      "68656c6c6f 24 776f726c64", "68656c6c6f c2a2 776f726c64", "68656c6c6f e282ac 776f726c64",
      "68656c6c6f f0a4ada2 776f726c64", "ce ba e1bdb9 cf83 cebc ceb5",
    ],
    prefixes,
    ["00", "c280", "e0a080", "f0908080"],
    ["!f888808080", "!fc8480808080"],
    ["7f", "dfbf", "efbfbf", "f48fbfbf"],
    ["!f7bfbfbf", "!fbbfbfbfbf", "!fdbfbfbfbfbf"],
    ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "!f4908080"],
    ["!80", "!bf", "!80bf", "!80bf80", "!80bf80bf", "!80bf80bf80", "!80bf80bf80bf", "!" + hex(0x80...0xBF)],
    [0xC0...0xDF, 0xE0...0xEF, 0xF0...0xF7, 0xF8...0xFB, 0xFC...0xFD].map { "!" + hex($0, before: "20") },
    unfinished.map { "!" + $0 },
    ["!" + unfinished.joined()],
    ["!fe", "!ff", "!fefeffff"],
    ["!c0af", "!e080af", "!f08080af", "!f8808080af", "!fc80808080af"],
    ["!c1bf", "!e09fbf", "!f08fbfbf", "!f887bfbfbf", "!fc83bfbfbfbf"],
    ["!c080", "!e08080", "!f0808080", "!f880808080", "!fc8080808080"],
    ["!eda080", "!edadbf", "!edae80", "!edafbf", "!edb080", "!edbe80", "!edbfbf"],
    ["eda080", "edadbf", "edae80", "edafbf"].flatMap { high in ["edb080", "edbfbf"].map { "!" + high + $0 } },
    // U+FFFE and U+FFFF of every plane: no characters, but UTF-8.
    (0...16).flatMap { plane in [0xFFFE, 0xFFFF].compactMap { encoded(plane << 16 | $0) } },
    (0xFFF9...0xFFFF).compactMap { encoded($0) },
  ]

  /// All of them under their numbers, 6.5.1 to 6.23.7.
  static let numbered: [Sequence] = zip(5..., groups).flatMap { group, texts in
    zip(1..., texts).map { index, text in
      ("6.\(group).\(index)", bytes(text), !text.hasPrefix("!"))
    }
  }

  /// Every beginning of κόσμε; five of them end with a character.
  private static let prefixes: [String] = (1...UTF8Cases.kosme.count).map { count in
    ([2, 5, 7, 9, 11].contains(count) ? "" : "!") + UTF8Cases.kosme[..<count].map { hex($0...$0) }.joined()
  }

  /// Without their last byte: the lowest and the highest sequences of two to six bytes.
  private static let unfinished = [
    "c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf",
  ]

  /// The bytes of a range, each with `before` behind it.
  private static func hex(_ range: ClosedRange<UInt8>, before separator: String = "") -> String {
    range.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) + separator }.joined()
  }

  /// A code point as UTF-8, written in hexadecimal.
  private static func encoded(_ value: Int) -> String? {
    Unicode.Scalar(UInt32(value)).map { scalar in String(scalar).utf8.map { hex($0...$0) }.joined() }
  }

  private static func bytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
