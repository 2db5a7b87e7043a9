// W3C Trace Context §3.2: the header traceparent.
import Telemetry
import Testing

struct TraceContextTests {
  static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test func `W3C §3.2.3, the example is read and written again`() throws {
    let context = try #require(TraceContext(traceparent: TraceContextTests.example))
    #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(context.spanID == 0x00F0_67AA_0BA9_02B7)
    #expect(context.isSampled)
    #expect(context.description == TraceContextTests.example)
  }

  @Test func `A child has the same trace and a span of its own`() throws {
    let context = try #require(TraceContext(traceparent: TraceContextTests.example))
    #expect(context.child(spanID: 1)?.description == "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01")
    #expect(context.child(spanID: 0) == nil)
  }

  @Test(arguments: [
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", true),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", false),
    ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true),
  ])
  func `W3C §3.2.2.5, only the sampled flag is read, also of later versions`(text: String, isSampled: Bool) {
    #expect(TraceContext(traceparent: text)?.isSampled == isSampled)
  }

  @Test(arguments: [
    "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", example + "-more", example + "0",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
  ])
  func `W3C §4.2, a header that is not valid counts as absent`(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }
}
