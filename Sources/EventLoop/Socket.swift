// Listening and connecting sockets, TCP (IPv4, IPv6) and Unix, always non-blocking and close-on-exec.
import CLinux
import Glibc

/// Where a listener listens or a client connects: `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`.
package enum SocketAddress: Equatable, Sendable, CustomStringConvertible {
  case internet4(host: String, port: UInt16)
  case internet6(host: String, port: UInt16)
  case unix(path: String)

  /// Reads the three forms above; nil for anything else. `localhost` means 127.0.0.1.
  package init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard !path.isEmpty, path.utf8.count < 108 else { return nil }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      ("0"..."9").contains(text[text.index(after: colon)])
    else { return nil }
    var host = String(text[..<colon])
    if host == "localhost" { host = "127.0.0.1" }
    if host.hasPrefix("[") && host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      var address = in6_addr()
      guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
      self = .internet6(host: host, port: port)
    } else {
      var address = in_addr()
      guard inet_pton(AF_INET, host, &address) == 1 else { return nil }
      self = .internet4(host: host, port: port)
    }
  }

  package var description: String {
    switch self {
    case .internet4(let host, let port): "\(host):\(port)"
    case .internet6(let host, let port): "[\(host)]:\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  package var port: UInt16? {
    switch self {
    case .internet4(_, let port), .internet6(_, let port): port
    case .unix: nil
    }
  }

  package func with(port: UInt16) -> SocketAddress {
    switch self {
    case .internet4(let host, _): .internet4(host: host, port: port)
    case .internet6(let host, _): .internet6(host: host, port: port)
    case .unix: self
    }
  }

  var family: Int32 {
    switch self {
    case .internet4: AF_INET
    case .internet6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// Calls `body` with the address as the kernel wants it.
  func withNative<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch self {
    case .internet4(let host, let port):
      var native = sockaddr_in()
      native.sin_family = sa_family_t(AF_INET)
      native.sin_port = port.bigEndian
      inet_pton(AF_INET, host, &native.sin_addr)
      return rebound(&native, body)
    case .internet6(let host, let port):
      var native = sockaddr_in6()
      native.sin6_family = sa_family_t(AF_INET6)
      native.sin6_port = port.bigEndian
      inet_pton(AF_INET6, host, &native.sin6_addr)
      return rebound(&native, body)
    case .unix(let path):
      var native = sockaddr_un()
      native.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &native.sun_path) { field in
        field.copyBytes(from: path.utf8.prefix(field.count - 1))
      }
      return rebound(&native, body)
    }
  }

  private func rebound<Native, Result>(
    _ native: inout Native, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    let length = socklen_t(MemoryLayout<Native>.size)
    return withUnsafePointer(to: &native) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}

package enum Socket {
  private static let streamFlags =
    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  /// Opens a listener. `shared` lets several loops of this process listen on one TCP port (SO_REUSEPORT).
  /// A Unix socket left behind by a dead process is replaced; one that answers is not.
  package static func listen(_ address: SocketAddress, shared: Bool) throws(SystemError) -> Descriptor {
    let number = try SystemCall.check("socket") { socket(address.family, streamFlags, 0) }
    let descriptor = Descriptor(owning: number)
    if case .unix(let path) = address {
      try removeStale(path, address)
    } else {
      try setOption(number, SOL_SOCKET, SO_REUSEADDR, 1)
      if shared { try setOption(number, SOL_SOCKET, SO_REUSEPORT, 1) }
      if case .internet6 = address { try setOption(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    }
    try SystemCall.check("bind \(address)") { address.withNative { bind(number, $0, $1) } }
    try SystemCall.check("listen \(address)") { Glibc.listen(number, 4096) }
    return descriptor
  }

  private static func removeStale(_ path: String, _ address: SocketAddress) throws(SystemError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    // Somebody's file is not ours to remove: bind says what is wrong.
    guard status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = Descriptor(owning: try SystemCall.check("socket") { socket(AF_UNIX, streamFlags, 0) })
    let number = probe.number
    let answers = address.withNative { Glibc.connect(number, $0, $1) } == 0
    // Only a refusal says that nobody listens; a full queue (EAGAIN) is somebody's.
    if answers || errno != ECONNREFUSED { throw SystemError(call: "bind \(address)", code: EADDRINUSE) }
    unlink(path)
  }

  /// The next connection of a listener; nil when none waits. Throws on lack of descriptors (EMFILE, ENFILE).
  package static func accept(_ listener: Int32) throws(SystemError) -> Descriptor? {
    var peer = PeerAddress.unix
    return try accept(listener, peer: &peer)
  }

  /// The same, and tells who it is.
  package static func accept(_ listener: Int32, peer: inout PeerAddress) throws(SystemError) -> Descriptor? {
    while true {
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let number = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          accept4(listener, $0, &length, hub_accept_flags)
        }
      }
      if number >= 0 {
        peer = PeerAddress(storage)
        return Descriptor(owning: number)
      }
      switch errno {
      case EINTR, ECONNABORTED, EPROTO: continue
      case EAGAIN: return nil
      default: throw SystemError(call: "accept4")
      }
    }
  }

  /// Begins to connect; the socket is writable when that is done, and `error(of:)` tells how.
  package static func connect(_ address: SocketAddress) throws(SystemError) -> Descriptor {
    let number = try SystemCall.check("socket") { socket(address.family, streamFlags, 0) }
    let descriptor = Descriptor(owning: number)
    if address.withNative({ Glibc.connect(number, $0, $1) }) != 0, errno != EINPROGRESS, errno != EAGAIN {
      throw SystemError(call: "connect \(address)")
    }
    return descriptor
  }

  /// The pending error of a socket (SO_ERROR), 0 when there is none.
  package static func error(of descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    return code
  }

  /// Sends small messages at once (TCP_NODELAY); no effect on a Unix socket.
  package static func disableDelay(_ descriptor: Int32) {
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Ends the connection when the peer's system has acknowledged nothing for so long (TCP_USER_TIMEOUT, RFC 5482); no
  /// effect on a Unix socket.
  package static func limitSilence(_ descriptor: Int32, seconds: Int32) {
    var milliseconds = UInt32(max(1, min(seconds, 86_400))) * 1000
    setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, socklen_t(MemoryLayout<UInt32>.size))
  }

  /// Makes the closing of a socket a reset, for a peer that does not read: the kernel keeps nothing for it.
  package static func resetOnClose(_ descriptor: Int32) {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// The port that the kernel chose for a listener on port 0.
  package static func localPort(of descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
      // sin_port and sin6_port lie at the same place.
      return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
    }
  }

  private static func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32)
    throws(SystemError)
  {
    var value = value
    try SystemCall.check("setsockopt") {
      setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }
}
