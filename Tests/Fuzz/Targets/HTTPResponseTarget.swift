// Responses (RFC 9112), as the client's side reads them: the same however the bytes are cut, within the limits, and
// the same again when written out and read.
import Protocol

extension FuzzTarget {
  static let httpResponse = FuzzTarget("http-response") { input in
    guard let stream = StreamInput(input) else { return }
    let limits = stream.settings & 1 == 0 ? HTTPLimits.small : HTTPLimits()
    let outputs = stream.ways.map {
      read($0, limits: limits, answersHead: stream.settings & 2 != 0, ends: stream.settings & 4 != 0)
    }
    for other in outputs.dropFirst() { try requireEqual(outputs[0], other, "the outputs depend on the reads") }
    for case .response(let response) in outputs[0] {
      try require(response.body.count <= limits.bodyBytes, "the body is over its limit")
      try require(response.head.fields.count <= limits.fields, "there are too many fields")
      try checkAgain(response)
    }
  }

  private enum Output: Equatable {
    case response(HTTPResponse)
    case violation(Int)
  }

  private static func read(_ reads: [[UInt8]], limits: HTTPLimits, answersHead: Bool, ends: Bool) -> [Output] {
    var parser = HTTPResponseParser(limits: limits)
    parser.answersHead = answersHead
    var outputs: [Output] = []
    for piece in reads {
      var span = piece.span.bytes
      reading: while true {
        switch parser.next(in: &span) {
        case .needsMore: break reading
        case .response(let response): outputs.append(.response(response))
        case .violation(let violation): return outputs + [.violation(violation.status)]
        }
      }
    }
    guard ends else { return outputs }
    switch parser.finish() {
    case .needsMore: break
    case .response(let response): outputs.append(.response(response))
    case .violation(let violation): outputs.append(.violation(violation.status))
    }
    return outputs
  }

  private static func checkAgain(_ response: HTTPResponse) throws {
    // Without a body its length says what another request's answer would have had.
    if response.body.isEmpty { return }
    var plain = response
    plain.head.fields["transfer-encoding"] = nil
    plain.head.minorVersion = 1
    if plain.head.reason.isEmpty { plain.head.reason = HTTPReason.phrase(plain.head.status) }
    var written: [UInt8] = []
    try plain.append(to: &written)
    plain.head.fields["Content-Length"] = String(plain.body.count)
    try requireEqual(
      read([written], limits: .wide, answersHead: false, ends: true), [.response(plain)], "the response changed")
  }
}
