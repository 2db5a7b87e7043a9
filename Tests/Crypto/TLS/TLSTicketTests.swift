// Sessions taken up again by ticket: across contexts, while their keys live, and never under other rules for clients.
import Crypto
import EventLoop
import Synchronization
import Testing
import TestSupport

@Suite struct TLSTicketTests {
  /// A clock that a test moves.
  private final class ManualSeconds: Sendable {
    private let now = Mutex(1000)
    var value: Int { now.withLock { $0 } }
    func advance(_ seconds: Int) { now.withLock { $0 += seconds } }
  }

  /// Connects once and answers whether the ticket was taken, and the newest ticket.
  private func visit(_ context: TLSContext, _ version: Int32, _ ticket: TLSTicket?, name: String = "localhost") throws
    -> (isResumed: Bool, ticket: TLSTicket?)
  {
    let wish = try TLSWorld.shared.wish.with {
      $0.version = version
      $0.ticket = ticket
      $0.serverName = name
    }
    let pair = try TLSPair(context, wish)
    try pair.connect()
    #expect(pair.serverSends([1]) == .moved(1))
    #expect(pair.clientReceives().bytes == [1])
    #expect(pair.server.isResumed == pair.client.isResumed)
    return (pair.server.isResumed, pair.client.ticket)
  }

  @Test(arguments: [Int32(0x0303), 0x0304])
  func `A ticket is taken again, also when the certificates were read anew`(version: Int32) throws {
    let keys = TLSTicketKeys()
    let context = try tlsContext(keys: keys)
    let first = try visit(context, version, nil)
    #expect(!first.isResumed)
    let ticket = try #require(first.ticket)
    let second = try visit(context, version, ticket)
    #expect(second.isResumed)
    #expect(try visit(try tlsContext(keys: keys), version, second.ticket ?? ticket).isResumed)
    // Another process, or this one after a restart, has other keys: a full handshake, not a failure.
    #expect(try !visit(try tlsContext(), version, ticket).isResumed)
  }

  @Test(arguments: [Int32(0x0303), 0x0304])
  func `A key opens for two hours after it has stopped sealing`(version: Int32) throws {
    let clock = ManualSeconds()
    let context = try tlsContext(keys: TLSTicketKeys(clock: { clock.value }))
    let ticket = try #require(try visit(context, version, nil).ticket)
    clock.advance(TLSTicketKeys.lifetime - 1)
    #expect(try visit(context, version, ticket).isResumed)
    clock.advance(1)
    // Sealed with a key that is old: taken, and replaced by a fresh one.
    let renewed = try visit(context, version, ticket)
    #expect(renewed.isResumed)
    let fresh = try #require(renewed.ticket)
    clock.advance(TLSTicketKeys.lifetime)
    #expect(try !visit(context, version, ticket).isResumed)
    #expect(try visit(context, version, fresh).isResumed)
    clock.advance(10 * TLSTicketKeys.lifetime)
    #expect(try !visit(context, version, fresh).isResumed)
  }

  @Test(arguments: [Int32(0x0303), 0x0304])
  func `A ticket given under other rules for clients is not taken`(version: Int32) throws {
    let world = try TLSWorld.shared
    let keys = TLSTicketKeys()
    let ticket = try #require(try visit(try tlsContext(keys: keys), version, nil).ticket)
    let strict = TLSFiles(
      [world.local], clientAuthorities: world.authority.certificate, clientAuthentication: .request)
    #expect(try !visit(try tlsContext(strict, keys: keys), version, ticket).isResumed)
    let required = TLSFiles(
      [world.local], clientAuthorities: world.authority.certificate, clientAuthentication: .require)
    let pair = try TLSPair(
      try tlsContext(required, keys: keys),
      world.wish.with {
        $0.version = version
        $0.ticket = ticket
      })
    #expect(pair.shakeHands().server == .failed(reason: "peer did not return a certificate"))
  }

  @Test func `A client's certificate goes with its session, but not to another authority`() throws {
    let world = try TLSWorld.shared
    let keys = TLSTicketKeys()
    let mine = try world.authority.issue(["resumer"], as: "resumer", isClient: true)
    func files(_ authority: TestAuthority) -> TLSFiles {
      TLSFiles([world.local], clientAuthorities: authority.certificate, clientAuthentication: .require)
    }
    func meet(_ authority: TestAuthority, _ ticket: TLSTicket?) throws -> TLSPair {
      let wish = world.wish.with {
        $0.certificate = mine
        $0.ticket = ticket
      }
      return try TLSPair(tlsContext(files(authority), keys: keys), wish)
    }
    let first = try meet(world.authority, nil)
    try first.connect()
    #expect(first.serverSends([1]) == .moved(1))
    _ = first.clientReceives()
    let ticket = try #require(first.client.ticket)
    let second = try meet(world.authority, ticket)
    try second.connect()
    #expect(second.server.isResumed && second.server.hasClientCertificate)
    let elsewhere = try meet(world.stranger, ticket)
    #expect(elsewhere.shakeHands().server == .failed(reason: "certificate verify failed"))
  }
}
