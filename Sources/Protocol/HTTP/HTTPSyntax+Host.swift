// What names a host: uri-host [ ":" port ] of RFC 9110 §7.2, that is RFC 3986 §3.2.2 without user information. A value
// that two readers could take for two hosts is refused, so addresses are read, not only their characters looked at.

extension HTTPSyntax {
  /// A registered name or an IPv4 address, an IPv6 address in brackets, each with or without a port; also nothing at all.
  /// Addresses of a future version (`[v1.x]`) are refused: none exists.
  package static func isHost(_ text: some StringProtocol) -> Bool {
    var bytes = Array(text.utf8)[...]
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), isIPv6(bytes[1..<end]) else { return false }
      bytes = bytes[(end + 1)...]
    } else {
      let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      guard isRegisteredName(bytes[..<end]) else { return false }
      guard end > bytes.startIndex || bytes.isEmpty else { return false }
      bytes = bytes[end...]
    }
    return bytes.isEmpty || isPort(bytes)
  }

  /// ":" and a number of 16 bits, or ":" alone, which RFC 3986 §3.2.3 allows.
  private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.first == UInt8(ascii: ":"), bytes.count <= 6, bytes.dropFirst().allSatisfy(isDigit) else {
      return false
    }
    return bytes.dropFirst().reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 65535
  }

  /// reg-name: unreserved, pct-encoded and sub-delims.
  private static func isRegisteredName(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
      case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst(), let low = rest.popFirst(), isHexDigit(high), isHexDigit(low) else {
          return false
        }
      default:
        guard "-._~!$&'()*+,;=".utf8.contains(byte) else { return false }
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
