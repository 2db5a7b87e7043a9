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
