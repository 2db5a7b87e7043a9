// Bytes through a session: everything that waits comes in one call, what the socket does not take is offered again, and
// ends of all kinds are told apart. Peers that are slow, hostile or gone cost one call, not the loop.
import Crypto
import EventLoop
import Glibc
import Testing
import TestSupport

@Suite struct TLSTransferTests {
  private static let versions: [Int32] = [0x0303, 0x0304]

  private func pair(_ version: Int32 = 0x0304, buffer: Int32? = nil) throws -> TLSPair {
    let pair = try TLSPair(tlsContext(), TLSWorld.shared.wish.with { $0.version = version }, buffer: buffer)
    try pair.connect()
    return pair
  }

  // MARK: Receiving

  @Test(arguments: versions)
  func `Everything that waits comes in one call, in records of any size`(version: Int32) throws {
    let pair = try pair(version)
    #expect(pair.serverReceives().transfer == .wouldBlock)
    for sizes in [[1], [1, 1, 1], [16384], [16384, 1], [5, 16000, 300, 16384, 16384, 7]] {
      let parts = sizes.map { pattern($0) }
      for part in parts { try pair.clientSends(part) }
      #expect(pair.serverReceives().bytes == parts.flatMap { $0 }, "\(sizes)")
      #expect(!pair.server.hasMore)
      #expect(pair.serverReceives().transfer == .wouldBlock)
    }
  }

  @Test(arguments: versions)
  func `A full buffer is a full buffer, and the rest comes at the next call`(version: Int32) throws {
    let pair = try pair(version)
    let sent = pattern(40_000)
    try pair.clientSends(sent)
    var received: [UInt8] = []
    while received.count < sent.count {
      let bytes = pair.serverReceives(atMost: 1000).bytes
      try #require(bytes.count == min(1000, sent.count - received.count))
      received += bytes
    }
    #expect(received == sent)
    #expect(pair.serverReceives(atMost: 1000).transfer == .wouldBlock)
  }

  @Test(arguments: versions)
  func `A record in pieces is nothing until it is whole`(version: Int32) throws {
    let pair = try pair(version)
    // The client's next record is taken off the pair as bytes and given back in pieces.
    let text = Array("in pieces".utf8)
    try pair.clientSends(text)
    var record = [UInt8](repeating: 0, count: 1000)
    let length = recv(pair.serverEnd, &record, record.count, 0)
    try #require(length > text.count)
    for index in 0..<length {
      #expect(pair.serverReceives().transfer == .wouldBlock)
      #expect(send(pair.clientEnd, [record[index]], 1, 0) == 1)
    }
    #expect(pair.serverReceives().bytes == text)
  }

  @Test func `What came with the end of the handshake needs no further readiness`() throws {
    let pair = try TLSPair(tlsContext())
    #expect(pair.client.handshake() == .wantsToRead)
    #expect(pair.server.handshake() == .waiting)
    #expect(pair.client.handshake() == .done(0))
    try pair.clientSends("at once")
    #expect(pair.server.handshake() == .done)
    #expect(pair.serverReceives().bytes == Array("at once".utf8))
  }

  // MARK: Sending

  @Test(arguments: versions)
  func `A large answer to a slow reader arrives whole, whatever the socket takes`(version: Int32) throws {
    let pair = try pair(version, buffer: 8192)
    let sent = pattern(3_000_000)
    var (taken, refusals) = (0, 0)
    var received: [UInt8] = []
    while received.count < sent.count {
      // Offered from another address each time, and with more behind it than before.
      let end = min(sent.count, taken + 20_000 + refusals % 7 * 30_000)
      let offer = Array(sent[taken..<max(end, min(sent.count, taken + 200_000))])
      switch offer.isEmpty ? .wouldBlock : pair.serverSends(offer) {
      case .moved(let count): taken += count
      case .wouldBlock:
        refusals += 1
        received += pair.clientReceives().bytes
      case let other:
        Issue.record("\(other)")
        return
      }
    }
    #expect(received == sent)
    #expect(refusals > 50)
  }

  @Test(arguments: versions)
  func `Both directions at once, both blocked now and then`(version: Int32) throws {
    let pair = try pair(version, buffer: 8192)
    let sent = pattern(400_000)
    var (up, down) = (sent[...], sent[...])
    var (atServer, atClient): ([UInt8], [UInt8]) = ([], [])
    for _ in 0..<10_000 where atServer.count < sent.count || atClient.count < sent.count {
      if !up.isEmpty, case .done(let count) = pair.client.send(up) { up = up.dropFirst(count) }
      if !down.isEmpty, case .moved(let count) = pair.serverSends(Array(down)) { down = down.dropFirst(count) }
      atServer += pair.serverReceives(atMost: 5000).bytes
      atClient += pair.clientReceives().bytes
    }
    #expect(atServer == sent && atClient == sent)
  }

  // MARK: Ending

  @Test(arguments: versions)
  func `close_notify is said and heard, and bytes before it are not lost`(version: Int32) throws {
    let ours = try pair(version)
    #expect(ours.serverSends(Array("last".utf8)) == .moved(4))
    #expect(ours.server.close())
    let heard = ours.clientReceives()
    #expect(heard.bytes == Array("last".utf8) && heard.end == .ended)

    let theirs = try pair(version)
    try theirs.clientSends("last")
    theirs.client.shutdown()
    // Both were there when the socket was ready, and it will not be ready again.
    #expect(theirs.serverReceives().bytes == Array("last".utf8))
    #expect(theirs.server.hasMore)
    #expect(theirs.serverReceives().transfer == .ended)
    // It still hears an answer.
    #expect(theirs.serverSends(Array("answer".utf8)) == .moved(6))
    #expect(theirs.server.close())
    #expect(theirs.clientReceives().end == .ended)
  }

  @Test(arguments: versions)
  func `A stream that is cut off has ended`(version: Int32) throws {
    let between = try pair(version)
    shutdown(between.clientEnd, Int32(SHUT_WR))
    #expect(between.serverReceives().transfer == .ended)

    let within = try pair(version)
    try within.clientSends("cut")
    var record = [UInt8](repeating: 0, count: 1000)
    let length = recv(within.serverEnd, &record, record.count, 0)
    try #require(length > 10)
    #expect(send(within.clientEnd, record, length - 5, 0) == length - 5)
    shutdown(within.clientEnd, Int32(SHUT_WR))
    #expect(within.serverReceives().transfer == .ended)
  }

  @Test(arguments: versions)
  func `A record that was tampered with ends everything, after what came before it`(version: Int32) throws {
    let pair = try pair(version)
    try pair.clientSends("good")
    var good = [UInt8](repeating: 0, count: 1000)
    let goodLength = recv(pair.serverEnd, &good, good.count, 0)
    try pair.clientSends("bad")
    var bad = [UInt8](repeating: 0, count: 1000)
    let badLength = recv(pair.serverEnd, &bad, bad.count, 0)
    try #require(goodLength > 0 && badLength > 0)
    bad[badLength - 1] ^= 1
    let bytes = Array(good[..<goodLength] + bad[..<badLength])
    #expect(send(pair.clientEnd, bytes, bytes.count, 0) == bytes.count)
    #expect(pair.serverReceives().bytes == Array("good".utf8))
    #expect(pair.server.hasMore)
    #expect(pair.serverReceives().transfer == .failed(EPROTO))
    #expect(pair.serverSends([1]) == .failed(EPIPE))
    #expect(pair.server.close())
  }

  @Test func `A peer that has gone is told of, without a signal`() throws {
    let pair = try pair()
    close(pair.clientEnd)
    #expect(pair.serverSends(pattern(100)) == .failed(EPIPE))
    // The number must not be closed twice: it is taken again for the pair's own end.
    #expect(dup2(pair.serverEnd, pair.clientEnd) == pair.clientEnd)
  }

  // MARK: Messages without bytes

  @Test func `RFC 8446 §4.6.3, key updates are answered between bytes`() throws {
    let pair = try pair()
    for round in 0..<5 {
      #expect(pair.client.updateKeys() == .done(0))
      try pair.clientSends("round \(round)")
      #expect(pair.serverReceives().bytes == Array("round \(round)".utf8))
      #expect(pair.serverSends([UInt8(round)]) == .moved(1))
      #expect(pair.clientReceives().bytes == [UInt8(round)])
    }
  }

  @Test func `A flood of key updates takes a bounded number of steps a call`() throws {
    let pair = try pair(buffer: 512 * 1024)
    // Taken off as they are made, since each alone takes much of the socket's room, and given back together.
    var flood: [UInt8] = []
    var record = [UInt8](repeating: 0, count: 1000)
    for _ in 0..<4000 {
      try #require(pair.client.updateKeys() == .done(0))
      flood += record[..<recv(pair.serverEnd, &record, record.count, 0)]
    }
    #expect(send(pair.clientEnd, flood, flood.count, 0) == flood.count)
    var calls = 0
    repeat {
      calls += 1
      #expect(pair.serverReceives().transfer == .wouldBlock)
      _ = pair.clientReceives()
    } while pair.server.hasMore || pair.server.wantsToWrite
    #expect(calls > 2, "\(flood.count) bytes")
    try pair.clientSends("still here")
    #expect(pair.serverReceives().bytes == Array("still here".utf8))
  }

  @Test func `A key update that comes while an answer waits for its reader breaks nothing`() throws {
    let pair = try pair(buffer: 8192)
    let sent = pattern(200_000)
    var rest = sent[...]
    while case .moved(let count) = pair.serverSends(Array(rest)) { rest = rest.dropFirst(count) }
    #expect(pair.client.updateKeys() == .done(0))
    try pair.clientSends("meanwhile")
    var heard = pair.serverReceives()
    var received: [UInt8] = []
    for _ in 0..<1000 where received.count < sent.count || heard.bytes.isEmpty {
      received += pair.clientReceives().bytes
      if !rest.isEmpty, case .moved(let count) = pair.serverSends(Array(rest)) { rest = rest.dropFirst(count) }
      if heard.bytes.isEmpty { heard = pair.serverReceives() }
    }
    #expect(received == sent)
    #expect(heard.bytes == Array("meanwhile".utf8))
  }
}
