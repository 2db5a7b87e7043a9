// The request line and the request target's four forms (RFC 9112 §3), and what Host must say (RFC 9110 §7.2).

extension HTTPRequestHead {
  /// Parses a complete head including its empty line.
  static func parse(_ bytes: [UInt8], limits: HTTPLimits) throws(HTTPViolation) -> HTTPRequestHead {
    var reader = HTTPLineReader(bytes)
    let line = try reader.line()
    let methodEnd = line.first { bytes[$0] == UInt8(ascii: " ") } ?? line.upperBound
    guard HTTPSyntax.isToken(bytes[line.lowerBound..<methodEnd]) else {
      throw HTTPViolation(400, "the method is not a token")
    }
    let rest = min(methodEnd + 1, line.upperBound)..<line.upperBound
    guard let targetEnd = rest.first(where: { bytes[$0] == UInt8(ascii: " ") }) else {
      throw HTTPViolation(400, "the request line is not a method, a target and a version")
    }
    let minorVersion = try HTTPVersion.minor(of: bytes.span.extracting(targetEnd + 1..<line.upperBound))
    let target = rest.lowerBound..<targetEnd
    guard target.count <= limits.targetBytes else {
      throw HTTPViolation(414, "the request target is longer than \(limits.targetBytes) bytes")
    }
    guard !target.isEmpty, target.allSatisfy({ HTTPSyntax.isTargetByte(bytes[$0]) }) else {
      throw HTTPViolation(400, "the request target has a character that must be percent-encoded")
    }
    let method = String(decoding: bytes[line.lowerBound..<methodEnd], as: UTF8.self)
    let fields = try reader.fields(limit: limits.fields)
    try checkHost(fields, minorVersion)
    let whole = String(decoding: bytes[target], as: UTF8.self)
    let (authority, path, query) = try HTTPTarget.parts(of: whole, at: target, in: bytes, method: method)
    return HTTPRequestHead(
      method: method, target: whole, path: path, query: query, authority: authority, minorVersion: minorVersion,
      fields: fields)
  }

  /// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1, at most one before.
  private static func checkHost(_ fields: HTTPFields, _ minorVersion: Int) throws(HTTPViolation) {
    var host: HTTPFields.Place?
    for place in fields.places where fields.isNamed(place, "host") {
      if host != nil { throw HTTPViolation(400, "there is more than one Host field") }
      host = place
    }
    guard let host else {
      if minorVersion >= 1 { throw HTTPViolation(400, "the Host field is missing") }
      return
    }
    guard HTTPSyntax.isHost(fields.bytes.span.extracting(host.value)) else {
      throw HTTPViolation(400, "the Host field is not a host and a port")
    }
  }
}

private enum HTTPTarget {
  /// Takes a target apart; `range` is where it lies, not empty and with nothing but target bytes.
  static func parts(
    of target: String, at range: Range<Int>, in bytes: [UInt8], method: String
  ) throws(HTTPViolation) -> (authority: String?, path: String, query: String?) {
    if method == "CONNECT" {
      // RFC 9112 §3.2.3: the authority form, and that one only, belongs to CONNECT; this is no proxy.
      guard HTTPSyntax.isHost(bytes.span.extracting(range)), bytes[range].contains(UInt8(ascii: ":")),
        HTTPSyntax.isDigit(bytes[range.upperBound - 1])
      else { throw HTTPViolation(400, "CONNECT asks for a host and a port") }
      throw HTTPViolation(501, "tunnels are not offered")
    }
    if bytes[range.lowerBound] == UInt8(ascii: "/") {
      let end = pathEnd(range, in: bytes)
      // The usual case makes no second text.
      return (nil, end == range.upperBound ? target : path(range.lowerBound..<end, in: bytes), query(end, range, bytes))
    }
    if target == "*" {
      guard method == "OPTIONS" else { throw HTTPViolation(400, "only OPTIONS may ask for *") }
      return (nil, target, nil)
    }
    let authority = try authority(range, in: bytes)
    let tail = authority.upperBound..<range.upperBound
    let name = String(decoding: bytes[authority], as: UTF8.self)
    // RFC 9112 §3.2.4: OPTIONS of an address without path and query asks about the whole server.
    if method == "OPTIONS", tail.isEmpty { return (name, "*", nil) }
    let end = pathEnd(tail, in: bytes)
    return (name, path(tail.lowerBound..<end, in: bytes), query(end, tail, bytes))
  }

  /// RFC 9112 §3.2.2: a server must accept the absolute form, and its authority stands before the Host field.
  private static func authority(_ range: Range<Int>, in bytes: [UInt8]) throws(HTTPViolation) -> Range<Int> {
    let invalid = HTTPViolation(400, "the request target is neither a path nor an absolute address")
    guard let schemeEnd = range.first(where: { bytes[$0] == UInt8(ascii: ":") }) else { throw invalid }
    let scheme = String(decoding: bytes[range.lowerBound..<schemeEnd], as: UTF8.self)
    guard ["http", "https", "ws", "wss"].contains(where: { HTTPSyntax.equalsIgnoringCase($0, scheme) }),
      bytes[schemeEnd + 1..<range.upperBound].starts(with: "//".utf8)
    else { throw invalid }
    let rest = schemeEnd + 3..<range.upperBound
    let end = rest.first { bytes[$0] == UInt8(ascii: "/") || bytes[$0] == UInt8(ascii: "?") } ?? rest.upperBound
    guard end > rest.lowerBound, HTTPSyntax.isHost(bytes.span.extracting(rest.lowerBound..<end)) else { throw invalid }
    return rest.lowerBound..<end
  }

  private static func pathEnd(_ range: Range<Int>, in bytes: [UInt8]) -> Int {
    range.first { bytes[$0] == UInt8(ascii: "?") } ?? range.upperBound
  }

  private static func path(_ range: Range<Int>, in bytes: [UInt8]) -> String {
    range.isEmpty ? "/" : String(decoding: bytes[range], as: UTF8.self)
  }

  /// What follows the question mark at `mark`, if one is there.
  private static func query(_ mark: Int, _ range: Range<Int>, _ bytes: [UInt8]) -> String? {
    mark < range.upperBound ? String(decoding: bytes[mark + 1..<range.upperBound], as: UTF8.self) : nil
  }
}

/// HTTP-version of RFC 9112 §2.3.
enum HTTPVersion {
  static func minor(of bytes: Span<UInt8>) throws(HTTPViolation) -> Int {
    guard bytes.count == 8, bytes[0] == UInt8(ascii: "H"), bytes[1] == UInt8(ascii: "T"),
      bytes[2] == UInt8(ascii: "T"), bytes[3] == UInt8(ascii: "P"), bytes[4] == UInt8(ascii: "/"),
      HTTPSyntax.isDigit(bytes[5]), bytes[6] == UInt8(ascii: "."), HTTPSyntax.isDigit(bytes[7])
    else { throw HTTPViolation(400, "the version is not of the form HTTP/1.1") }
    guard bytes[5] == UInt8(ascii: "1") else { throw HTTPViolation(505, "only HTTP/1 is spoken here") }
    return Int(bytes[7] - UInt8(ascii: "0"))
  }
}
