// A way to a Postgres that can be cut: a TCP port on loopback behind which bytes go to the server's Unix socket, until they
// do not. What is cut stays connected and silent on both sides, as behind a firewall that drops packets.
import Foundation
import Glibc

package final class CuttableProxy: @unchecked Sendable {
  // @unchecked: `isCut` and `isStopped` are behind the lock; everything else is the thread's.
  package let port: UInt16
  private let listener: Int32
  private let target: String
  private let lock = NSLock()
  private var isCut = false
  private var isStopped = false
  private var worker: Worker?
  /// The other end of each open socket.
  private var peers: [Int32: Int32] = [:]

  /// `connectionString` names the server by the folder of its socket.
  package init(to connectionString: String) throws {
    guard let match = connectionString.firstMatch(of: /host='?([^' ]+)'?/) else {
      throw SupportError("no socket folder in \(connectionString)")
    }
    target = "\(match.1)/.s.PGSQL.5432"
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard result else { throw SupportError("the proxy cannot listen") }
    port = UInt16(bigEndian: address.sin_port)
    worker = Worker("proxy") { [self] in forward() }
  }

  /// How to connect through it.
  package func connectionString(for direct: String) -> String {
    direct.replacing(/host='?[^' ]+'?/, with: "host=127.0.0.1").replacing(/port=\d+/, with: "port=\(port)")
  }

  package func cut() { lock.withLock { isCut = true } }

  package func heal() { lock.withLock { isCut = false } }

  package func stop() throws {
    lock.withLock { isStopped = true }
    try worker?.wait(within: 10)
  }

  private func forward() {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while !lock.withLock({ isStopped }) {
      if lock.withLock({ isCut }) {
        poll(nil, 0, 5)
        continue
      }
      var waiting = ([listener] + peers.keys).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&waiting, nfds_t(waiting.count), 20) > 0 else { continue }
      for ready in waiting where ready.revents != 0 {
        if ready.fd == listener {
          accept()
        } else if let peer = peers[ready.fd] {
          let count = recv(ready.fd, &buffer, buffer.count, 0)
          if count <= 0 || !send(buffer[..<count], to: peer) { end(ready.fd) }
        }
      }
    }
    for one in Array(peers.keys) { end(one) }
    close(listener)
  }

  private func accept() {
    let client = Glibc.accept(listener, nil, nil)
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: target.utf8.prefix($0.count - 1)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard client >= 0, result == 0 else {
      close(client)
      close(server)
      return
    }
    (peers[client], peers[server]) = (server, client)
  }

  private func send(_ bytes: ArraySlice<UInt8>, to peer: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private func end(_ one: Int32) {
    guard let other = peers.removeValue(forKey: one) else { return }
    peers[other] = nil
    close(one)
    close(other)
  }
}
