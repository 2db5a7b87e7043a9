// The request line and the request target's four forms (RFC 9112 §3), and what Host must say (RFC 9110 §7.2).

extension HTTPRequestHead {
  /// Parses a complete head including its empty line.
  static func parse(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits) throws(HTTPViolation) -> HTTPRequestHead {
    var reader = HTTPLineReader(bytes)
    let line = try reader.line()
    let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
    guard HTTPSyntax.isToken(parts[0]) else { throw HTTPViolation(400, "the method is not a token") }
    guard parts.count == 3 else {
      throw HTTPViolation(400, "the request line is not a method, a target and a version")
    }
    let minorVersion = try HTTPVersion.minor(of: parts[2])
    guard parts[1].count <= limits.targetBytes else {
      throw HTTPViolation(414, "the request target is longer than \(limits.targetBytes) bytes")
    }
    guard !parts[1].isEmpty, parts[1].allSatisfy(HTTPSyntax.isTargetByte) else {
      throw HTTPViolation(400, "the request target has a character that must be percent-encoded")
    }
    var head = HTTPRequestHead(
      method: String(decoding: parts[0], as: UTF8.self), target: String(decoding: parts[1], as: UTF8.self), path: "",
      minorVersion: minorVersion)
    head.fields = try reader.fields(limit: limits.fields)
    try head.takeHost()
    try head.takeTarget()
    return head
  }

  /// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1, at most one before.
  private mutating func takeHost() throws(HTTPViolation) {
    let hosts = fields.values("host")
    guard hosts.count <= 1 else { throw HTTPViolation(400, "there is more than one Host field") }
    guard let value = hosts.first else {
      if minorVersion >= 1 { throw HTTPViolation(400, "the Host field is missing") }
      return
    }
    guard HTTPSyntax.isHost(value) else { throw HTTPViolation(400, "the Host field is not a host and a port") }
    host = value
  }

  private mutating func takeTarget() throws(HTTPViolation) {
    if method == "CONNECT" {
      // RFC 9112 §3.2.3: the authority form, and that one only, belongs to CONNECT; this is no proxy.
      guard HTTPSyntax.isHost(target), target.utf8.contains(UInt8(ascii: ":")),
        target.utf8.last.map(HTTPSyntax.isDigit) == true
      else { throw HTTPViolation(400, "CONNECT asks for a host and a port") }
      throw HTTPViolation(501, "tunnels are not offered")
    }
    if target.utf8.first == UInt8(ascii: "/") {
      takePath(target[...])
    } else if target == "*" {
      guard method == "OPTIONS" else { throw HTTPViolation(400, "only OPTIONS may ask for *") }
      path = target
    } else {
      try takeAbsolute()
    }
  }

  /// RFC 9112 §3.2.2: a server must accept the absolute form, and its authority stands before the Host field.
  private mutating func takeAbsolute() throws(HTTPViolation) {
    let invalid = HTTPViolation(400, "the request target is neither a path nor an absolute address")
    guard let schemeEnd = target.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw invalid }
    let scheme = target[..<schemeEnd]
    guard ["http", "https", "ws", "wss"].contains(where: { HTTPSyntax.equalsIgnoringCase($0, scheme) }) else {
      throw invalid
    }
    let rest = target[target.utf8.index(after: schemeEnd)...]
    guard rest.hasPrefix("//") else { throw invalid }
    let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
    guard !authority.isEmpty, HTTPSyntax.isHost(authority) else { throw invalid }
    host = String(authority)
    let tail = rest[authority.endIndex...]
    // RFC 9112 §3.2.4: OPTIONS of an address without path and query asks about the whole server.
    if method == "OPTIONS", tail.isEmpty { path = "*" } else { takePath(tail) }
  }

  private mutating func takePath(_ text: Substring) {
    let mark = text.utf8.firstIndex(of: UInt8(ascii: "?"))
    path = String(text[..<(mark ?? text.endIndex)])
    if path.isEmpty { path = "/" }
    query = mark.map { String(text[text.utf8.index(after: $0)...]) }
  }
}

/// HTTP-version of RFC 9112 §2.3.
enum HTTPVersion {
  static func minor(of bytes: Slice<UnsafeRawBufferPointer>) throws(HTTPViolation) -> Int {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), bytes[6] == UInt8(ascii: "."),
      HTTPSyntax.isDigit(bytes[5]), HTTPSyntax.isDigit(bytes[7])
    else { throw HTTPViolation(400, "the version is not of the form HTTP/1.1") }
    guard bytes[5] == UInt8(ascii: "1") else { throw HTTPViolation(505, "only HTTP/1 is spoken here") }
    return Int(bytes[7] - UInt8(ascii: "0"))
  }
}
