// A hub on a database of its own that the tests of a suite share, since starting one costs a second. It is made at first
// use and ended with the test process; tests keep out of each other's way by restaurants of their own.
import Foundation

package final class SharedHub: @unchecked Sendable {
  // @unchecked: HubUnderTest is, and the rest never changes.
  package let hub: HubUnderTest
  /// How to connect to its database.
  package let database: String
  package let forge: TokenForge

  private static let lock = NSLock()
  nonisolated(unsafe) private static var running: [HubUnderTest] = []

  /// Starts it with the demo restaurant and its users.
  package init(arguments: [String] = []) throws {
    database = try TestPostgres.makeDatabase()
    hub = try HubUnderTest(database: database, arguments: ["--demo"] + arguments)
    forge = try TokenForge(secretFile: hub.data + "/secret")
    Self.stopAtExit(hub)
  }

  /// Ends a hub with the test process, since whoever holds it until then is never told of the end.
  package static func stopAtExit(_ hub: HubUnderTest) {
    lock.withLock {
      // Registered after the one that stops Postgres and so run before it.
      if running.isEmpty { atexit { SharedHub.stopAll() } }
      running.append(hub)
    }
  }

  private static func stopAll() {
    for hub in lock.withLock({ running }) { hub.stop(with: SIGKILL) }
  }

  package static let demoRestaurant = "01900000-0000-7000-8000-000000000001"

  package func foreign() throws -> ForeignConnection { try ForeignConnection(database) }
}
