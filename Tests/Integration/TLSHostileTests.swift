// Peers that begin TLS badly, slowly or never: each costs its own connection, and nobody else notices.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct TLSHostileTests {
  /// The bytes that a client says first.
  private func clientHello(_ wish: TLSWish) throws -> [UInt8] {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw SupportError("no socket pair") }
    defer { for end in ends { close(end) } }
    let client = try TLSClient(wish, on: ends[0])
    guard client.handshake() == .wantsToRead else { throw SupportError("no hello") }
    var bytes = [UInt8](repeating: 0, count: 16 * 1024)
    return Array(bytes[..<max(0, recv(ends[1], &bytes, bytes.count, 0))])
  }

  @Test func `Garbage in the handshake is answered with an alert and the end`() throws {
    let scene = try TLSScene()
    let bystander = try scene.listen()
    let hello = try clientHello(scene.wish)
    var random = SeededRandom()
    let before = try scene.metric("hub_tls_failures_total")
    for round in 0..<60 {
      var bytes = hello
      switch round % 3 {
      // Anything after the record's first bytes.
      case 0: bytes = [0x16, 3, 1] + (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
      // A hello with lengths that lie.
      case 1: for _ in 0..<8 { bytes[Int.random(in: 3..<min(60, bytes.count), using: &random)] ^= 0xFF }
      // Cut short.
      default: bytes = Array(bytes[..<Int.random(in: 1..<bytes.count, using: &random)])
      }
      let socket = try RawSocket(port: scene.port)
      try socket.send(bytes)
      shutdown(socket.descriptor, Int32(SHUT_WR))
      _ = try socket.receiveAll()
    }
    #expect(try scene.metric("hub_tls_failures_total") > before, "seed \(random.seed)")
    #expect(scene.hub.isRunning, "seed \(random.seed)")
    try scene.publish()
    #expect(try bystander.receive("event")["event"] as? String == "test.told")
    try scene.expectServing("after garbage")
  }

  @Test func `A handshake in single bytes succeeds`() throws {
    let scene = try TLSScene.shared
    let hub = try RawSocket(port: scene.port)
    _ = fcntl(hub.descriptor, F_SETFL, O_NONBLOCK)
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
    try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    let client = try TLSClient(scene.wish, on: ends[0])
    var isDone = false
    var byte: UInt8 = 0
    var answer = [UInt8](repeating: 0, count: 16 * 1024)
    let end = Date(timeIntervalSinceNow: 9)
    while !isDone, Date() < end {
      isDone = client.handshake() == .done(0)
      while recv(ends[1], &byte, 1, 0) == 1 {
        try hub.send([byte])
        // The hub takes each by itself before the next.
        poll(nil, 0, 1)
      }
      let count = recv(hub.descriptor, &answer, answer.count, 0)
      if count > 0 { send(ends[1], answer, count, 0) }
    }
    #expect(isDone)
  }

  @Test func `Whoever never finishes the handshake is cut off after 10 s, and others are served meanwhile`() throws {
    let scene = try TLSScene.shared
    let hello = try clientHello(scene.wish)
    let silent = try RawSocket(port: scene.port)
    let half = try RawSocket(port: scene.port)
    try half.send(Array(hello[..<(hello.count / 2)]))
    let deaf = try RawSocket(port: scene.port)
    try deaf.send(hello)
    #expect(try deaf.receiveMore())
    // One that keeps saying a little gets no more time for it.
    let dripping = try RawSocket(port: scene.port)
    let start = Date()
    var said = 0
    while Date().timeIntervalSince(start) < 20, said < hello.count - 1 {
      guard (try? dripping.send([hello[said]])) != nil else { break }
      said += 1
      if said % 10 == 0 { try scene.expectServing("meanwhile") }
      poll(nil, 0, 100)
    }
    for (name, socket) in [("silent", silent), ("half", half), ("deaf", deaf), ("dripping", dripping)] {
      do {
        while try socket.receiveMore(within: 5) {}
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
    let seconds = Date().timeIntervalSince(start)
    #expect((9..<16).contains(seconds), "it took \(seconds) s")
  }

  @Test func `Many who begin at once and never end leave others served`() throws {
    let scene = try TLSScene.shared
    let hello = try clientHello(scene.wish)
    let crowd = try (0..<200).map { _ in
      let socket = try RawSocket(port: scene.port)
      try socket.send(hello)
      return socket
    }
    try scene.expectServing("in the crowd")
    for socket in crowd { #expect(try socket.receiveMore()) }
    for socket in crowd { socket.cut() }
    try scene.expectServing("after the crowd")
  }
}
