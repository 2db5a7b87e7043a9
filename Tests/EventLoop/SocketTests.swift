// Addresses, listeners and connections: TCP over IPv4 and IPv6, Unix sockets and what is left of them.
import EventLoop
import Foundation
import Testing

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1:8080", SocketAddress.internet4(host: "127.0.0.1", port: 8080)),
    ("0.0.0.0:0", .internet4(host: "0.0.0.0", port: 0)), ("10.1.2.3:65535", .internet4(host: "10.1.2.3", port: 65535)),
    ("[::1]:8080", .internet6(host: "::1", port: 8080)), ("[::]:80", .internet6(host: "::", port: 80)),
    ("[2001:db8::7]:443", .internet6(host: "2001:db8::7", port: 443)),
    ("unix:/run/hub.sock", .unix(path: "/run/hub.sock")),
    ("unix:hub.sock", .unix(path: "hub.sock")), ("unix:/with:colon", .unix(path: "/with:colon")),
  ])
  func anAddressIsReadAndWrittenBack(_ text: String, _ address: SocketAddress) {
    #expect(SocketAddress(text) == address)
    #expect(address.description == text)
  }

  @Test func localhostMeansTheIPv4Loopback() {
    #expect(SocketAddress("localhost:80") == .internet4(host: "127.0.0.1", port: 80))
  }

  @Test(arguments: [
    "", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:-0",
    "127.0.0.1:+80",
    "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:8o", "127.0.0.1:0x50", "127.0.0.256:80", "127.1:80", "1.2.3:80",
    "::1:80",
    "[::1]", "[::1]:", "[::1:80", "::1]:80", "[127.0.0.1]:80", "[]:80", "[::g]:80", "[fe80::1%lo]:80",
    "example.test:80",
    "unix:", "http://127.0.0.1:80", "127.0.0.1:80/",
  ])
  func whatIsNoAddressIsRefused(_ text: String) {
    #expect(SocketAddress(text) == nil)
  }

  @Test func aUnixPathHasToFitTheKernelsField() {
    #expect(SocketAddress("unix:/" + String(repeating: "x", count: 106)) != nil)
    #expect(SocketAddress("unix:/" + String(repeating: "x", count: 107)) == nil)
  }

  @Test func onlyInternetAddressesHaveAPort() {
    #expect(SocketAddress("[::1]:5")?.port == 5)
    #expect(SocketAddress("unix:/x")?.port == nil)
    #expect(SocketAddress("127.0.0.1:0")?.with(port: 99) == .internet4(host: "127.0.0.1", port: 99))
    #expect(SocketAddress("[::1]:0")?.with(port: 99) == .internet6(host: "::1", port: 99))
    #expect(SocketAddress("unix:/x")?.with(port: 99) == .unix(path: "/x"))
  }
}

/// A path for a Unix socket that no other test uses.
private func freshPath() -> String {
  let path = "/tmp/hub-socket-\(UUID().uuidString.prefix(8)).sock"
  unlink(path)
  return path
}

private func wait(_ descriptor: Int32, _ events: Int32) {
  var item = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  #expect(poll(&item, 1, 10_000) == 1)
}

private func receive(_ descriptor: Int32) -> Transfer {
  wait(descriptor, POLLIN)
  var buffer = [UInt8](repeating: 0, count: 100)
  return buffer.withUnsafeMutableBytes { SystemCall.receive(descriptor, into: $0) }
}

private let hasIPv6 = (try? Socket.listen(.internet6(host: "::1", port: 0), shared: false)) != nil

@Suite struct SocketTests {
  /// Whoever listens is connected to, both sides speak, and the end is seen.
  private func converse(at wanted: SocketAddress, peer: String) throws {
    let listener = try Socket.listen(wanted, shared: false)
    #expect(try Socket.accept(listener.number) == nil)
    let address = wanted.with(port: Socket.localPort(of: listener.number))
    let client = try Socket.connect(address)
    wait(client.number, POLLOUT)
    #expect(Socket.error(of: client.number) == 0)
    wait(listener.number, POLLIN)
    var found = PeerAddress.unix
    let accepted = try #require(try Socket.accept(listener.number, peer: &found)?.release())
    let server = Descriptor(owning: accepted)
    #expect(found.description == peer)
    Socket.disableDelay(server.number)
    Socket.limitSilence(server.number, seconds: 60)
    if peer != "unix" {
      var milliseconds: UInt32 = 0
      var length = socklen_t(MemoryLayout<UInt32>.size)
      getsockopt(server.number, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, &length)
      #expect(milliseconds == 60_000)
    }
    #expect(fcntl(server.number, F_GETFL) & O_NONBLOCK != 0 && fcntl(server.number, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(client.number, F_GETFL) & O_NONBLOCK != 0 && fcntl(client.number, F_GETFD) & FD_CLOEXEC != 0)

    var buffer = [UInt8](repeating: 0, count: 100)
    #expect(buffer.withUnsafeMutableBytes { SystemCall.receive(server.number, into: $0) } == .wouldBlock)
    #expect(Array("question".utf8).withUnsafeBytes { SystemCall.send(client.number, $0) } == .moved(8))
    #expect(receive(server.number) == .moved(8))
    #expect(Array("answer".utf8).withUnsafeBytes { SystemCall.send(server.number, $0) } == .moved(6))
    #expect(receive(client.number) == .moved(6))
    shutdown(client.number, Int32(SHUT_WR))
    #expect(receive(server.number) == .ended)
  }

  @Test func peersSpeakOverIPv4() throws {
    try converse(at: .internet4(host: "127.0.0.1", port: 0), peer: "127.0.0.1")
  }

  @Test(.enabled(if: hasIPv6, "this machine has no IPv6 loopback"))
  func peersSpeakOverIPv6() throws {
    try converse(at: .internet6(host: "::1", port: 0), peer: "::1")
  }

  @Test func peersSpeakOverAUnixSocket() throws {
    let path = freshPath()
    defer { unlink(path) }
    try converse(at: .unix(path: path), peer: "unix")
  }

  @Test func aSocketThatTakesNoMoreSaysSo() throws {
    let listener = try Socket.listen(.internet4(host: "127.0.0.1", port: 0), shared: false)
    let client = try Socket.connect(
      .internet4(host: "127.0.0.1", port: Socket.localPort(of: listener.number)))
    wait(client.number, POLLOUT)
    let block = [UInt8](repeating: 1, count: 1 << 20)
    var outcome = Transfer.moved(0)
    for _ in 0..<1000 {
      outcome = block.withUnsafeBytes { SystemCall.send(client.number, $0) }
      if outcome == .wouldBlock { break }
    }
    #expect(outcome == .wouldBlock)
  }

  @Test func sendingToAPeerThatIsGoneFailsWithoutASignal() throws {
    let listener = try Socket.listen(.internet4(host: "127.0.0.1", port: 0), shared: false)
    let client = try Socket.connect(
      .internet4(host: "127.0.0.1", port: Socket.localPort(of: listener.number)))
    wait(listener.number, POLLIN)
    do { _ = try Socket.accept(listener.number) }
    wait(client.number, POLLIN)
    var codes: [Int32] = []
    for _ in 0..<1000 {
      if case .failed(let code) = [UInt8](repeating: 1, count: 100).withUnsafeBytes({
        SystemCall.send(client.number, $0)
      }) {
        codes.append(code)
        break
      }
      poll(nil, 0, 1)
    }
    #expect(codes == [EPIPE] || codes == [ECONNRESET])
  }

  @Test func aRefusedConnectionTellsItsError() throws {
    let port: UInt16
    do {
      let listener = try Socket.listen(.internet4(host: "127.0.0.1", port: 0), shared: false)
      port = Socket.localPort(of: listener.number)
    }
    let client = try Socket.connect(.internet4(host: "127.0.0.1", port: port))
    wait(client.number, POLLOUT)
    #expect(Socket.error(of: client.number) == ECONNREFUSED)
    #expect(Socket.error(of: client.number) == 0)
  }

  @Test func onePortIsSharedOnlyByThoseWhoAgree() throws {
    let first = try Socket.listen(.internet4(host: "127.0.0.1", port: 0), shared: true)
    let address = SocketAddress.internet4(host: "127.0.0.1", port: Socket.localPort(of: first.number))
    let second = try Socket.listen(address, shared: true)
    #expect(Socket.localPort(of: second.number) == address.port)
    #expect(throws: SystemError(call: "bind \(address)", code: EADDRINUSE)) {
      _ = try Socket.listen(address, shared: false)
    }
  }

  @Test func aDescriptorIsClosedWithItsOwnerAndNotBefore() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    var byte: UInt8 = 0
    do {
      let owner = Descriptor(owning: ends[1])
      #expect(read(ends[0], &byte, 1) == -1 && errno == EAGAIN)
      #expect(owner.number == ends[1])
    }
    #expect(read(ends[0], &byte, 1) == 0)
    let other = Descriptor(owning: dup(ends[0]))
    let number = other.release()
    #expect(fcntl(number, F_GETFD) >= 0)
    close(number)
  }
}

@Suite struct UnixSocketTests {
  @Test func aSocketLeftBehindIsReplaced() throws {
    let path = freshPath()
    defer { unlink(path) }
    do { _ = try Socket.listen(.unix(path: path), shared: false) }
    #expect(access(path, F_OK) == 0)
    let listener = try Socket.listen(.unix(path: path), shared: false)
    let client = try Socket.connect(.unix(path: path))
    wait(listener.number, POLLIN)
    #expect(try Socket.accept(listener.number)?.release() != nil)
    #expect(Socket.error(of: client.number) == 0)
  }

  @Test func aSocketThatAnswersIsNotReplaced() throws {
    let path = freshPath()
    defer { unlink(path) }
    let listener = try Socket.listen(.unix(path: path), shared: false)
    #expect(throws: SystemError(call: "bind unix:\(path)", code: EADDRINUSE)) {
      _ = try Socket.listen(.unix(path: path), shared: false)
    }
    _ = try Socket.connect(.unix(path: path))
    wait(listener.number, POLLIN)
  }

  @Test func aBusySocketWhoseQueueIsFullIsNotReplaced() throws {
    let path = freshPath()
    defer { unlink(path) }
    // A listener by hand, with the shortest queue, that accepts nobody.
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
    }
    #expect(bound == 0 && listen(listener, 0) == 0)
    var waiting: [Int32] = []
    defer { for number in waiting { close(number) } }
    for _ in 0..<8 { waiting.append(try Socket.connect(.unix(path: path)).release()) }
    #expect(throws: SystemError(call: "bind unix:\(path)", code: EADDRINUSE)) {
      _ = try Socket.listen(.unix(path: path), shared: false)
    }
    #expect(access(path, F_OK) == 0)
  }

  @Test func aFileThatIsNoSocketIsLeftAlone() throws {
    let path = freshPath()
    defer { unlink(path) }
    #expect(FileManager.default.createFile(atPath: path, contents: Data("precious".utf8)))
    #expect(throws: SystemError.self) { _ = try Socket.listen(.unix(path: path), shared: false) }
    #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
  }

  @Test func aFolderThatDoesNotExistIsAnError() {
    #expect(throws: SystemError(call: "bind unix:/nonexistent/hub.sock", code: ENOENT)) {
      _ = try Socket.listen(.unix(path: "/nonexistent/hub.sock"), shared: false)
    }
  }
}
