// The `hub echo` that the table talks to: one process for all cases, on a free loopback port, ended with the tests.
import Foundation
import TestSupport

enum EchoHub {
  /// The port of the shared hub. `HUB_CONFORMANCE_PORT` names another server's, to try the table itself on one that is
  /// known to be right.
  static func port() throws -> UInt16 {
    if let other = ProcessInfo.processInfo.environment["HUB_CONFORMANCE_PORT"].flatMap({ UInt16($0) }) { return other }
    return try shared.get().port
  }

  private static let shared = Result {
    let hub = try HubUnderTest.echo()
    atexit { EchoHub.stop() }
    return hub
  }

  private static func stop() { _ = try? shared.get().stop(with: SIGKILL) }
}
