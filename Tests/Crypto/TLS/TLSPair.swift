// Two ends of a socket pair, the hub's session on one and the tests' own client on the other, both driven by hand in one
// thread: every order of steps can be had. And certificates, made once for all tests here.
import Crypto
import EventLoop
import Foundation
import Glibc
import TestSupport

enum TLSWorld {
  private static let made = Result { try World() }
  static var shared: World { get throws { try made.get() } }

  struct World {
    let authority: TestAuthority
    let stranger: TestAuthority
    /// For localhost and 127.0.0.1.
    let local: TLSFiles.Pair
    /// For kitchen.example.test and all names below example.test.
    let wild: TLSFiles.Pair
    /// RSA, for till.example.test.
    let rsa: TLSFiles.Pair

    init() throws {
      signal(SIGPIPE, SIG_IGN)
      authority = try TestAuthority()
      stranger = try TestAuthority()
      local = .init(try authority.issue(["localhost", "127.0.0.1"], as: "local"))
      wild = .init(try authority.issue(["kitchen.example.test", "*.example.test"], as: "wild"))
      rsa = .init(try authority.issue(["till.example.test"], as: "rsa", rsa: true))
    }

    var wish: TLSWish { TLSWish(authority: authority.certificate) }
  }
}

extension TLSFiles.Pair {
  init(_ files: CertificateFiles) { self.init(certificate: files.certificate, key: files.key) }
}

func tlsContext(_ files: TLSFiles? = nil, keys: TLSTicketKeys = TLSTicketKeys()) throws -> TLSContext {
  try TLSContext(files ?? TLSFiles([try TLSWorld.shared.local]), ticketKeys: keys)
}

final class TLSPair {
  let server: TLSSession
  let client: TLSClient
  let serverEnd: Int32
  let clientEnd: Int32

  /// `buffer` bytes at most stay between the ends.
  init(_ context: TLSContext, _ wish: TLSWish? = nil, buffer: Int32? = nil) throws {
    (serverEnd, clientEnd) = try Self.socketPair(buffer: buffer)
    guard let session = context.makeSession(on: serverEnd) else { throw SupportError("no session") }
    server = session
    client = try TLSClient(try wish ?? TLSWorld.shared.wish, on: clientEnd)
  }

  deinit {
    close(serverEnd)
    close(clientEnd)
  }

  static func socketPair(buffer: Int32? = nil) throws -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SupportError("no socket pair") }
    if var size = buffer {
      for end in ends { setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
    }
    return (ends[0], ends[1])
  }

  /// Lets both take steps until both are done or one has failed.
  @discardableResult
  func shakeHands() -> (server: TLSSession.Handshake, client: TLSClient.Step) {
    var server = TLSSession.Handshake.waiting
    var client = TLSClient.Step.wantsToRead
    for _ in 0..<50 {
      if client == .wantsToRead || client == .wantsToWrite { client = self.client.handshake() }
      if server == .waiting { server = self.server.handshake() }
      let isOver = client != .wantsToRead && client != .wantsToWrite
      if server != .waiting && isOver { break }
    }
    return (server, client)
  }

  /// Throws unless the handshake succeeds on both sides.
  func connect() throws {
    let result = shakeHands()
    guard result.server == .done, result.client == .done(0) else { throw SupportError("\(result)") }
  }

  // MARK: The server's side

  /// What one call of `receive` brings, in a buffer of so many bytes.
  func serverReceives(atMost size: Int = 512 * 1024) -> (transfer: Transfer, bytes: [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: size)
    let transfer = buffer.withUnsafeMutableBytes { server.receive(into: $0) }
    guard case .moved(let count) = transfer else { return (transfer, []) }
    return (transfer, Array(buffer[..<count]))
  }

  func serverSends(_ bytes: some ContiguousBytes) -> Transfer {
    bytes.withUnsafeBytes { server.send($0) }
  }

  // MARK: The client's side

  func clientSends(_ text: String) throws { try clientSends(Array(text.utf8)) }

  /// Sends what fits between the ends at once.
  func clientSends(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard case .done(let count) = client.send(rest) else { throw SupportError("the client cannot send") }
      rest = rest.dropFirst(count)
    }
  }

  /// Everything that waits for the client, and how its last read ended.
  func clientReceives() -> (bytes: [UInt8], end: TLSClient.Step) {
    var chunk = [UInt8](repeating: 0, count: 16 * 1024)
    var bytes: [UInt8] = []
    while true {
      let step = client.receive(into: &chunk)
      guard case .done(let count) = step else { return (bytes, step) }
      bytes += chunk[..<count]
    }
  }

  func clientReceivesText() -> String { String(decoding: clientReceives().bytes, as: UTF8.self) }
}

/// Bytes that differ from place to place.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }
