// A hub under TLS for the TLS suites: certificates from an authority of the test's own, one listener under TLS and one in
// clear beside it.
import Foundation
import Glibc
import Testing
import TestSupport

struct TLSScene: Sendable {
  let authority: TestAuthority
  let files: CertificateFiles
  let database: String
  let hub: HubUnderTest
  let token: String

  private static let started = Result {
    let scene = try TLSScene()
    SharedHub.stopAtExit(scene.hub)
    return scene
  }
  /// For tests that leave the hub as it is.
  static var shared: TLSScene { get throws { try started.get() } }

  /// `arguments` may name files of the authority.
  init(_ arguments: (TestAuthority) throws -> [String] = { _ in [] }) throws {
    authority = try TestAuthority()
    files = try authority.issue(["localhost", "127.0.0.1"], as: "hub")
    database = try TestPostgres.makeDatabase()
    hub = try HubUnderTest(
      database: database, listen: ["plain:127.0.0.1:0", "tls:127.0.0.1:0"],
      arguments: ["--demo", "--log-level", "debug", "--tls-cert", files.certificate, "--tls-key", files.key]
        + (try arguments(authority)))
    token = try hub.token(role: "manager", restaurant: SharedHub.demoRestaurant)
  }

  var port: UInt16 { hub.tlsPort ?? 0 }
  var wish: TLSWish { TLSWish(authority: authority.certificate) }
  var kitchen: String { "kitchen:\(SharedHub.demoRestaurant)" }

  func connect(_ version: Int32? = nil) throws -> RawSocket {
    try RawSocket(port: port, tls: wish.with { $0.version = version })
  }

  /// A WebSocket in the demo restaurant's kitchen, whose `subscribed` is read already.
  func listen(_ wish: TLSWish? = nil, receiveBuffer: Int32? = nil) throws -> RawWebSocket {
    let socket = try RawWebSocket(
      port: port, path: "/ws/kitchen/\(SharedHub.demoRestaurant)?snapshot=false", token: token, tls: wish ?? self.wish,
      receiveBuffer: receiveBuffer)
    _ = try socket.receive("subscribed")
    return socket
  }

  func publish(_ data: String = "'{}'", by program: ForeignConnection? = nil) throws {
    try (program ?? ForeignConnection(database)).execute("SELECT hub.publish('\(kitchen)', 'test.told', \(data))")
  }

  /// The value of a metric with its labels, as its line has it.
  func metric(_ name: String) throws -> Int { try hub.metric(name) }

  /// Both listeners serve somebody new.
  func expectServing(_ comment: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try connect().request("GET", "/ready").status == 200, "\(comment)", sourceLocation: sourceLocation)
    #expect(try hub.request("GET", "/ready").status == 200, "\(comment)", sourceLocation: sourceLocation)
  }
}
