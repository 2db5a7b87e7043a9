// Instants as RFC 3339 text; the expected texts come from another calendar implementation.
import Telemetry
import Testing

struct TimestampTests {
  @Test(arguments: [
    (0 as Int64, "1970-01-01T00:00:00.000000Z"), (1_795_207_380_123_456, "2026-11-20T20:43:00.123456Z"),
    (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
    (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"), (1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z"),
    (1_735_689_599_000_001, "2024-12-31T23:59:59.000001Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
    (-1, "1969-12-31T23:59:59.999999Z"), (-2_203_891_200_000_000, "1900-03-01T00:00:00.000000Z"),
  ])
  func `RFC 3339, an instant is written in UTC with six decimals`(microseconds: Int64, text: String) {
    #expect(Timestamp(microseconds: microseconds).description == text)
    #expect(Timestamp(text)?.microseconds == microseconds)
  }

  @Test(arguments: [
    "", "2026-11-20T20:43:00Z", "2026-11-20T20:43:00.12345Z", "2026-11-20T20:43:00.123456",
    "2026-11-20 20:43:00.123456Z",
    "2026-13-20T20:43:00.123456Z", "2026-11-20T24:43:00.123456Z", "2026-11-20T20:43:00.12345xZ",
    "2026-11-20T20:43:00.123456+00:00",
  ])
  func `Nothing else is read as an instant`(text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test func `Seconds are rounded down, before 1970 too`() {
    #expect(Timestamp(microseconds: 1_999_999).seconds == 1)
    #expect(Timestamp(microseconds: -1).seconds == -1)
  }

  @Test func `The clock goes on and stands in this century`() {
    let first = Timestamp.now()
    #expect(first <= Timestamp.now())
    #expect(first.description.hasPrefix("20"))
  }
}
