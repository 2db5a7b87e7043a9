// What names a host: uri-host [ ":" port ] of RFC 9110 §7.2, that is RFC 3986 §3.2.2 without user information. A value
// that two readers could take for two hosts is refused, so addresses are read, not only their characters looked at.

extension HTTPSyntax {
  /// A registered name or an IPv4 address, an IPv6 address in brackets, each with or without a port; also nothing at all.
  /// Addresses of a future version (`[v1.x]`) are refused: none exists.
  package static func isHost(_ text: String) -> Bool { isHost(text.utf8Span.span) }

  static func isHost(_ bytes: Span<UInt8>) -> Bool {
    if bytes.isEmpty { return true }
    var end = 0
    if bytes[0] == UInt8(ascii: "[") {
      while end < bytes.count, bytes[end] != UInt8(ascii: "]") { end += 1 }
      guard end < bytes.count, isIPv6(bytes.extracting(1..<end).withUnsafeBufferPointer { Array($0)[...] }) else {
        return false
      }
      end += 1
    } else {
      while end < bytes.count, bytes[end] != UInt8(ascii: ":") { end += 1 }
      guard end > 0, isRegisteredName(bytes.extracting(..<end)) else { return false }
    }
    return end == bytes.count || isPort(bytes.extracting(end...))
  }

  /// ":" and a number of 16 bits, or ":" alone, which RFC 3986 §3.2.3 allows.
  private static func isPort(_ bytes: Span<UInt8>) -> Bool {
    guard bytes[0] == UInt8(ascii: ":"), bytes.count <= 6 else { return false }
    var port = 0
    for offset in 1..<bytes.count {
      guard isDigit(bytes[offset]) else { return false }
      port = port * 10 + Int(bytes[offset] - UInt8(ascii: "0"))
    }
    return port <= 65535
  }

  /// Letters, digits and "-._~!$&'()*+,;=": unreserved and sub-delims of RFC 3986 §2, as a bit a byte.
  private static let nameLow: UInt64 = 0x2BFF_7FD2_0000_0000
  private static let nameHigh: UInt64 = 0x47FF_FFFE_87FF_FFFE

  private static func isNameByte(_ byte: UInt8) -> Bool {
    if byte < 64 { return nameLow >> UInt64(byte) & 1 == 1 }
    return byte < 128 && nameHigh >> UInt64(byte - 64) & 1 == 1
  }

  /// reg-name: unreserved, pct-encoded and sub-delims.
  private static func isRegisteredName(_ bytes: Span<UInt8>) -> Bool {
    var offset = 0
    while offset < bytes.count {
      if bytes[offset] == UInt8(ascii: "%") {
        guard offset + 2 < bytes.count, isHexDigit(bytes[offset + 1]), isHexDigit(bytes[offset + 2]) else {
          return false
        }
        offset += 3
      } else {
        guard isNameByte(bytes[offset]) else { return false }
        offset += 1
      }
    }
    return true
  }

  /// IPv6address: eight groups of one to four digits, "::" once for one or more of them, the last two also as IPv4.
  private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
    let groups = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard groups.count >= 3 else { return false }
    var count = 0
    var gaps = 0
    for (index, group) in groups.enumerated() {
      if group.isEmpty {
        // The halves of a "::" at an end are two empty groups; the outer one is no gap of its own.
        let isOuter = index == 0 || index == groups.count - 1
        if isOuter {
          guard groups[index == 0 ? 1 : index - 1].isEmpty else { return false }
        } else {
          gaps += 1
        }
      } else if index == groups.count - 1, group.contains(UInt8(ascii: ".")) {
        guard isIPv4(group) else { return false }
        count += 2
      } else {
        guard group.count <= 4, group.allSatisfy(isHexDigit) else { return false }
        count += 1
      }
    }
    return gaps == 0 ? count == 8 : gaps == 1 && count <= 7
  }

  private static func isIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        (1...3).contains(part.count) && part.allSatisfy(isDigit)
          && part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
      }
  }
}
