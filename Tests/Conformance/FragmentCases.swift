// Group 5 of the Autobahn test suite in our own words: fragments, control frames between them, and continuations where
// none may be (RFC 6455 §5.4).

enum FragmentCases {
  private typealias Steps = [WireCase.Step]
  private static func first(_ text: String) -> [UInt8] { Frames.frame(1, Array(text.utf8), isFinal: false) }
  private static func middle(_ text: String) -> [UInt8] { Frames.frame(0, Array(text.utf8), isFinal: false) }
  private static func last(_ text: String) -> [UInt8] { Frames.frame(0, Array(text.utf8)) }

  /// The three ways in which a stream is cut: not at all, at frames, everywhere.
  private static let cuts: [@Sendable ([[UInt8]]) -> Steps] = [
    { Steps.all($0) }, { Steps.each($0) }, { Steps.bytewise($0) },
  ]

  static let all = control + legal + withoutBeginning + misplaced + interleaved

  /// A control frame in fragments.
  private static let control: [WireCase] = zip(["5.1", "5.2"], [UInt8(9), 10]).map { number, opcode in
    let beginning = Frames.frame(opcode, Array("fragment1".utf8), isFinal: false)
    return WireCase(number, .all([beginning, last("fragment2")]).fails(1002))
  }

  /// Two fragments, without and with a ping between them.
  private static let legal: [WireCase] =
    zip(3..., cuts).map { number, cut in
      WireCase("5.\(number)", cut([first("fragment1"), last("fragment2")]).echoed(.text("fragment1fragment2")))
    }
    + zip(6..., cuts).map { number, cut in
      WireCase(
        "5.\(number)",
        cut([first("fragment1"), Frames.ping("ping payload"), last("fragment2")])
          .echoed(.pong("ping payload"), .text("fragment1fragment2")))
    }

  /// A continuation, final or not, with nothing before it.
  private static let withoutBeginning: [WireCase] = zip(
    9...,
    [last, middle].flatMap { orphan in
      cuts.map { $0([orphan("non-continuation payload"), Frames.text("Hello, world!")]) }
    }
  ).map { number, steps in WireCase("5.\(number)", steps.fails(1002)) }

  /// Continuations and beginnings in the wrong order.
  private static let misplaced: [WireCase] = [
    WireCase(
      "5.15",
      .all([first("fragment1"), last("fragment2"), middle("fragment3"), Frames.text("fragment4")])
        .fails(1002, after: .text("fragment1fragment2"))),
    WireCase(
      "5.16",
      .all(Array(repeating: [middle("fragment1"), first("fragment2"), last("fragment3")], count: 2).flatMap { $0 })
        .fails(1002)),
    WireCase(
      "5.17",
      .all(Array(repeating: [last("fragment1"), first("fragment2"), last("fragment3")], count: 2).flatMap { $0 })
        .fails(1002)),
    WireCase("5.18", .all([first("fragment1"), Frames.text("fragment2")]).fails(1002)),
  ]

  /// Five fragments with two pings between; each is answered at once, before the message has ended.
  private static let interleaved: [WireCase] = zip(19..., cuts.prefix(2)).map { number, cut in
    let start = cut([first("fragment1"), middle("fragment2"), Frames.ping("pongme 1!")])
    let rest = cut([middle("fragment3"), middle("fragment4"), Frames.ping("pongme 2!"), last("fragment5")])
    return WireCase(
      "5.\(number)",
      (start + [.expect(.pong("pongme 1!"))] + rest)
        .echoed(.pong("pongme 2!"), .text("fragment1fragment2fragment3fragment4fragment5")))
  }
}
