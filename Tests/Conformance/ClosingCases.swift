// Group 7 of the Autobahn test suite in our own words: the closing handshake (RFC 6455 §7) and what a close frame may say
// (§5.5.1, §7.4). Where the suite only tells what it saw (7.1.6, 7.13), this table says what the hub does.

enum ClosingCases {
  private static let close = Frames.close(1000)

  static let handshake: [WireCase] = [
    WireCase("7.1.1", .all([Frames.text("Hello World!")]).echoed(.text("Hello World!"))),
    WireCase("7.1.2", .all([close, Frames.close(nil)]).closes(1000)),
    WireCase("7.1.3", .all([close, Frames.ping()]).closes(1000)),
    WireCase("7.1.4", .all([close, Frames.text("Hello World!")]).closes(1000)),
    WireCase(
      "7.1.5",
      .all([Frames.frame(1, Array("fragment1".utf8), isFinal: false), close, Frames.frame(0, Array("fragment2".utf8))])
        .closes(1000)),
    WireCase("7.1.6") {
      let long = Frames.repeated(Array("BAsd7&jh23".utf8), byteCount: 256 << 10)
      return .all([Frames.frame(1, long), Frames.text("Hello World!"), close, Frames.ping()])
        .closes(1000, after: .text(long), .text("Hello World!"))
    },
  ]

  static let structure: [WireCase] = [
    WireCase("7.3.1", .all([Frames.close(nil)]).closes(1000, 1005)),
    WireCase("7.3.2", .all([Frames.close(nil, reason: [0x61])]).fails(1002)),
    WireCase("7.3.3", .all([close]).closes(1000)),
    WireCase("7.3.4", .all([Frames.close(1000, reason: Array("Hello World!".utf8))]).closes(1000)),
    WireCase("7.3.5", .all([Frames.close(1000, reason: [UInt8](repeating: 0x2A, count: 123))]).closes(1000)),
    WireCase("7.3.6", .all([Frames.close(1000, reason: [UInt8](repeating: 0x2A, count: 124))]).fails(1002)),
    WireCase("7.5.1", .all([Frames.close(1000, reason: UTF8Cases.surrogateInside)]).fails(1007)),
  ]

  /// Codes that may travel come back.
  static let allowedCodes: [WireCase] = zip(
    1..., [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
  ).map { number, code in WireCase("7.7.\(number)", .all([Frames.close(code)]).closes(code)) }

  /// Codes that may not, and those outside every range.
  static let forbiddenCodes: [WireCase] =
    zip(1..., [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]).map { number, code in
      WireCase("7.9.\(number)", .all([Frames.close(code)]).fails(1002))
    }
    + zip(1..., [5000, 65_535]).map { number, code in
      WireCase("7.13.\(number)", .all([Frames.close(code)]).fails(1002))
    }
}
