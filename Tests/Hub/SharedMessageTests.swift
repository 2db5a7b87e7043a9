// A message for many connections is compressed once a window, whichever reactor asks, and only where that pays.
import Telemetry
import Testing

@testable import Hub

@Suite struct SharedMessageTests {
  private static let text = Array(String(repeating: #"{"type":"event","data":"onion"},"#, count: 20).utf8)

  @Test func severalReactorsAndWindowsCompressOnceAWindow() {
    let counters = ServerCounters(Metrics())
    let compressors = (0..<3).map { _ in Compressor(counters) }
    let message = SharedMessage(Self.text, name: "order.created", offset: 42)
    for (index, windowBits) in [15, 9, 12].enumerated() as EnumeratedSequence<[UInt8]> {
      let frames = compressors.map { message.frame(windowBits: windowBits, by: $0) }
      #expect(Set(frames).count == 1)
      #expect(frames[0][0] == 0xC1 && frames[0].count < Self.text.count / 2)
      #expect(counters.compressions.value == UInt64(index + 1))
    }
    #expect(Array(message.text) == Self.text && message.frame[0] == 0x81)
    #expect(counters.contexts.value == 0)
  }

  @Test func whatIsShortStaysAsItIs() {
    let counters = ServerCounters(Metrics())
    let message = SharedMessage(Array(Self.text.prefix(Compressor.worthwhileBytes - 1)), name: "short")
    #expect(message.frame(windowBits: 15, by: Compressor(counters)) == message.frame)
    #expect(counters.compressions.value == 0)
  }

  @Test func whatDoesNotShrinkStaysAsItIsAndIsTriedOnce() {
    let counters = ServerCounters(Metrics())
    var state: UInt32 = 7
    let noise = (0..<1000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    let message = SharedMessage(noise, name: "noise")
    for _ in 0..<3 { #expect(message.frame(windowBits: 15, by: Compressor(counters)) == message.frame) }
    #expect(counters.compressions.value == 1)
  }

  @Test func aBlockPutsItsEventsTogetherInOrder() {
    let compressor = Compressor(ServerCounters(Metrics()))
    let run = (1...3).map { offset in
      Delivery(
        LogEvent(
          channel: "platform", offset: Int64(offset), id: "", name: "n", at: "",
          data: offset == 2 ? Array("1".utf8) : Array("\"\(String(repeating: "ab", count: 300))\"".utf8)))
    }
    var block = FanOutBlock(run[...])
    #expect(block.plain == run.flatMap(\.frame))
    let expected = run.flatMap { $0.message.frame(windowBits: 15, by: compressor) }
    #expect(block.bytes(windowBits: 15, by: compressor) == expected)
    #expect(expected.count < block.plain.count / 2)
  }

  @Test func anEventHasOneFormForEveryStreamWithItsPositionAndAMessageHasNone() {
    let event = SharedMessage(Array(#"{"type":"event"}"#.utf8), name: "order.created", offset: 42)
    let bytes = event.streamEvent(epoch: "e1")
    #expect(
      String(decoding: bytes, as: UTF8.self) == "event: order.created\nid: e1/42\ndata: {\"type\":\"event\"}\n\n")
    // Made once: who comes later is given the same, and asks for no epoch.
    #expect(event.streamEvent(epoch: "another") == bytes)
    let message = SharedMessage(Array(#"{"type":"presence"}"#.utf8), name: "presence")
    #expect(
      String(decoding: message.streamEvent(epoch: "e1"), as: UTF8.self)
        == "event: presence\ndata: {\"type\":\"presence\"}\n\n")
  }
}
