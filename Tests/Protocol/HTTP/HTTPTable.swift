// One row of the table of requests, and how a row is run. A row is bytes and the transcript of what a parser makes of
// them; the transcript must be the same whole, byte by byte and in every cut in two, whatever follows a refusal, and on
// a parser whose limits are small enough that over-long rows are short.
import Testing

@testable import Protocol

struct HTTPCase: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]
  /// A line an output: `GET /path body`, with ` (close)` when the connection ends behind it; `continue`; a status.
  let expected: [String]

  init(_ name: String, _ bytes: [UInt8], _ expected: String...) {
    self.name = name
    self.bytes = bytes
    self.expected = expected
  }

  /// Text is bytes of UTF-8.
  init(_ name: String, _ text: String, _ expected: String...) {
    self.name = name
    bytes = Array(text.utf8)
    self.expected = expected
  }

  var testDescription: String { name }

  static let limits = HTTPLimits(headBytes: 256, fields: 8, bodyBytes: 64, targetBytes: 64)

  func check(sourceLocation: SourceLocation = #_sourceLocation) {
    let whole = HTTPFeeding.requests([bytes], limits: Self.limits)
    #expect(whole.outputs.map(Self.line) == expected, sourceLocation: sourceLocation)
    for output in whole.outputs {
      guard case .violation(let violation) = output else { continue }
      #expect(!violation.detail.isEmpty && !violation.detail.hasSuffix("."), sourceLocation: sourceLocation)
    }
    for pieces in Splitting.everyWay(bytes) {
      let outputs = HTTPFeeding.requests(pieces, limits: Self.limits).outputs
      guard outputs != whole.outputs else { continue }
      Issue.record("cut in \(pieces.map(\.count)): \(outputs.map(Self.line))", sourceLocation: sourceLocation)
    }
    guard case .violation? = whole.outputs.last else { return }
    // What follows a refused request is never a request: that is how they are smuggled.
    let tail = Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    for pieces in [[bytes + tail], [bytes, tail]] {
      let outputs = HTTPFeeding.requests(pieces, limits: Self.limits).outputs
      #expect(outputs == whole.outputs, sourceLocation: sourceLocation)
    }
  }

  private static func line(_ output: HTTPParserOutput) -> String {
    switch output {
    case .needsMore: return "needs more"
    case .continueExpected: return "continue"
    case .violation(let violation): return "\(violation.status)"
    case .request(let request):
      let head = request.head
      let query = head.query.map { "?" + $0 } ?? ""
      let body = request.body.isEmpty ? "" : " " + text(request.body)
      return "\(head.method) \(head.path)\(query)\(body)\(head.keepsAlive ? "" : " (close)")"
    }
  }
}

/// The rows, in the RFCs' order; each group is a test of its own.
enum HTTPTable {
  static let all =
    messages + requestLines + methods + hosts + targets + fields + codings + lengths + chunks + trailers
    + incomplete + persistence + pipelines + upgrades + expectations + tooLong + protocols

  /// A request with a Host field, further field lines and a body.
  static func request(_ line: String, _ fields: String = "", body: String = "") -> String {
    "\(line)\r\nHost: hub.test\r\n\(fields)\r\n\(body)"
  }

  static func get(_ fields: String) -> String { request("GET / HTTP/1.1", fields) }

  static func post(_ fields: String, _ body: String = "") -> String { request("POST / HTTP/1.1", fields, body: body) }

  static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

  static func many(_ count: Int, _ text: String = "x") -> String { String(repeating: text, count: count) }
}
