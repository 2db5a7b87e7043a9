// Bytes → responses, for the load tool, the demo and tests: the client's side of RFC 9112, with bodies of
// Content-Length, chunked, or up to the connection's end. Informational responses, 101 among them, come as responses
// without a body, and not a byte behind one is taken.

package enum HTTPResponseOutput: Equatable, Sendable {
  case needsMore
  case response(HTTPResponse)
  /// The server broke a rule; its status says nothing here.
  case violation(HTTPViolation)
}

package struct HTTPResponseParser: Sendable {
  private enum State: Sendable {
    case head
    case body(HTTPResponseHead)
    case untilEnd(HTTPResponseHead)
    case failed(HTTPViolation)
  }

  private let limits: HTTPLimits
  private var state = State.head
  private var collector = HTTPHeadCollector()
  private var body: HTTPBodyReader?
  private var rest: [UInt8] = []
  /// Set before the answer to a HEAD request arrives: it has the fields of a body and none (RFC 9110 §9.3.2).
  package var answersHead = false

  package init(limits: HTTPLimits = HTTPLimits()) {
    self.limits = limits
  }

  /// Takes the next response's bytes from the front of `bytes`.
  package mutating func next(in bytes: inout RawSpan) -> HTTPResponseOutput {
    do {
      return try advance(in: &bytes)
    } catch {
      state = .failed(error)
      return .violation(error)
    }
  }

  /// The connection ended: a body without a declared length is whole now (RFC 9112 §8).
  package mutating func finish() -> HTTPResponseOutput {
    switch state {
    case .untilEnd(let head):
      state = .head
      defer { rest = [] }
      return .response(HTTPResponse(head: head, body: rest))
    case .head where collector.isEmpty:
      return .needsMore
    case .failed(let violation):
      return .violation(violation)
    case .head, .body:
      return .violation(HTTPViolation(400, "the connection ended inside a response"))
    }
  }

  private mutating func advance(in bytes: inout RawSpan) throws(HTTPViolation) -> HTTPResponseOutput {
    switch state {
    case .failed(let violation):
      throw violation
    case .head:
      let limits = limits
      if collector.isEmpty, bytes.byteCount == 0 { return .needsMore }
      guard let head = collector.collect(from: &bytes, limit: limits.headBytes) else {
        try Self.checkLength(collector.keptBytes, limits)
        return .needsMore
      }
      try Self.checkLength(head.count, limits)
      return try begin(try HTTPResponseHead.parse(head, limits: limits), in: &bytes)
    case .body(let head):
      return try readBody(of: head, in: &bytes)
    case .untilEnd:
      guard bytes.byteCount <= limits.bodyBytes - rest.count else { throw HTTPBodyReader.tooLarge(limits) }
      bytes.withUnsafeBytes { rest.append(contentsOf: $0) }
      bytes = bytes.extracting(droppingFirst: bytes.byteCount)
      return .needsMore
    }
  }

  private static func checkLength(_ headBytes: Int, _ limits: HTTPLimits) throws(HTTPViolation) {
    guard headBytes <= limits.headBytes else { throw HTTPViolation(431, "the response's head is too long") }
  }

  private mutating func begin(
    _ head: HTTPResponseHead, in bytes: inout RawSpan
  ) throws(HTTPViolation) -> HTTPResponseOutput {
    // RFC 9112 §6.3: these never have a body, whatever their fields say.
    if head.status < 200 || head.status == 204 || head.status == 304 || answersHead {
      if head.status >= 200 { answersHead = false }
      return .response(HTTPResponse(head: head))
    }
    guard let length = try head.fields.bodyLength(minorVersion: head.minorVersion) else {
      state = .untilEnd(head)
      return try advance(in: &bytes)
    }
    body = try HTTPBodyReader(length, limits: limits)
    state = .body(head)
    return try readBody(of: head, in: &bytes)
  }

  private mutating func readBody(
    of head: HTTPResponseHead, in bytes: inout RawSpan
  ) throws(HTTPViolation) -> HTTPResponseOutput {
    guard let whole = try body?.next(in: &bytes) else { return .needsMore }
    body = nil
    state = .head
    return .response(HTTPResponse(head: head, body: whole))
  }
}

extension HTTPResponseHead {
  /// status-line of RFC 9112 §4, then the fields.
  static func parse(_ bytes: [UInt8], limits: HTTPLimits) throws(HTTPViolation) -> HTTPResponseHead {
    var reader = HTTPLineReader(bytes)
    let line = bytes[try reader.line()]
    let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2 else { throw HTTPViolation(400, "the status line is incomplete") }
    let minorVersion = try HTTPVersion.minor(of: bytes.span.extracting(parts[0].indices))
    guard parts[1].count == 3, parts[1].allSatisfy(HTTPSyntax.isDigit),
      let status = Int(String(decoding: parts[1], as: UTF8.self)), status >= 100
    else { throw HTTPViolation(400, "the status is not a number of three digits") }
    guard parts.count == 2 || parts[2].allSatisfy(HTTPSyntax.isFieldValueByte) else {
      throw HTTPViolation(400, "the reason has a control character")
    }
    let reason = parts.count == 3 ? HTTPSyntax.text(parts[2]) : ""
    return HTTPResponseHead(
      status: status, reason: reason, fields: try reader.fields(limit: limits.fields), minorVersion: minorVersion)
  }
}
