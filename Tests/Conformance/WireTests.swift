// The table of the Autobahn test suite's cases 1 to 10, numbered alike, sent by a client of its own to `hub echo`. It runs
// where the suite itself cannot, and is stricter in places: answers must come in order, nothing may come beside them, and
// the hub must end the stream.
import TestSupport
import Testing

@Suite struct WireTests {
  @Test("RFC 6455 §5.2: every form of the length", arguments: FramingCases.lengths)
  func lengths(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §5.5.2: pings and pongs", arguments: FramingCases.pings)
  func pings(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §5.2: reserved bits", arguments: FramingCases.reservedBits)
  func reservedBits(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §5.2: reserved opcodes", arguments: FramingCases.opcodes)
  func opcodes(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §5.4: fragments", arguments: FragmentCases.all)
  func fragments(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §8.1: UTF-8", arguments: UTF8Cases.all)
  func text(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §8.1: UTF-8 in fragments of one byte", arguments: UTF8Cases.sequencesByFragments)
  func textByFragments(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §7: the closing handshake", arguments: ClosingCases.handshake)
  func closing(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §5.5.1: what a close frame may hold", arguments: ClosingCases.structure)
  func closeFrames(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("RFC 6455 §7.4: close codes", arguments: ClosingCases.allowedCodes + ClosingCases.forbiddenCodes)
  func closeCodes(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("messages up to 16 MiB", arguments: LimitCases.sizes)
  func sizes(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("up to 65,536 fragments", arguments: LimitCases.fragments + LimitCases.automatic)
  func manyFragments(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("a frame in small writes", arguments: LimitCases.chops)
  func chops(_ wireCase: WireCase) throws { try play(wireCase) }

  @Test("a thousand round trips", arguments: LimitCases.roundTrips)
  func roundTrips(_ wireCase: WireCase) throws { try play(wireCase) }

  /// Not in the suite: a hub that shut the connection at once would reset it, and the close frame could be lost.
  @Test func aFaultIsToldToAPeerThatTalksOn() throws {
    let peer = try RawPeer(port: EchoHub.port())
    try peer.send(Frames.text("before") + Frames.frame(3) + [UInt8](repeating: 0x81, count: 4 << 20))
    try peer.play([.expect(.text("before")), .expectClose([1002])])
  }

  /// The table is whole: as many cases as the suite has in its groups 1 to 10.
  @Test func thereAre301Cases() {
    let all: [[WireCase]] = [
      FramingCases.lengths, FramingCases.pings, FramingCases.reservedBits, FramingCases.opcodes, FragmentCases.all,
      UTF8Cases.all, ClosingCases.handshake, ClosingCases.structure, ClosingCases.allowedCodes,
      ClosingCases.forbiddenCodes, LimitCases.sizes, LimitCases.fragments, LimitCases.chops, LimitCases.roundTrips,
      LimitCases.automatic,
    ]
    let numbers = all.joined().map(\.number)
    #expect(numbers.count == 301)
    #expect(Set(numbers).count == 301)
  }

  private func play(_ wireCase: WireCase) throws {
    do {
      try RawPeer(port: EchoHub.port()).play(wireCase.steps())
    } catch {
      throw SupportError("case \(wireCase.number): \(error)")
    }
  }
}
