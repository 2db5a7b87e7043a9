// Bytes → requests, sans-I/O, one parser a connection (RFC 9112). It takes from the span what belongs to the request
// and not one byte more: what follows an upgrade request is for WebSocket, what follows another is the next request.
// Between requests it holds no heap memory. After a violation it takes nothing any more.

package enum HTTPParserOutput: Equatable, Sendable {
  case needsMore
  /// The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1); call `next` again afterwards.
  case continueExpected
  case request(HTTPRequest)
  /// Answer with the status and close.
  case violation(HTTPViolation)
}

/// How far the request that is arriving has come.
package enum HTTPRequestProgress: Equatable, Sendable {
  /// Between requests, or past a violation.
  case none
  case head
  /// So many bytes of the content; the framing of chunks does not count.
  case body(received: Int)
}

package struct HTTPRequestParser: Sendable {
  private enum State: Sendable {
    case head
    case body(HTTPRequestHead)
    case failed(HTTPViolation)
  }

  package let limits: HTTPLimits
  private var state = State.head
  private var collector = HTTPHeadCollector()
  private var body: HTTPBodyReader?
  private var emptyLines = 0

  package init(limits: HTTPLimits = HTTPLimits()) {
    self.limits = limits
  }

  /// What has arrived of the next request, for the caller's time limits.
  package var progress: HTTPRequestProgress {
    switch state {
    case .head: collector.isEmpty ? .none : .head
    case .body: .body(received: body?.received ?? 0)
    case .failed: .none
    }
  }

  /// Whether a request has begun and is not complete.
  package var isInsideRequest: Bool { progress != .none }

  /// Takes the next request's bytes from the front of `bytes`.
  package mutating func next(in bytes: inout RawSpan) -> HTTPParserOutput {
    do {
      return try advance(in: &bytes)
    } catch {
      state = .failed(error)
      collector = HTTPHeadCollector()
      body = nil
      return .violation(error)
    }
  }

  private mutating func advance(in bytes: inout RawSpan) throws(HTTPViolation) -> HTTPParserOutput {
    switch state {
    case .failed(let violation):
      throw violation
    case .head:
      guard let head = try readHead(in: &bytes) else { return .needsMore }
      let length = try head.fields.bodyLength(minorVersion: head.minorVersion) ?? .none
      let expectsContinue = try head.expectsContinue()
      guard length != .none, length != .bytes(0) else { return .request(HTTPRequest(head: head)) }
      body = try HTTPBodyReader(length, limits: limits)
      state = .body(head)
      if expectsContinue { return .continueExpected }
      return try readBody(of: head, in: &bytes)
    case .body(let head):
      return try readBody(of: head, in: &bytes)
    }
  }

  private mutating func readBody(
    of head: HTTPRequestHead, in bytes: inout RawSpan
  ) throws(HTTPViolation) -> HTTPParserOutput {
    guard let whole = try body?.next(in: &bytes) else { return .needsMore }
    body = nil
    state = .head
    return .request(HTTPRequest(head: head, body: whole))
  }

  private mutating func readHead(in bytes: inout RawSpan) throws(HTTPViolation) -> HTTPRequestHead? {
    while true {
      if collector.isEmpty, bytes.byteCount == 0 { return nil }
      guard let head = collector.collect(from: &bytes, limit: limits.headBytes) else {
        try Self.judge(collector.bytes, limits)
        return nil
      }
      // RFC 9112 §2.2: empty lines before a request line are read over.
      if head.count == 2, head[0] == 0x0D {
        emptyLines += 1
        guard emptyLines <= 4 else { throw HTTPViolation(400, "there are too many empty lines before a request") }
        continue
      }
      emptyLines = 0
      // In this order, as when it comes in pieces: the answer may not depend on the reads.
      try Self.judge(head, limits)
      return try HTTPRequestHead.parse(head, limits: limits)
    }
  }

  /// Refuses early what can no longer become a head: another protocol's greeting, or a head past its limit.
  private static func judge(_ kept: [UInt8], _ limits: HTTPLimits) throws(HTTPViolation) {
    if let first = kept.first, first != 0x0D, !HTTPSyntax.isTokenByte(first) {
      throw HTTPViolation(400, "the method is not a token")
    }
    if kept.count > limits.headBytes { throw tooLong(kept, limits) }
  }

  private static func tooLong(_ head: [UInt8], _ limits: HTTPLimits) -> HTTPViolation {
    if head.prefix(limits.headBytes + 1).contains(0x0A) {
      return HTTPViolation(431, "the request's head is longer than \(limits.headBytes) bytes")
    }
    // RFC 9112 §3: a method longer than any that is known is 501, a longer target 414.
    guard head.prefix(limits.headBytes + 1).contains(UInt8(ascii: " ")) else {
      return HTTPViolation(501, "the method is longer than any")
    }
    return HTTPViolation(414, "the request target is longer than \(limits.targetBytes) bytes")
  }
}

extension HTTPRequestHead {
  /// RFC 9110 §10.1.1: the one expectation there is; HTTP/1.0 knows none.
  fileprivate func expectsContinue() throws(HTTPViolation) -> Bool {
    guard minorVersion >= 1 else { return false }
    let expectations = fields.list("expect")
    guard expectations.allSatisfy({ HTTPSyntax.equalsIgnoringCase($0, "100-continue") }) else {
      throw HTTPViolation(417, "the only expectation known here is 100-continue")
    }
    return !expectations.isEmpty
  }
}
