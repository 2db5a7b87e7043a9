// Group 6 of the Autobahn test suite in our own words: text that is UTF-8 and text that is not (RFC 6455 §8.1, RFC 3629), in
// one frame, cut at and inside characters, and refused at the very byte that makes it wrong. The sequences of 6.5 to 6.23
// are those of Markus Kuhn's UTF-8 decoder stress test.

enum UTF8Cases {
  /// κόσμε, whose second character has three bytes and the others two.
  static let kosme: [UInt8] = Array("κ\u{1F79}σμε".utf8)
  static let edited: [UInt8] = Array("edited".utf8)
  /// The surrogate U+D800 in the middle.
  static let surrogateInside = kosme + [0xED, 0xA0, 0x80] + edited
  /// U+110000 in the middle: wrong from its second byte on.
  private static let beyondInside = kosme + [0xF4, 0x90, 0x80, 0x80] + edited

  static let all = empty + valid + invalid + failFast + sequences

  private static let empty: [WireCase] = [
    WireCase("6.1.1", .all([Frames.text("")]).echoed(.text(""))),
    WireCase("6.1.2", .all(threeFragments("")).echoed(.text(""))),
    WireCase("6.1.3", .all(threeFragments("middle frame payload")).echoed(.text("middle frame payload"))),
  ]

  private static func threeFragments(_ middle: String) -> [[UInt8]] {
    [Frames.frame(1, isFinal: false), Frames.frame(0, Array(middle.utf8), isFinal: false), Frames.frame(0)]
  }

  private static let valid: [WireCase] = {
    let (start, end) = ("Hello-µ@ßöä", "üàá-UTF-8!!")
    let halves = [Frames.frame(1, Array(start.utf8), isFinal: false), Frames.frame(0, Array(end.utf8))]
    return [
      WireCase("6.2.1", .all([Frames.text(start + end)]).echoed(.text(start + end))),
      WireCase("6.2.2", .all(halves).echoed(.text(start + end))),
      WireCase("6.2.3", .all(Frames.fragments(1, Array((start + end).utf8), size: 1)).echoed(.text(start + end))),
      WireCase("6.2.4", .all(Frames.fragments(1, kosme, size: 1)).echoed(.text(kosme))),
    ]
  }()

  private static let invalid: [WireCase] = [
    WireCase("6.3.1", .all([Frames.frame(1, surrogateInside)]).fails(1007)),
    WireCase("6.3.2", .all(Frames.fragments(1, surrogateInside, size: 1)).fails(1007)),
  ]

  /// The hub waits after what is right so far and fails at the second part, of which only the end is never sent.
  private static let failFast: [WireCase] = {
    func frames(_ number: String, _ cut: Int, _ next: Int) -> WireCase {
      WireCase(
        number,
        [
          .write(Frames.frame(1, Array(beyondInside[..<cut]), isFinal: false)), .expectSilence,
          .write(Frames.frame(0, Array(beyondInside[cut..<next]), isFinal: false)), .expectClose([1007]),
        ])
    }
    func chops(_ number: String, _ cut: Int, _ next: Int) -> WireCase {
      let frame = Frames.frame(1, beyondInside)
      let payload = frame.count - beyondInside.count
      return WireCase(
        number,
        [
          .write(Array(frame[..<(payload + cut)])), .expectSilence,
          .write(Array(frame[(payload + cut)..<(payload + next)])), .expectClose([1007]),
        ])
    }
    return [
      frames("6.4.1", 11, 15), frames("6.4.2", 12, 13), chops("6.4.3", 11, 15), chops("6.4.4", 12, 13),
    ]
  }()

  private static let sequences: [WireCase] = UTF8Sequences.numbered.map { number, bytes, isValid in
    let sent: [WireCase.Step] = .all([Frames.frame(1, bytes)])
    return WireCase(number, isValid ? sent.echoed(.text(bytes)) : sent.fails(1007))
  }

  /// The same sequences in fragments of one byte, each frame in a write of its own.
  static let sequencesByFragments: [WireCase] = UTF8Sequences.numbered.map { number, bytes, isValid in
    let sent: [WireCase.Step] = .each(Frames.fragments(1, bytes, size: 1))
    return WireCase(number, isValid ? sent.echoed(.text(bytes)) : sent.fails(1007))
  }
}
