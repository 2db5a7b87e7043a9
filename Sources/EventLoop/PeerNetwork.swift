// Where a connection comes from, as something to count by: an IPv4 address, or an IPv6 network of 64 bits, which is the
// least that one subscriber is given and so the least that tells two of them apart.
package struct PeerNetwork: Hashable, Sendable {
  /// The address's upper 64 bits; of IPv4 its 32 bits below a mark that no routed IPv6 network begins with.
  private let bits: UInt64
  package let isLoopback: Bool

  package init(internet4 address: UInt32) {
    self.init(bits: 1 << 32 | UInt64(address), isLoopback: address >> 24 == 127)
  }

  /// `bytes` are the sixteen of an IPv6 address; one that maps IPv4 (`::ffff:a.b.c.d`) counts as that.
  package init(internet6 bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    let upper = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    let lower = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    self.init(upper: upper, lower: lower)
  }

  /// The same, by the two halves of the address.
  init(upper: UInt64, lower: UInt64) {
    if upper == 0, lower >> 32 == 0xFFFF {
      self.init(internet4: UInt32(truncatingIfNeeded: lower))
    } else {
      self.init(bits: upper, isLoopback: upper == 0 && lower == 1)
    }
  }

  private init(bits: UInt64, isLoopback: Bool) {
    self.bits = bits
    self.isLoopback = isLoopback
  }
}
