// Bytes → JSON, strict (RFC 8259): UTF-8 only, no duplicate names, no lone surrogates, no byte-order mark, at most 64
// levels deep, nothing after the value. The caller limits the length, which limits everything else.

/// Where and why a text is not JSON that is accepted here.
package struct JSONError: Error, Equatable, Sendable {
  /// The byte at which it was seen, from 0.
  package let offset: Int
  package let reason: String
}

extension JSON {
  /// Arrays and objects inside one another.
  package static let maximumDepth = 64

  package static func parse(_ bytes: RawSpan) throws(JSONError) -> JSON {
    try bytes.withUnsafeBytes { (bytes) throws(JSONError) -> JSON in
      var parser = JSONParser(bytes)
      return try parser.document()
    }
  }

  package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
    try parse(bytes.span.bytes)
  }
}

/// Holds a pointer and so lives only within the closure that lends the bytes.
struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  private var depth = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func document() throws(JSONError) -> JSON {
    skipWhitespace()
    let value = try value()
    skipWhitespace()
    guard offset == bytes.count else { throw error("there is something after the value") }
    return value
  }

  /// Whether the text is one number and nothing else.
  mutating func isNumberAlone() -> Bool {
    (try? number()) != nil && offset == bytes.count
  }

  // MARK: Values

  private mutating func value() throws(JSONError) -> JSON {
    switch peek() {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["): return .array(try array())
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case 0 where offset >= bytes.count: throw error("the text ends where a value should begin")
    default: throw error("no value begins so")
    }
  }

  private mutating func object() throws(JSONError) -> JSONObject {
    try enter()
    var members: [JSONMember] = []
    // A set costs more than a scan for the few members that objects have.
    var names: Set<String> = []
    if skip(UInt8(ascii: "}")) {
      depth -= 1
      return JSONObject()
    }
    while true {
      guard peek() == UInt8(ascii: "\"") else { throw error("a member's name must be a string") }
      let start = offset
      let name = try string()
      if members.count == 16 { names = Set(members.map(\.name)) }
      let isRepeated = members.count < 16 ? members.contains { $0.name == name } : !names.insert(name).inserted
      if isRepeated { throw JSONError(offset: start, reason: "a member's name is repeated") }
      skipWhitespace()
      guard skip(UInt8(ascii: ":")) else { throw error("a colon must follow a member's name") }
      members.append(JSONMember(name, try value()))
      skipWhitespace()
      if skip(UInt8(ascii: ",")) { continue }
      guard skip(UInt8(ascii: "}")) else { throw error("a comma or a brace must follow a member") }
      depth -= 1
      return JSONObject(members)
    }
  }

  private mutating func array() throws(JSONError) -> [JSON] {
    try enter()
    var elements: [JSON] = []
    if skip(UInt8(ascii: "]")) {
      depth -= 1
      return elements
    }
    while true {
      elements.append(try value())
      skipWhitespace()
      if skip(UInt8(ascii: ",")) { continue }
      guard skip(UInt8(ascii: "]")) else { throw error("a comma or a bracket must follow an element") }
      depth -= 1
      return elements
    }
  }

  /// Steps over the opening bracket and what space follows.
  private mutating func enter() throws(JSONError) {
    guard depth < JSON.maximumDepth else { throw error("values are nested more than \(JSON.maximumDepth) deep") }
    depth += 1
    offset += 1
    skipWhitespace()
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let count = word.utf8CodeUnitCount
    guard bytes.count - offset >= count else { throw error("no value begins so") }
    for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { throw error("no value begins so") }
    offset += count
    return value
  }

  private mutating func number() throws(JSONError) -> JSONNumber {
    let start = offset
    if peek() == UInt8(ascii: "-") { offset += 1 }
    if peek() == UInt8(ascii: "0") {
      offset += 1
      guard !HTTPSyntax.isDigit(peek()) else { throw error("a number begins with a needless zero") }
    } else {
      try digits()
    }
    if peek() == UInt8(ascii: ".") {
      offset += 1
      try digits()
    }
    if peek() | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { offset += 1 }
      try digits()
    }
    return JSONNumber(checked: String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private mutating func digits() throws(JSONError) {
    guard HTTPSyntax.isDigit(peek()) else { throw error("a digit is missing in a number") }
    while HTTPSyntax.isDigit(peek()) { offset += 1 }
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    offset += 1
    let start = offset
    try skipPlainText()
    if peek() == UInt8(ascii: "\"") {
      let text = bytes[start..<offset]
      guard let string = String(validating: text, as: UTF8.self) else {
        throw JSONError(offset: start, reason: "a string is not UTF-8")
      }
      offset += 1
      return string
    }
    return try stringWithEscapes(from: start)
  }

  /// Moves to the next quote or backslash, eight bytes at a time.
  private mutating func skipPlainText() throws(JSONError) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    while bytes.count - offset >= 8 {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let quotes = word ^ (ones &* 0x22)
      let backslashes = word ^ (ones &* 0x5C)
      // A byte's high bit ends up set where it is a quote, a backslash or a control character.
      let found =
        ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word) & highs
      if found != 0 { break }
      offset += 8
    }
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
      guard byte >= 0x20 else { throw error("a control character in a string is not escaped") }
      offset += 1
    }
    throw error("a string does not end")
  }

  private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
    var text = Array(bytes[start..<offset])
    while bytes[offset] == UInt8(ascii: "\\") {
      offset += 1
      try escape(into: &text)
      let plain = offset
      try skipPlainText()
      text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[plain..<offset]))
    }
    offset += 1
    guard let string = String(validating: text, as: UTF8.self) else {
      throw JSONError(offset: start, reason: "a string is not UTF-8")
    }
    return string
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let character = peek()
    switch character {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(character)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      offset += 1
      return try unicodeEscape(into: &text)
    default: throw error("no escape is written so")
    }
    offset += 1
  }

  /// RFC 8259 §7: four hexadecimal digits, two such escapes for a character outside the basic plane.
  private mutating func unicodeEscape(into text: inout [UInt8]) throws(JSONError) {
    let start = offset - 2
    var value = try hexadecimal()
    if value & 0xFC00 == 0xD800, peek() == UInt8(ascii: "\\"), offset + 1 < bytes.count,
      bytes[offset + 1] == UInt8(ascii: "u")
    {
      offset += 2
      let low = try hexadecimal()
      guard low & 0xFC00 == 0xDC00 else { throw JSONError(offset: start, reason: "a surrogate stands alone") }
      value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
    }
    guard let scalar = Unicode.Scalar(value), let encoded = UTF8.encode(scalar) else {
      throw JSONError(offset: start, reason: "a surrogate stands alone")
    }
    text.append(contentsOf: encoded)
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = HTTPSyntax.hexValue(peek()) else { throw error("an escape lacks four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }

  // MARK: Bytes

  /// The next byte, 0 at the end: no rule accepts a 0.
  @inline(__always)
  private func peek() -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  /// Steps over `byte` and the space behind it if it is next.
  private mutating func skip(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    offset += 1
    skipWhitespace()
    return true
  }

  @inline(__always)
  private mutating func skipWhitespace() {
    while true {
      switch peek() {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  private func error(_ reason: String) -> JSONError {
    JSONError(offset: offset, reason: reason)
  }
}
