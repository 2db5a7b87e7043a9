// The lines that leave the process, read back through a pipe.
import Glibc
import Telemetry
import Testing

struct LogTests {
  /// What a log with a fixed clock writes into a pipe.
  static func lines(level: Log.Level = .info, form: Log.Form, _ body: (Log) -> Void) throws -> String {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    body(
      Log(level: level, form: form, descriptor: ends[1]) { Timestamp(microseconds: 1_795_207_380_123_456) })
    close(ends[1])
    return drain(ends[0])
  }

  /// Reads a pipe to its end and closes it.
  static func drain(_ descriptor: Int32) -> String {
    defer { close(descriptor) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: text, as: UTF8.self) }
      text += buffer[..<count]
    }
  }

  @Test func `A line of text has time, level, message and fields`() throws {
    let text = try LogTests.lines(form: .text) { log in
      log.info("listening", ["port": 8080, "host": "127.0.0.1", "tls": false, "load": 0.5, "name": "a b", "none": ""])
    }
    #expect(
      text == "2026-11-20T20:43:00.123456Z INFO listening port=8080 host=127.0.0.1 tls=false load=0.5 "
        + "name=\"a b\" none=\"\"\n")
  }

  @Test func `A line of JSON is one object`() throws {
    let text = try LogTests.lines(form: .json) { log in
      log.warning("slow query", ["milliseconds": 812, "ratio": 0.25, "cached": true, "nan": LogValue(Double.nan)])
    }
    #expect(
      text == #"{"time":"2026-11-20T20:43:00.123456Z","level":"warning","message":"slow query","milliseconds":812,"#
        + #""ratio":0.25,"cached":true,"nan":"nan"}"# + "\n")
  }

  @Test(arguments: Log.Form.allCases)
  func `Nobody writes a second line through a value`(form: Log.Form) throws {
    let text = try LogTests.lines(form: form) { log in
      log.error("bad path", ["path": "/a\n2026 ERROR forged\r\t\u{1B}[2J\u{0}\"\\ end\u{2028}"])
    }
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
    #expect(text.hasSuffix("\n"))
    #expect(text.contains(#"/a\n2026 ERROR forged\r\t\u001b[2J\u0000\"\\ end\u2028"#))
  }

  @Test func `Lines below the level cost nothing and are not written`() throws {
    var asked = 0
    func value() -> LogValue {
      asked += 1
      return 1
    }
    let text = try LogTests.lines(level: .warning, form: .text) { log in
      log.debug("no", ["value": value()])
      log.info("no", ["value": value()])
      log.warning("yes", ["value": value()])
      log.error("yes")
    }
    #expect(asked == 1)
    #expect(text.split(separator: "\n").map { $0.split(separator: " ")[1] } == ["WARNING", "ERROR"])
  }

  @Test func `Fields that a log carries stand on each of its lines, the nearest name wins in JSON`() throws {
    let text = try LogTests.lines(form: .json) { log in
      let request = log.with(["request": "r1", "reactor": 2])
      request.info("answered", ["status": 200, "reactor": 3, "level": "forged"])
      log.info("plain")
    }
    let lines = text.split(separator: "\n")
    #expect(lines[0].hasSuffix(#""message":"answered","request":"r1","status":200,"reactor":3}"#))
    #expect(lines[1].hasSuffix(#""message":"plain"}"#))
  }

  @Test func `A long value is cut`() throws {
    let value = LogValue(String(repeating: "x", count: 9_000))
    let text = try LogTests.lines(form: .text) { $0.info("long", ["body": value]) }
    #expect(text.utf8.count < 2_200)
    #expect(text.hasSuffix("…\"\n"))
  }

  @Test func `Lines of many threads stay whole`() async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let log = Log(descriptor: ends[1])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for number in 0..<50 { log.info("line", ["number": LogValue(number), "pad": "0123456789"]) } }
      }
    }
    close(ends[1])
    let text = LogTests.drain(ends[0])
    #expect(text.split(separator: "\n").allSatisfy { $0.hasSuffix("pad=0123456789") })
    #expect(text.split(separator: "\n").count == 200)
  }

  @Test func `A log that cannot be written is dropped`() {
    Log(descriptor: -1).error("nobody hears this")
  }

  @Test func `Levels are ordered by weight`() {
    #expect(Log.Level.allCases.sorted() == [.debug, .info, .warning, .error])
  }
}
