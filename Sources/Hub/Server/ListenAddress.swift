// Where a hub listens and what it speaks there: `127.0.0.1:8080`, `tls:0.0.0.0:8443`, `plain:127.0.0.1:8080`, and the
// same with `[::1]:8080` and `unix:/path`. Without a word in front, a port speaks TLS when there are certificates, and a
// Unix socket is in clear: who may open it is on this machine.
package import EventLoop

package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  package var address: SocketAddress
  package var isTLS: Bool

  package init(_ address: SocketAddress, isTLS: Bool) {
    self.address = address
    self.isTLS = isTLS
  }

  /// Reads one of the forms above; nil for anything else.
  package init?(_ text: String, hasCertificates: Bool) {
    let (rest, word): (Substring, Bool?) =
      if text.hasPrefix("tls:") {
        (text.dropFirst(4), true)
      } else if text.hasPrefix("plain:") {
        (text.dropFirst(6), false)
      } else {
        (text[...], nil)
      }
    guard let address = SocketAddress(String(rest)) else { return nil }
    self.init(address, isTLS: word ?? (hasCertificates && address.port != nil))
  }

  package var description: String { isTLS ? "tls:\(address)" : address.description }
}
