// An event's one encoded form, and the frame that every connection shares.
import Protocol
import Testing

@testable import Hub

@Suite struct LogEventTests {
  private func event(data: String, channel: String = "kitchen:x") -> LogEvent {
    LogEvent(
      channel: channel, offset: 42, id: "0190", name: "ticket.created", at: "2026-11-20T20:43:00.123456Z",
      data: Array(data.utf8))
  }

  @Test func theMessageIsTheEventOfTheWire() throws {
    let document = try JSON.parse(event(data: #"{"n": 1}"#).message)
    #expect(document["type"]?.string == "event")
    #expect(document["channel"]?.string == "kitchen:x")
    #expect(document["offset"]?.int64 == 42)
    #expect(document["id"]?.string == "0190")
    #expect(document["event"]?.string == "ticket.created")
    #expect(document["at"]?.string == "2026-11-20T20:43:00.123456Z")
    #expect(document["data"]?["n"]?.int64 == 1)
  }

  @Test(arguments: [#"{"a":  [1, 2.50, 1e400, 123456789012345678901234567890]}"#, "null", #""é\u0001""#, "0.10", "{}"])
  func theDataPassesThroughAsPostgresWroteIt(_ data: String) {
    let message = String(decoding: event(data: data).message, as: UTF8.self)
    #expect(message.hasSuffix(#""data":\#(data)}"#))
  }

  @Test(arguments: [2, 60, 200, 70_000])
  func aDeliveryIsOneTextFrameWithTheMessage(_ count: Int) throws {
    let event = event(data: "\"" + String(repeating: "x", count: count) + "\"")
    let delivery = Delivery(event)
    #expect(delivery.channel == "kitchen:x" && delivery.offset == 42)
    var decoder = WebSocketDecoder(role: .client, limits: WebSocketLimits(messageBytes: 1 << 20))
    var bytes = delivery.frame
    var position = 0
    let read = bytes.withUnsafeMutableBytes { memory -> [UInt8]? in
      guard case .message(.text, let payload, false) = decoder.next(in: memory, at: &position) else { return nil }
      switch payload {
      case .inPlace(let range): return Array(memory[range])
      case .owned(let message): return message
      }
    }
    #expect(read == event.message)
    #expect(position == delivery.frame.count)
  }
}
