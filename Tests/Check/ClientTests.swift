// The plain client's own bytes: frames, heads, chunks, event streams, instants.
import Check
import Testing

@Suite struct ClientTests {
  @Test func aFrameIsTakenOnlyWhenItIsWhole() {
    let frame: [UInt8] = [0x81, 126, 0, 130] + [UInt8](repeating: 65, count: 130)
    for count in 0..<frame.count {
      var position = 0
      #expect(Frames.next(in: Array(frame[..<count]), at: &position) == .needsMore)
      #expect(position == 0)
    }
    var position = 0
    let whole = Frames.next(in: frame + [0x89, 0], at: &position)
    guard case .frame(let taken) = whole else {
      Issue.record("\(whole)")
      return
    }
    #expect(taken.opcode == 1 && taken.isFinal && taken.payload == Array(frame[4...]))
    #expect(position == frame.count)
  }

  @Test func aServerThatMasksIsBroken() {
    var position = 0
    guard case .broken = Frames.next(in: [0x81, 0x80, 0, 0, 0, 0], at: &position) else {
      Issue.record("a masked frame was taken")
      return
    }
  }

  @Test(arguments: [0, 125, 126, 65_535, 65_536])
  func aClientsFrameIsMasked(_ count: Int) {
    let payload = [UInt8](repeating: 7, count: count)
    let frame = Frames.client(1, payload, mask: 0x0102_0304)
    let header = count < 126 ? 2 : count < 65_536 ? 4 : 10
    #expect(frame[1] & 0x80 != 0 && frame.count == header + 4 + count)
    #expect(Array(frame[header..<(header + 4)]) == [1, 2, 3, 4])
    for index in 0..<count { #expect(frame[header + 4 + index] == 7 ^ UInt8(index % 4 + 1)) }
  }

  @Test func anAnswersHeadIsTakenOffTheFront() {
    var bytes = Array("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok".utf8)
    let head = ResponseHead(takenFrom: &bytes)
    #expect(head?.status == 201 && head?.fields["content-length"] == "2")
    #expect(bytes == Array("ok".utf8))
    var part = Array("HTTP/1.1 200 OK\r\nA: b\r\n".utf8)
    #expect(ResponseHead(takenFrom: &part) == nil)
  }

  @Test func chunksArriveInAnyPieces() {
    let bytes = Array("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n".utf8)
    for size in 1...bytes.count {
      var chunks = Chunks()
      var body: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        body += chunks.take(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(String(decoding: body, as: UTF8.self) == "hello world" && chunks.isAtEnd)
    }
  }

  @Test func aStreamsEventsArriveInAnyPieces() {
    let bytes = Array(": hello\n\nevent: a.b\nid: e/1\ndata: {\ndata: }\n\r\ndata: x\n\n".utf8)
    for size in 1...bytes.count {
      var stream = EventStream()
      var events: [StreamedEvent] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        events += stream.take(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(events.map { [$0.name, $0.id, $0.data] } == [["a.b", "e/1", "{\n}"], ["message", "e/1", "x"]])
    }
  }

  @Test func anInstantIsReadToTheMicrosecond() {
    #expect(microseconds(ofInstant: "1970-01-01T00:00:00.000001Z") == 1)
    #expect(microseconds(ofInstant: "2026-11-20T20:43:00.123456Z") == 1_795_207_380_123_456)
    #expect(microseconds(ofInstant: "2024-02-29T23:59:59Z") == 1_709_251_199_000_000)
    #expect(microseconds(ofInstant: "yesterday") == nil)
  }

  @Test func percentilesAreWithinAnEighth() {
    var histogram = Histogram()
    for value in 1...1000 { histogram.add(Int64(value) * 1000) }
    for perMille in [500, 990, 999] {
      let exact = Int64(perMille) * 1000
      #expect(abs(histogram.value(perMille: perMille) - exact) <= exact / 8)
    }
    #expect(histogram.value(perMille: 1000) == 1_000_000 && histogram.largest == 1_000_000)
  }
}
