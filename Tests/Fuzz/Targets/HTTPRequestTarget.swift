// Requests (RFC 9112): the outputs are the same however the bytes are cut, no limit is passed, and a request that was
// accepted is the same request when it is written out and read again, alone and to its last byte: what smuggling needs
// is a message that two readers see differently.
import Protocol

extension FuzzTarget {
  static let httpRequest = FuzzTarget("http-request") { input in
    guard let stream = StreamInput(input) else { return }
    let limits = stream.settings & 1 == 0 ? HTTPLimits.small : HTTPLimits()
    let transcripts = stream.ways.map { RequestTranscript($0, limits: limits) }
    for other in transcripts.dropFirst() {
      try requireEqual(transcripts[0].outputs, other.outputs, "the outputs depend on the reads")
      try requireEqual(transcripts[0].left, other.left, "what is left depends on the reads")
    }
    for output in transcripts[0].outputs { try check(output, limits) }
  }

  private static func check(_ output: RequestTranscript.Output, _ limits: HTTPLimits) throws {
    switch output {
    case .continueExpected:
      break
    case .violation(let status):
      try require([400, 413, 414, 417, 431, 501, 505].contains(status), "\(status) is no status of the parser")
    case .request(let request):
      try require(request.body.count <= limits.bodyBytes, "the body is over its limit")
      try require(request.head.target.utf8.count <= limits.targetBytes, "the target is over its limit")
      try require(request.head.fields.count <= limits.fields, "there are too many fields")
      try require(request.head.pathSegments?.contains { $0 == ".." || $0 == "." } != true, "a path climbs")
      _ = QueryParameters(request.head.query)
      try checkAgain(request)
    }
  }

  private static func checkAgain(_ request: HTTPRequest) throws {
    var plain = request
    plain.head.fields["transfer-encoding"] = nil
    plain.head.fields["expect"] = nil
    plain.head.minorVersion = min(plain.head.minorVersion, 1)
    if request.body.isEmpty { plain.head.fields["content-length"] = nil }
    var written: [UInt8] = []
    try plain.append(to: &written)
    let again = RequestTranscript([written], limits: .wide)
    try require(again.left.isEmpty && again.outputs.count == 1, "a request that was written is not one request")
    guard case .request(var read)? = again.outputs.first else {
      throw FuzzFailure(description: "a request that was written is refused: \(again.outputs)")
    }
    try requireEqual(read.body, plain.body, "the body changed")
    // The length is written plainly, whatever zeros it came with.
    read.head.fields["content-length"] = nil
    plain.head.fields["content-length"] = nil
    try requireEqual(read.head, plain.head, "the head changed")
  }
}

extension HTTPLimits {
  /// So small that short inputs pass them.
  static let small = HTTPLimits(headBytes: 192, fields: 6, bodyBytes: 64, targetBytes: 48)
  /// More than any input takes, since latin letters grow when they are written as UTF-8.
  static let wide = HTTPLimits(headBytes: 1 << 20, fields: 1000, bodyBytes: 1 << 20, targetBytes: 1 << 20)
}

/// What a parser said to reads, fed as a connection feeds it: what it leaves comes again before the next read.
private struct RequestTranscript {
  enum Output: Equatable {
    case continueExpected
    case request(HTTPRequest)
    case violation(Int)
  }

  private(set) var outputs: [Output] = []
  private(set) var left: [UInt8] = []

  init(_ reads: [[UInt8]], limits: HTTPLimits) {
    var parser = HTTPRequestParser(limits: limits)
    for read in reads {
      if case .violation? = outputs.last { return }
      left += read
      take(&parser)
    }
  }

  private mutating func take(_ parser: inout HTTPRequestParser) {
    while true {
      let buffer = left
      var span = buffer.span.bytes
      let output = parser.next(in: &span)
      left = Array(buffer.suffix(span.byteCount))
      switch output {
      case .needsMore: return
      case .continueExpected: outputs.append(.continueExpected)
      case .request(let request): outputs.append(.request(request))
      case .violation(let violation):
        outputs.append(.violation(violation.status))
        // Where the parser was when it gave up is its own affair; nothing may be read behind it.
        left = []
        return
      }
    }
  }
}
