// The `hub echo` that the table talks to: one process for all cases, one more for the other use of compression, on free
// loopback ports, ended with the tests.
import Foundation
import TestSupport

enum EchoHub {
  /// What `--compression` says.
  enum Compression: String, Sendable { case takeover, shared }

  private static let lock = NSLock()
  nonisolated(unsafe) private static var running: [Compression: HubUnderTest] = [:]

  /// The port of a shared hub. `HUB_CONFORMANCE_PORT` names another server's, to try the table itself on one that is
  /// known to be right.
  static func port(_ compression: Compression = .takeover) throws -> UInt16 {
    if let other = ProcessInfo.processInfo.environment["HUB_CONFORMANCE_PORT"].flatMap({ UInt16($0) }) { return other }
    return try lock.withLock {
      if let hub = running[compression] { return hub.port }
      if running.isEmpty { atexit { EchoHub.stopAll() } }
      let hub = try HubUnderTest.echo(arguments: ["--compression", compression.rawValue])
      running[compression] = hub
      return hub.port
    }
  }

  private static func stopAll() {
    for hub in lock.withLock({ running.values }) { hub.stop(with: SIGKILL) }
  }
}
