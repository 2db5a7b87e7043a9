// UTF-8 validity (RFC 3629 §4) of text that arrives in pieces: fails at the first byte that cannot be continued to a
// valid text, whichever way the text is cut. Shared by the frame decoder and by whoever inflates compressed messages.

package struct UTF8Validator: Equatable, Sendable {
  /// How many continuation bytes the sequence begun last still lacks.
  private var missing: UInt8 = 0
  /// The range the next continuation byte must lie in: it alone excludes overlong forms, surrogates and > U+10FFFF.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  package init() {}

  /// Whether the text so far ends at the end of a character.
  package var isComplete: Bool { missing == 0 }

  /// Validates the next piece and says whether the text can still be valid.
  package mutating func accepts(_ bytes: RawSpan) -> Bool {
    bytes.withUnsafeBytes { accepts($0) }
  }

  package mutating func accepts(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let count = bytes.count
    var offset = 0
    while offset < count {
      if missing == 0 {
        offset = Self.endOfASCII(base, from: offset, count: count)
        offset = Self.endOfCharacters(base, from: offset, count: count)
        if offset == count { return true }
        let byte = base.load(fromByteOffset: offset, as: UInt8.self)
        // ASCII behind the last whole character, where fewer bytes are left than a step over characters takes.
        guard byte < 0x80 || begin(byte) else { return false }
      } else {
        let byte = base.load(fromByteOffset: offset, as: UInt8.self)
        guard byte >= lowest, byte <= highest else { return false }
        missing &-= 1
        lowest = 0x80
        highest = 0xBF
      }
      offset &+= 1
    }
    return true
  }

  /// Takes the first byte of a sequence that is not ASCII (the table of RFC 3629 §4).
  @inline(__always)
  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0xC2...0xDF: missing = 1
    case 0xE0: (missing, lowest) = (2, 0xA0)
    case 0xED: (missing, highest) = (2, 0x9F)
    case 0xE1...0xEF: missing = 2
    case 0xF0: (missing, lowest) = (3, 0x90)
    case 0xF1...0xF3: missing = 3
    case 0xF4: (missing, highest) = (3, 0x8F)
    default: return false
    }
    return true
  }

  /// Steps over whole characters of two and three bytes, which is what text that is not ASCII mostly consists of; stops
  /// at anything else, which the table then judges.
  @inline(__always)
  private static func endOfCharacters(_ base: UnsafeRawPointer, from start: Int, count: Int) -> Int {
    var offset = start
    while count &- offset >= 4 {
      let word = base.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
      if word & 0x80 == 0 {
        offset &+= 1
      } else if word & 0xC0E0 == 0x80C0, word & 0x1E != 0 {
        offset &+= 2
      } else if word & 0xC0C0F0 == 0x8080E0, word & 0x200F != 0, word & 0x200F != 0x200D {
        // E0 needs a second byte from A0 (no overlong forms), ED one up to 9F (no surrogates).
        offset &+= 3
      } else {
        return offset
      }
    }
    return offset
  }

  @inline(__always)
  private static func endOfASCII(_ base: UnsafeRawPointer, from start: Int, count: Int) -> Int {
    var offset = start
    while count &- offset >= 8 {
      let high = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian & 0x8080_8080_8080_8080
      if high != 0 { return offset &+ high.trailingZeroBitCount &>> 3 }
      offset &+= 8
    }
    while offset < count, base.load(fromByteOffset: offset, as: UInt8.self) < 0x80 { offset &+= 1 }
    return offset
  }
}
