// How long a body is (RFC 9112 §6.3) and taking it from bytes that come in pieces, plain or chunked (§7.1).
// The same for requests and responses; the rule that a response may also end with its connection is the client's.

enum HTTPBodyLength: Equatable, Sendable {
  case none
  case bytes(Int)
  case chunked
}

extension HTTPFields {
  /// The body length these fields declare; nil when they declare none.
  func bodyLength(minorVersion: Int) throws(HTTPViolation) -> HTTPBodyLength? {
    let codings = values("transfer-encoding")
    let lengths = values("content-length")
    if !codings.isEmpty {
      // RFC 9112 §6.1: both together is how requests are smuggled; HTTP/1.0 has no transfer coding.
      guard lengths.isEmpty else {
        throw HTTPViolation(400, "Transfer-Encoding and Content-Length exclude each other")
      }
      guard minorVersion >= 1 else { throw HTTPViolation(400, "HTTP/1.0 has no Transfer-Encoding") }
      let names = codings.flatMap { $0.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) }
        .map { String(Substring(HTTPSyntax.trimmed($0))) }
      // RFC 9110 §5.6.1.2 would read over an empty member; two readers of one message would not always both do so.
      guard !names.contains(where: \.isEmpty) else {
        throw HTTPViolation(400, "the Transfer-Encoding field has an empty member")
      }
      let areChunked = names.map { HTTPSyntax.equalsIgnoringCase($0, "chunked") }
      // RFC 9112 §6.3: without chunked as the last coding, and only there, a request's end cannot be found.
      guard areChunked.last == true, !areChunked.dropLast().contains(true) else {
        throw HTTPViolation(400, "chunked is not the last transfer coding, once")
      }
      guard names.count == 1 else { throw HTTPViolation(501, "no transfer coding but chunked is known here") }
      return .chunked
    }
    guard let length = lengths.first else { return nil }
    guard lengths.count == 1 else { throw HTTPViolation(400, "there is more than one Content-Length field") }
    guard !length.isEmpty, length.utf8.allSatisfy(HTTPSyntax.isDigit) else {
      throw HTTPViolation(400, "the Content-Length field is not a number")
    }
    // Only an overflow makes this nil: longer than any limit.
    return .bytes(Int(length) ?? Int.max)
  }
}

struct HTTPBodyReader: Sendable {
  private enum State: Sendable {
    case plain(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailers
  }

  private let limits: HTTPLimits
  private var state: State
  private var body: [UInt8] = []
  private var line: [UInt8] = []
  private var extensionBytes = 0
  private var trailers = HTTPHeadCollector()

  init(_ length: HTTPBodyLength, limits: HTTPLimits) throws(HTTPViolation) {
    self.limits = limits
    switch length {
    case .none: state = .plain(remaining: 0)
    case .chunked: state = .chunkSize
    case .bytes(let count):
      guard count <= limits.bodyBytes else { throw Self.tooLarge(limits) }
      state = .plain(remaining: count)
      // Capped, so that a declared length alone costs little.
      body.reserveCapacity(min(count, 64 * 1024))
    }
  }

  /// Bytes of the content so far.
  var received: Int { body.count }

  /// Takes what belongs to the body; returns it once it is whole.
  mutating func next(in bytes: inout RawSpan) throws(HTTPViolation) -> [UInt8]? {
    while true {
      switch state {
      case .plain(let remaining):
        let rest = take(remaining, from: &bytes)
        state = .plain(remaining: rest)
        return rest == 0 ? body : nil
      case .chunkSize:
        guard let size = try chunkSize(from: &bytes) else { return nil }
        guard size <= limits.bodyBytes - body.count else { throw Self.tooLarge(limits) }
        state = size == 0 ? .trailers : .chunkData(remaining: size)
      case .chunkData(let remaining):
        let rest = take(remaining, from: &bytes)
        state = rest == 0 ? .chunkEnd : .chunkData(remaining: rest)
        if rest > 0 { return nil }
      case .chunkEnd:
        guard let end = try line(from: &bytes, limit: 2) else { return nil }
        guard end.isEmpty else { throw HTTPViolation(400, "a chunk is longer than its size") }
        state = .chunkSize
      case .trailers:
        return try readTrailers(from: &bytes) ? body : nil
      }
    }
  }

  static func tooLarge(_ limits: HTTPLimits) -> HTTPViolation {
    HTTPViolation(413, "the body is longer than \(limits.bodyBytes) bytes")
  }

  /// Moves up to `count` bytes into the body and returns how many are still to come.
  private mutating func take(_ count: Int, from bytes: inout RawSpan) -> Int {
    let taken = min(count, bytes.byteCount)
    bytes.extracting(first: taken).withUnsafeBytes { body.append(contentsOf: $0) }
    bytes = bytes.extracting(droppingFirst: taken)
    return count - taken
  }

  /// A line without its CRLF, once it is whole; at most `limit` bytes with the CRLF.
  private mutating func line(from bytes: inout RawSpan, limit: Int) throws(HTTPViolation) -> [UInt8]? {
    while bytes.byteCount > 0 {
      let byte = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
      bytes = bytes.extracting(droppingFirst: 1)
      let followsReturn = line.last == 0x0D
      line.append(byte)
      if byte == 0x0A {
        guard followsReturn else { throw HTTPViolation(400, "a chunk's line ends without a carriage return") }
        let whole = Array(line.dropLast(2))
        line.removeAll(keepingCapacity: true)
        return whole
      }
      guard !followsReturn else { throw HTTPViolation(400, "a carriage return stands without a line feed") }
      guard line.count < limit else { throw HTTPViolation(400, "a chunk's line is too long or a chunk is too long") }
    }
    return nil
  }

  /// chunk-size [ chunk-ext ] (RFC 9112 §7.1.1): extensions are read over, but only so many of them in one message.
  private mutating func chunkSize(from bytes: inout RawSpan) throws(HTTPViolation) -> Int? {
    guard let line = try line(from: &bytes, limit: min(1024, limits.headBytes)) else { return nil }
    var size = 0
    var digits = 0
    for byte in line {
      guard let value = HTTPSyntax.hexValue(byte) else { break }
      guard size <= Int.max >> 4 else { throw Self.tooLarge(limits) }
      size = size << 4 | Int(value)
      digits += 1
    }
    guard digits > 0 else { throw HTTPViolation(400, "a chunk's size is not a hexadecimal number") }
    let rest = line[digits...]
    extensionBytes += rest.count
    guard extensionBytes <= limits.headBytes else { throw HTTPViolation(400, "the chunk extensions are too long") }
    guard HTTPSyntax.areChunkExtensions(rest) else {
      throw HTTPViolation(400, "a chunk's size is followed by something that is no extension")
    }
    return size
  }

  /// Trailers are checked like fields and then dropped (RFC 9110 §6.5.1): nothing here has a use for them.
  private mutating func readTrailers(from bytes: inout RawSpan) throws(HTTPViolation) -> Bool {
    let section = trailers.collect(from: &bytes, limit: limits.headBytes)
    guard (section?.count ?? trailers.keptBytes) <= limits.headBytes else {
      throw HTTPViolation(431, "the trailers are too long")
    }
    guard let section else { return false }
    var reader = HTTPLineReader(section)
    _ = try reader.fields(limit: limits.fields)
    return true
  }
}
