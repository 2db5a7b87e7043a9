// What is agreed on in a handshake, and with whom: versions, ciphers, protocols, host names, client certificates, and
// what comes in place of a handshake.
import Crypto
import EventLoop
import Glibc
import Testing
import TestSupport

@Suite struct TLSHandshakeTests {
  private static let version12: Int32 = 0x0303
  private static let version13: Int32 = 0x0304

  @Test(arguments: [("TLSv1.2", version12), ("TLSv1.3", version13)])
  func `RFC 9325 §3.1, versions 1.2 and 1.3 carry bytes both ways`(name: String, version: Int32) throws {
    let pair = try TLSPair(tlsContext(), TLSWorld.shared.wish.with { $0.version = version })
    try pair.connect()
    #expect(pair.client.version == name && pair.server.version == name)
    #expect(pair.server.cipher == pair.client.cipher && pair.server.cipher.contains("AES128-GCM") || version == 0x0304)
    #expect(!pair.server.isResumed && !pair.server.hasClientCertificate)
    try pair.clientSends("from the client")
    #expect(pair.serverReceives().bytes == Array("from the client".utf8))
    #expect(pair.serverSends(Array("from the server".utf8)) == .moved(15))
    #expect(pair.clientReceivesText() == "from the server")
  }

  @Test(arguments: [Int32(0x0301), 0x0302])
  func `RFC 8996, versions 1.0 and 1.1 are refused`(version: Int32) throws {
    let pair = try TLSPair(tlsContext(), TLSWorld.shared.wish.with { $0.version = version })
    let result = pair.shakeHands()
    #expect(result.server == .failed(reason: "unsupported protocol"))
    #expect(result.client == .failed("tlsv1 alert protocol version"))
  }

  @Test(arguments: [
    "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
  ])
  func `RFC 9325 §4, ciphers without forward secrecy or without authentication of their own are refused`(
    cipher: String
  ) throws {
    let world = try TLSWorld.shared
    let wish = world.wish.with {
      $0.version = Self.version12
      $0.ciphers = cipher
      $0.serverName = "till.example.test"
    }
    let pair = try TLSPair(tlsContext(TLSFiles([world.rsa])), wish)
    #expect(pair.shakeHands().server == .failed(reason: "no shared cipher"))
    let good = try TLSPair(
      tlsContext(TLSFiles([world.rsa])), wish.with { $0.ciphers = "ECDHE-RSA-CHACHA20-POLY1305:\(cipher)" })
    try good.connect()
    #expect(good.server.cipher == "ECDHE-RSA-CHACHA20-POLY1305")
  }

  @Test func `The order of ciphers is the server's`() throws {
    let wish = try TLSWorld.shared.wish.with {
      $0.version = Self.version12
      $0.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
    }
    let pair = try TLSPair(tlsContext(), wish)
    try pair.connect()
    #expect(pair.server.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
  }

  @Test func `RFC 7301 §3.2, ALPN chooses http/1.1, and who offers only others is refused`() throws {
    let rows: [([String], String?)] = [
      ([], nil), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1", "h2"], "http/1.1"),
    ]
    for (offered, chosen) in rows {
      let pair = try TLSPair(tlsContext(), TLSWorld.shared.wish.with { $0.protocols = offered })
      try pair.connect()
      #expect(pair.client.chosenProtocol == chosen, "\(offered)")
    }
    for offered in [["h2"], ["http/1.0"], ["http/1.1x", "ttp/1.1"]] {
      let pair = try TLSPair(tlsContext(), TLSWorld.shared.wish.with { $0.protocols = offered })
      let result = pair.shakeHands()
      #expect(result.server == .failed(reason: "no application protocol"))
      #expect(result.client == .failed("tlsv1 alert no application protocol"))
    }
  }

  // MARK: Host names

  @Test(arguments: [
    ("localhost", "localhost"), ("kitchen.example.test", "kitchen.example.test"),
    ("KITCHEN.Example.Test", "kitchen.example.test"), ("bar.example.test", "kitchen.example.test"),
    // An exact name goes before one for all below a domain.
    ("till.example.test", "till.example.test"),
    // RFC 6125 §6.4.3: one label, neither none nor two.
    ("example.test", "localhost"), ("a.b.example.test", "localhost"), ("elsewhere.test", "localhost"),
    ("*.example.test", "kitchen.example.test"), (nil, "localhost"),
  ])
  func `RFC 6066 §3, the host name chooses the certificate`(asked: String?, certificate: String) throws {
    let world = try TLSWorld.shared
    let context = try tlsContext(TLSFiles([world.local, world.wild, world.rsa]))
    for version in [Self.version12, Self.version13] {
      let pair = try TLSPair(
        context,
        TLSWish().with {
          $0.serverName = asked
          $0.version = version
        })
      try pair.connect()
      #expect(pair.client.serverCommonName == certificate)
      try pair.clientSends("x")
      #expect(pair.serverReceives().bytes == [0x78])
    }
  }

  @Test func `Of two certificates for one name the first serves`() throws {
    let world = try TLSWorld.shared
    let other = TLSFiles.Pair(try world.authority.issue(["other", "localhost"], as: "other"))
    let pair = try TLSPair(tlsContext(TLSFiles([world.wild, other, world.local])))
    try pair.connect()
    #expect(pair.client.serverCommonName == "other")
  }

  @Test func `A client that trusts another authority says so and goes`() throws {
    let pair = try TLSPair(tlsContext(), TLSWish(authority: TLSWorld.shared.stranger.certificate))
    let result = pair.shakeHands()
    #expect(result.client == .failed("certificate verify failed"))
    guard case .failed = result.server else {
      Issue.record("the server went on: \(result)")
      return
    }
  }

  // MARK: Client certificates

  @Test(arguments: [version12, version13])
  func `A client's certificate is asked for as configured`(version: Int32) throws {
    let world = try TLSWorld.shared
    let good = try world.authority.issue(["screen-\(version)"], as: "screen-\(version)", isClient: true)
    let foreign = try world.stranger.issue(["screen-\(version)"], as: "screen-\(version)", isClient: true)
    let expired = try world.authority.issue(["late-\(version)"], as: "late-\(version)", days: -1, isClient: true)
    // Good for servers only.
    let server = CertificateFiles(certificate: world.local.certificate, key: world.local.key)
    typealias Row = (TLSFiles.ClientAuthentication, CertificateFiles?, refused: String?)
    let rows: [Row] = [
      (.off, nil, nil), (.off, foreign, nil), (.request, nil, nil), (.request, good, nil),
      (.request, foreign, "certificate verify failed"), (.require, good, nil),
      (.require, nil, "peer did not return a certificate"), (.require, foreign, "certificate verify failed"),
      (.require, expired, "certificate verify failed"), (.require, server, "certificate verify failed"),
    ]
    for (authentication, shown, refusal) in rows {
      let files = TLSFiles(
        [world.local], clientAuthorities: world.authority.certificate, clientAuthentication: authentication)
      let wish = world.wish.with {
        $0.version = version
        $0.certificate = shown
      }
      let pair = try TLSPair(tlsContext(files), wish)
      let result = pair.shakeHands()
      #expect(result.server == refusal.map { .failed(reason: $0) } ?? .done, "\(authentication) \(shown as Any)")
      if refusal == nil {
        #expect(pair.server.hasClientCertificate == (authentication != .off && shown != nil))
      }
    }
  }

  // MARK: No handshake

  @Test func `What is no TLS is left as it came`() throws {
    for text in ["GET / HTTP/1.1\r\n\r\n", "\u{0}", "\u{15}\u{3}\u{1}", "\u{80}\u{2e}"] {
      let pair = try TLSPair(tlsContext())
      #expect(pair.server.handshake() == .waiting)
      let bytes = Array(text.utf8)
      #expect(write(pair.clientEnd, bytes, bytes.count) == bytes.count)
      #expect(pair.server.handshake() == .notTLS)
      var taken = [UInt8](repeating: 0, count: 64)
      #expect(read(pair.serverEnd, &taken, 64) == bytes.count && Array(taken[..<bytes.count]) == bytes)
    }
  }

  @Test func `Garbage after a good beginning fails, and stays failed`() throws {
    var random = SeededRandom()
    for length in [6, 64, 700, 5000] {
      let pair = try TLSPair(tlsContext())
      let bytes: [UInt8] = [0x16, 3, 1] + (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(write(pair.clientEnd, bytes, bytes.count) == bytes.count)
      shutdown(pair.clientEnd, Int32(SHUT_WR))
      guard case .failed = pair.server.handshake() else {
        Issue.record("seed \(random.seed), \(length) bytes were taken")
        continue
      }
      guard case .failed = pair.server.handshake(), case .failed = pair.serverReceives().transfer,
        case .failed = pair.serverSends([1])
      else {
        Issue.record("it went on")
        continue
      }
      #expect(pair.server.close())
    }
  }

  @Test func `A peer that ends before or within the handshake ends it`() throws {
    let early = try TLSPair(tlsContext())
    shutdown(early.clientEnd, Int32(SHUT_WR))
    #expect(early.server.handshake() == .failed(reason: "the peer ended the connection"))
    let within = try TLSPair(tlsContext())
    #expect(within.client.handshake() == .wantsToRead)
    #expect(within.server.handshake() == .waiting)
    shutdown(within.clientEnd, Int32(SHUT_WR))
    #expect(within.server.handshake() == .failed(reason: "the peer ended the connection"))
  }

  @Test(arguments: [version12, version13])
  func `A handshake in single bytes is one`(version: Int32) throws {
    let world = try TLSWorld.shared
    let (serverEnd, relayEnd) = try TLSPair.socketPair()
    let (clientEnd, otherRelayEnd) = try TLSPair.socketPair()
    defer { for end in [serverEnd, relayEnd, clientEnd, otherRelayEnd] { close(end) } }
    let server = try #require(try tlsContext().makeSession(on: serverEnd))
    let client = try TLSClient(world.wish.with { $0.version = version }, on: clientEnd)
    var isDone = (server: false, client: false)
    var byte: UInt8 = 0
    for _ in 0..<20_000 where !(isDone.server && isDone.client) {
      if !isDone.client, client.handshake() == .done(0) { isDone.client = true }
      if read(otherRelayEnd, &byte, 1) == 1 { write(relayEnd, &byte, 1) }
      if !isDone.server {
        let step = server.handshake()
        #expect(step == .waiting || step == .done)
        isDone.server = step == .done
      }
      if read(relayEnd, &byte, 1) == 1 { write(otherRelayEnd, &byte, 1) }
    }
    #expect(isDone.server && isDone.client)
  }
}
