// Lines and field lines of a complete head (RFC 9112 §2.2, §5), read strictly: every leniency the RFC permits here
// (bare LF, obs-fold, space before the colon) has been a way to smuggle a request past somebody.

struct HTTPLineReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// The next line without its CRLF.
  mutating func line() throws(HTTPViolation) -> UnsafeRawBufferPointer {
    let start = offset
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == 0x0A { throw HTTPViolation(400, "a line ends without a carriage return") }
      if byte == 0x0D {
        guard offset < bytes.count, bytes[offset] == 0x0A else {
          throw HTTPViolation(400, "a carriage return stands without a line feed")
        }
        offset += 1
        return UnsafeRawBufferPointer(rebasing: bytes[start..<offset - 2])
      }
    }
    throw HTTPViolation(400, "a line is incomplete")
  }

  /// The field lines up to the empty line.
  mutating func fields(limit: Int) throws(HTTPViolation) -> HTTPFields {
    var fields: [HTTPField] = []
    while true {
      let line = try line()
      if line.isEmpty { return HTTPFields(fields) }
      guard fields.count < limit else { throw HTTPViolation(431, "there are more than \(limit) header fields") }
      fields.append(try Self.field(line))
    }
  }

  private static func field(_ line: UnsafeRawBufferPointer) throws(HTTPViolation) -> HTTPField {
    // RFC 9112 §5.2: a server must refuse line folding or replace it.
    if HTTPSyntax.isWhitespace(line[0]) { throw HTTPViolation(400, "a header line begins with a space") }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw HTTPViolation(400, "a header line has no colon")
    }
    // RFC 9112 §5.1: no space between the name and the colon; a space is no token byte.
    guard HTTPSyntax.isToken(line[..<colon]) else { throw HTTPViolation(400, "a header field's name is not a token") }
    var start = colon + 1
    var end = line.count
    while start < end, HTTPSyntax.isWhitespace(line[start]) { start += 1 }
    while end > start, HTTPSyntax.isWhitespace(line[end - 1]) { end -= 1 }
    guard line[start..<end].allSatisfy(HTTPSyntax.isFieldValueByte) else {
      throw HTTPViolation(400, "a header field's value has a control character")
    }
    return HTTPField(String(decoding: line[..<colon], as: UTF8.self), HTTPSyntax.text(line[start..<end]))
  }
}
