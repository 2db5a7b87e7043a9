// Lines and field lines of a complete head (RFC 9112 §2.2, §5), read strictly: every leniency the RFC permits here
// (bare LF, obs-fold, space before the colon) has been a way to smuggle a request past somebody. A line is told as the
// range of the head's bytes in which it lies.

struct HTTPLineReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The next line without its CRLF.
  mutating func line() throws(HTTPViolation) -> Range<Int> {
    let start = offset
    let end = try Self.lineEnd(in: bytes.span, from: start)
    offset = end + 2
    return start..<end
  }

  private static func lineEnd(in bytes: Span<UInt8>, from start: Int) throws(HTTPViolation) -> Int {
    var end = start
    // One comparison for most bytes.
    while end < bytes.count, bytes[end] > 0x0D || bytes[end] != 0x0D && bytes[end] != 0x0A { end += 1 }
    guard end < bytes.count else { throw HTTPViolation(400, "a line is incomplete") }
    guard bytes[end] == 0x0D else { throw HTTPViolation(400, "a line ends without a carriage return") }
    guard end + 1 < bytes.count, bytes[end + 1] == 0x0A else {
      throw HTTPViolation(400, "a carriage return stands without a line feed")
    }
    return end
  }

  /// The field lines up to the empty line.
  mutating func fields(limit: Int) throws(HTTPViolation) -> HTTPFields {
    var places: [HTTPFields.Place] = []
    // More than most requests have, so that the list is made in one piece.
    places.reserveCapacity(min(limit, 16))
    while true {
      let line = try line()
      if line.isEmpty { return HTTPFields(head: bytes, places: places) }
      guard places.count < limit else { throw HTTPViolation(431, "there are more than \(limit) header fields") }
      places.append(try place(in: line))
    }
  }

  private func place(in line: Range<Int>) throws(HTTPViolation) -> HTTPFields.Place {
    // RFC 9112 §5.2: a server must refuse line folding or replace it.
    if HTTPSyntax.isWhitespace(bytes[line.lowerBound]) {
      throw HTTPViolation(400, "a header line begins with a space")
    }
    var colon = line.lowerBound
    while colon < line.upperBound, HTTPSyntax.isTokenByte(bytes[colon]) { colon += 1 }
    // RFC 9112 §5.1: no space between the name and the colon; a space is no token byte.
    guard colon < line.upperBound, colon > line.lowerBound, bytes[colon] == UInt8(ascii: ":") else {
      throw bytes[line].contains(UInt8(ascii: ":"))
        ? HTTPViolation(400, "a header field's name is not a token") : HTTPViolation(400, "a header line has no colon")
    }
    let value = HTTPSyntax.trimmed(colon + 1..<line.upperBound, of: bytes.span)
    for offset in value where !HTTPSyntax.isFieldValueByte(bytes[offset]) {
      throw HTTPViolation(400, "a header field's value has a control character")
    }
    return HTTPFields.Place(name: line.lowerBound..<colon, value: value)
  }
}
