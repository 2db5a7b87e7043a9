// The 128-bit id of every row that a client sees: a UUID (RFC 9562) as a plain value. It is not called UUID, so that a
// file which also imports Foundation has one meaning for each name. It makes no randomness and reads no clock: whoever
// makes an id gives both. Text is accepted in either case and always printed in lower case (RFC 9562 §4).

/// A UUID as two big-endian halves; ordered as its bytes are, so version 7 ids sort by their time.
package struct Identifier: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Parses the 36-character form `8-4-4-4-12`; no braces, no missing dashes, no `urn:` prefix, no white space.
  package init?(_ text: String) {
    self.init(utf8: text.utf8Span.span)
  }

  package init?(_ text: Substring) {
    self.init(utf8: text.utf8Span.span)
  }

  /// Parses the same form from UTF-8 bytes, such as a database column.
  package init?(utf8 bytes: borrowing Span<UInt8>) {
    guard bytes.count == 36 else { return nil }
    var halves: (high: UInt64, low: UInt64) = (0, 0)
    for position in bytes.indices {
      let byte = bytes[position]
      switch position {
      case 8, 13, 18, 23:
        guard byte == UInt8(ascii: "-") else { return nil }
      case 0..<18:
        guard let digit = hexadecimalDigit(byte) else { return nil }
        halves.high = halves.high << 4 | digit
      default:
        guard let digit = hexadecimalDigit(byte) else { return nil }
        halves.low = halves.low << 4 | digit
      }
    }
    self.init(high: halves.high, low: halves.low)
  }

  /// Reads 16 bytes in network order; nil for any other count.
  package init?(bytes: some Sequence<UInt8>) {
    var halves: (high: UInt64, low: UInt64) = (0, 0)
    var position = 0
    for byte in bytes {
      switch position {
      case 0..<8: halves.high = halves.high << 8 | UInt64(byte)
      case 8..<16: halves.low = halves.low << 8 | UInt64(byte)
      default: return nil
      }
      position += 1
    }
    guard position == 16 else { return nil }
    self.init(high: halves.high, low: halves.low)
  }

  /// A version 7 id (RFC 9562 §5.7): 48 bits of Unix time in milliseconds, then 74 of the random bits given.
  package static func version7(milliseconds: UInt64, random: (UInt64, UInt64)) -> Identifier {
    let variant: UInt64 = 0b10 << 62
    return Identifier(
      high: milliseconds << 16 | 0x7000 | random.0 & 0x0FFF,
      low: random.1 & ~(0b11 << 62) | variant)
  }

  /// The version digit: 7 for the ids that the hub makes.
  package var version: Int { Int(high >> 12 & 0xF) }

  /// The 16 bytes in network order.
  package var bytes: [UInt8] {
    (0..<16).map { index in UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(56 - index % 8 * 8)) }
  }

  package var description: String {
    let text = text
    return text.span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  /// Appends what `description` says.
  package func append(to output: inout [UInt8]) {
    text.span.withUnsafeBufferPointer { output.append(contentsOf: $0) }
  }

  private var text: InlineArray<36, UInt8> {
    var text = InlineArray<36, UInt8>(repeating: UInt8(ascii: "-"))
    // Which digits stand between which dashes: 8-4-4-4-12.
    write(digits: 0..<8, at: 0, to: &text)
    write(digits: 8..<12, at: 9, to: &text)
    write(digits: 12..<16, at: 14, to: &text)
    write(digits: 16..<20, at: 19, to: &text)
    write(digits: 20..<32, at: 24, to: &text)
    return text
  }

  @inline(__always)
  private func write(digits: Range<Int>, at start: Int, to text: inout InlineArray<36, UInt8>) {
    for digit in digits {
      let half = digit < 16 ? high : low
      let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4) & 0xF)
      // "a" lies 39 behind the character that follows "9".
      text[start + digit - digits.lowerBound] = value + UInt8(ascii: "0") + (value > 9 ? 39 : 0)
    }
  }

  package static func < (left: Identifier, right: Identifier) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
  default: nil
  }
}
