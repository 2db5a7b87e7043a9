// Where a hub is: `http://host:port`, with the host's name looked up once, when the check begins.
import EventLoop
import Glibc

/// Why a check could not be made or not go on; not a fault that it found.
package struct CheckError: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

package struct HubAddress: Sendable {
  /// As it is written in the `Host` field.
  let host: String
  let socket: SocketAddress

  package init(_ url: String) throws {
    if url.hasPrefix("https://") {
      throw CheckError(
        "\(url): hub check speaks plain HTTP only; give it an address behind the TLS, such as a listener "
          + "on loopback")
    }
    guard url.hasPrefix("http://") else { throw CheckError("\(url) is not http://HOST:PORT") }
    var rest = url.dropFirst(7)
    while rest.hasSuffix("/") { rest.removeLast() }
    host = String(rest)
    if let address = SocketAddress(host) {
      socket = address
      return
    }
    let parts = host.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let name = parts.first, !name.isEmpty,
      let port = parts.count == 2 ? UInt16(parts[1]) : 80, let address = Self.look(up: String(name), port: port)
    else { throw CheckError("\(url): there is no such address") }
    socket = address
  }

  private static func look(up name: String, port: UInt16) -> SocketAddress? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &found) == 0, let found else { return nil }
    defer { freeaddrinfo(found) }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = getnameinfo(
      found.pointee.ai_addr, found.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    guard code == 0 else { return nil }
    let number = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return SocketAddress("\(number):\(port)")
  }
}
