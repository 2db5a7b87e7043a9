// A blocking socket with a time limit on every wait, and HTTP on it by hand: the tests' own client, written without the
// production codec so that a fault in that cannot hide itself.
package import Foundation
import Glibc

package final class RawSocket {
  package let descriptor: Int32
  /// What was received and not yet taken.
  package var received: [UInt8] = []
  package var patience: TimeInterval
  /// Set while the connection is under TLS.
  package private(set) var tls: TLSClient?

  /// With `receiveBuffer` its system takes no more than about so many bytes that nobody reads.
  package init(port: UInt16, tls wish: TLSWish? = nil, patience: TimeInterval = 20, receiveBuffer: Int32? = nil) throws
  {
    self.patience = patience * Patience.factor
    // A child started meanwhile must not keep the connection open.
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if var bytes = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SupportError("cannot connect to port \(port): \(String(cString: strerror(errno)))") }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    if let wish { try secure(wish) }
  }

  /// Connects to a Unix socket.
  package init(path: String, patience: TimeInterval = 20) throws {
    self.patience = patience * Patience.factor
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SupportError("cannot connect to \(path): \(String(cString: strerror(errno)))") }
  }

  deinit {
    tls = nil
    close(descriptor)
  }

  /// Ends the connection without a word, as a pulled cable does (RST).
  package func cut() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  package func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    if let tls {
      while !rest.isEmpty { rest = rest.dropFirst(try waitFor(patience) { tls.send(rest) } ?? rest.count) }
      return
    }
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw SupportError("the peer is gone: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  package func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Waits for more bytes; false at the end of the stream. Throws when nothing comes in time.
  package func receiveMore(within seconds: TimeInterval? = nil) throws -> Bool {
    if let tls {
      var chunk = [UInt8](repeating: 0, count: 64 * 1024)
      guard let count = try waitFor(seconds ?? patience, { tls.receive(into: &chunk) }) else { return false }
      received.append(contentsOf: chunk[..<count])
      return true
    }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&waiting, 1, Int32((seconds ?? patience) * 1000))
    guard ready > 0 else { throw SupportError("nothing came within \(seconds ?? patience) s") }
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else { return false }
    received.append(contentsOf: chunk[..<count])
    return true
  }

  /// Everything until the peer ends the stream.
  package func receiveAll() throws -> [UInt8] {
    while try receiveMore() {}
    defer { received = [] }
    return received
  }

  package func take(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard try receiveMore() else { throw SupportError("the stream ended") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// Everything up to and with `mark`.
  package func take(through mark: String) throws -> String {
    let mark = Array(mark.utf8)
    while true {
      if received.count >= mark.count {
        for index in 0...(received.count - mark.count) where received[index..<index + mark.count].elementsEqual(mark) {
          return String(decoding: try take(index + mark.count), as: UTF8.self)
        }
      }
      guard try receiveMore() else { throw SupportError("the stream ended") }
    }
  }
}

extension RawSocket {
  /// Goes on under TLS; throws with the reason when the handshake fails.
  package func secure(_ wish: TLSWish) throws {
    let client = try TLSClient(wish, on: descriptor)
    _ = try waitFor(patience) { client.handshake() }
    tls = client
  }

  /// Takes steps until one is done, waiting in between; nil at the end of the stream.
  private func waitFor(_ seconds: TimeInterval, _ step: () -> TLSClient.Step) throws -> Int? {
    let end = Date(timeIntervalSinceNow: seconds)
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      switch step() {
      case .done(let count): return count
      case .ended: return nil
      case .failed(let reason): throw SupportError(reason)
      case .wantsToRead: break
      case .wantsToWrite: waiting.events = Int16(POLLOUT)
      }
      let left = Int32(max(0, end.timeIntervalSinceNow) * 1000)
      guard poll(&waiting, 1, left) > 0 else { throw SupportError("nothing came within \(seconds) s") }
    }
  }
}

/// An HTTP answer as it was read.
package struct RawAnswer {
  package let status: Int
  package let head: String
  package let body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as JSON of Foundation's reading.
  package var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:] }

  package func header(_ name: String) -> String? {
    for line in head.split(separator: "\r\n").dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == name.lowercased() {
        return parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    return nil
  }
}

extension RawSocket {
  /// Reads one answer with Content-Length.
  package func answer(toHead: Bool = false) throws -> RawAnswer {
    let head = try take(through: "\r\n\r\n")
    let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
    if status == 100 { return RawAnswer(status: status, head: head, body: []) }
    let empty = RawAnswer(status: status, head: head, body: [])
    let length = empty.header("Content-Length").flatMap { Int($0) } ?? 0
    return RawAnswer(status: status, head: head, body: toHead || length == 0 ? [] : try take(length))
  }

  /// One request with a JSON body, on this connection.
  package func request(
    _ method: String, _ path: String, token: String? = nil, body: String? = nil, headers: [String: String] = [:]
  ) throws -> RawAnswer {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    if let token { text += "Authorization: Bearer \(token)\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    try send(text + "\r\n" + (body ?? ""))
    return try answer(toHead: method == "HEAD")
  }
}

extension HubUnderTest {
  /// One request on a connection of its own.
  package func request(
    _ method: String, _ path: String, token: String? = nil, body: String? = nil, headers: [String: String] = [:]
  ) throws -> RawAnswer {
    try RawSocket(port: port).request(method, path, token: token, body: body, headers: headers)
  }
}
