// Feeds a request parser the way a connection does: what the parser leaves in the span stays for the next read.
import Testing

@testable import Protocol

struct HTTPTranscript: Equatable {
  var outputs: [HTTPParserOutput] = []
  /// What was never taken: the bytes behind an upgrade or a violation.
  var unconsumed: [UInt8] = []
}

enum HTTPFeeding {
  static func requests(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> HTTPTranscript {
    var parser = HTTPRequestParser(limits: limits)
    var transcript = HTTPTranscript()
    var left: [UInt8] = []
    var hasEnded = false
    for piece in pieces {
      left += piece
      while !hasEnded {
        let buffer = left
        var span = buffer.span.bytes
        let output = parser.next(in: &span)
        left = Array(buffer.suffix(span.byteCount))
        if output == .needsMore { break }
        transcript.outputs.append(output)
        if case .violation = output { hasEnded = true }
        if case .request(let request) = output, request.head.fields["upgrade"] != nil { hasEnded = true }
      }
    }
    transcript.unconsumed = left
    return transcript
  }

  static func responses(_ pieces: [[UInt8]], ended: Bool = false) -> [HTTPResponseOutput] {
    var parser = HTTPResponseParser()
    var outputs: [HTTPResponseOutput] = []
    for piece in pieces {
      var span = piece.span.bytes
      while true {
        let output = parser.next(in: &span)
        if output == .needsMore { break }
        outputs.append(output)
        if case .violation = output { return outputs }
      }
    }
    if ended, case let output = parser.finish(), output != .needsMore { outputs.append(output) }
    return outputs
  }
}

/// A request that must be accepted, or refused with a status.
struct HTTPCase: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]
  /// The status of the refusal, nil for acceptance.
  let status: Int?

  init(_ name: String, _ text: String, _ status: Int?) {
    self.init(name, Array(text.utf8), status)
  }

  init(_ name: String, _ bytes: [UInt8], _ status: Int?) {
    self.name = name
    self.bytes = bytes
    self.status = status
  }

  var testDescription: String { name }

  /// Feeds the request every way and compares the one result with what the table says.
  func check(limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation) {
    for pieces in Splitting.ways(bytes) {
      let outputs = HTTPFeeding.requests(pieces, limits: limits).outputs
      switch (outputs.last, status) {
      case (.request?, nil): break
      case (.violation(let violation)?, let status?):
        #expect(violation.status == status, "\(name): \(violation.detail)", sourceLocation: sourceLocation)
        #expect(!violation.detail.isEmpty, sourceLocation: sourceLocation)
      default:
        Issue.record("\(name): \(String(describing: outputs.last))", sourceLocation: sourceLocation)
      }
    }
  }
}

/// A request of a request line, a Host field, further field lines and a body.
func request(_ line: String, _ fields: String = "", body: String = "") -> String {
  "\(line)\r\nHost: hub.test\r\n\(fields)\r\n\(body)"
}
