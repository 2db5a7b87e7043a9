// Found by fuzzing: answers that depended on how the network cut a head that is wrong in two ways.
import Testing

@testable import Protocol

@Suite("HTTP/1.1 heads that are wrong twice")
struct HTTPReadsTests {
  private static let limits = HTTPLimits(headBytes: 64, fields: 4, bodyBytes: 8, targetBytes: 16)
  private static let long = [UInt8](repeating: UInt8(ascii: "a"), count: 80)

  static let requests: [(String, [UInt8], Int)] = [
    ("no method and over-long", Array("(\n".utf8) + long + Array("\r\n\r\n".utf8), 400),
    ("no version and over-long", Array("GET /\r\n".utf8) + long + Array("\r\n\r\n".utf8), 431),
    ("a version of another protocol and over-long", Array("GET / HTTP/2.0\r\n".utf8) + long + Array("\n\n".utf8), 431),
  ]

  @Test("a request's refusal is the same however it is cut", arguments: requests)
  func request(_ name: String, _ bytes: [UInt8], _ status: Int) {
    for pieces in Splitting.ways(bytes) {
      let outputs = HTTPFeeding.requests(pieces, limits: Self.limits).outputs
      guard case .violation(let violation)? = outputs.first, violation.status == status, outputs.count == 1 else {
        Issue.record("\(name) in \(pieces.count) pieces: \(outputs)")
        continue
      }
    }
  }

  static let responses: [(String, [UInt8])] = [
    ("no status and over-long", Array("no\r\n".utf8) + long + Array("\r\n\r\n".utf8)),
    ("sound and over-long", Array("HTTP/1.1 200 OK\r\nX: ".utf8) + long + Array("\r\n\r\n".utf8)),
  ]

  @Test("a response's over-long head is refused however it is cut", arguments: responses)
  func response(_ name: String, _ bytes: [UInt8]) {
    for pieces in Splitting.ways(bytes) {
      var parser = HTTPResponseParser(limits: Self.limits)
      var status: Int?
      for piece in pieces {
        var span = piece.span.bytes
        if case .violation(let violation) = parser.next(in: &span) { status = violation.status }
      }
      #expect(status == 431, "\(name) in \(pieces.count) pieces")
    }
  }
}
