// W3C Trace Context, level 1: the `traceparent` header (§3.2). Parsed strictly; a header that is not valid counts as
// absent, as the standard says. `tracestate` is not read. Randomness for new ids is the caller's.

/// Which trace a request belongs to, and which span of it called us.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
  /// 128 bits, never zero.
  package let traceHigh: UInt64
  package let traceLow: UInt64
  /// 64 bits, never zero.
  package let spanID: UInt64
  package let isSampled: Bool

  /// Nil when either id would be zero, which the standard keeps for "invalid".
  package init?(traceHigh: UInt64, traceLow: UInt64, spanID: UInt64, isSampled: Bool) {
    guard traceHigh | traceLow != 0, spanID != 0 else { return nil }
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.spanID = spanID
    self.isSampled = isSampled
  }

  /// Parses `00-{32 hex}-{16 hex}-{2 hex}` in lower case. A later version may have more after another dash (§4.3).
  package init?(traceparent: some StringProtocol) {
    let bytes = Array(traceparent.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
      let version = hexadecimal(bytes[0..<2]), version != 0xFF,
      bytes.count == 55 || (version > 0 && bytes[55] == dash),
      let high = hexadecimal(bytes[3..<19]), let low = hexadecimal(bytes[19..<35]),
      let span = hexadecimal(bytes[36..<52]), let flags = hexadecimal(bytes[53..<55])
    else { return nil }
    self.init(traceHigh: high, traceLow: low, spanID: span, isSampled: flags & 1 == 1)
  }

  /// The same trace seen from a new span of ours; nil for a span id of zero.
  package func child(spanID: UInt64) -> TraceContext? {
    TraceContext(traceHigh: traceHigh, traceLow: traceLow, spanID: spanID, isSampled: isSampled)
  }

  /// The 32 digits that tools search by.
  package var traceID: String { digits(traceHigh) + digits(traceLow) }

  /// The header's value, always version 00.
  package var description: String { "00-\(traceID)-\(digits(spanID))-\(isSampled ? "01" : "00")" }
}

private func digits(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> UInt64? {
  var number: UInt64 = 0
  for byte in bytes {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
    default: return nil
    }
  }
  return number
}
