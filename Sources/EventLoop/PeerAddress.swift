// The other end of a connection, as accepting it tells: numbers, which are written as text only when somebody asks.
import Glibc

package enum PeerAddress: Equatable, Sendable, CustomStringConvertible {
  /// A program on this machine.
  case unix
  case internet4(UInt32)
  case internet6(upper: UInt64, lower: UInt64)

  init(_ storage: sockaddr_storage) {
    self = withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        .internet4(UInt32(bigEndian: bytes.load(as: sockaddr_in.self).sin_addr.s_addr))
      case AF_INET6:
        withUnsafeBytes(of: bytes.load(as: sockaddr_in6.self).sin6_addr) { address in
          .internet6(
            upper: UInt64(bigEndian: address.loadUnaligned(as: UInt64.self)),
            lower: UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
      default:
        .unix
      }
    }
  }

  /// What connections are counted by; nil for a Unix socket.
  package var network: PeerNetwork? {
    switch self {
    case .unix: nil
    case .internet4(let address): PeerNetwork(internet4: address)
    case .internet6(let upper, let lower): PeerNetwork(upper: upper, lower: lower)
    }
  }

  /// The numeric address, or "unix".
  package var description: String {
    switch self {
    case .unix:
      return "unix"
    case .internet4(let address):
      return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    case .internet6(let upper, let lower):
      var address = (upper.bigEndian, lower.bigEndian)
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
        guard let base = text.baseAddress, inet_ntop(AF_INET6, &address, base, socklen_t(text.count)) != nil else {
          return ""
        }
        return String(cString: base)
      }
    }
  }
}
