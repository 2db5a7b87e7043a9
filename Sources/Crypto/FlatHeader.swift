// The only JSON that this module reads: a JOSE header that is one flat object of strings without escapes. Whatever else
// a header may hold (crit lists, embedded keys, numbers) is a reason to refuse it, not to understand it.

enum FlatHeader {
  /// The members, or nil when the bytes are anything else, name a member twice or hold `crit` (RFC 7515 §4.1.11).
  static func parse(_ bytes: [UInt8]) -> [String: String]? {
    var reader = Reader(rest: bytes[...])
    var members: [String: String] = [:]
    guard reader.take(UInt8(ascii: "{")) else { return nil }
    repeat {
      guard let name = reader.takeString(), reader.take(UInt8(ascii: ":")), let value = reader.takeString(),
        name != "crit", members.updateValue(value, forKey: name) == nil
      else { return nil }
    } while reader.take(UInt8(ascii: ","))
    guard reader.take(UInt8(ascii: "}")), reader.rest.isEmpty else { return nil }
    return members
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    /// Takes the byte and the white space around it, if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
      skipSpace()
      guard rest.first == byte else { return false }
      rest.removeFirst()
      skipSpace()
      return true
    }

    mutating func takeString() -> String? {
      let quote = UInt8(ascii: "\"")
      guard rest.first == quote, let end = rest.dropFirst().firstIndex(of: quote) else { return nil }
      let content = rest[(rest.startIndex + 1)..<end]
      rest = rest[(end + 1)...]
      guard content.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != UInt8(ascii: "\\") }) else { return nil }
      return String(decoding: content, as: UTF8.self)
    }

    private mutating func skipSpace() {
      while let byte = rest.first, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { rest.removeFirst() }
    }
  }
}
