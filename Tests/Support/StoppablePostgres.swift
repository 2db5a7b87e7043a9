// A Postgres for one test that stops it, lets it crash and starts it again; the shared one is for everybody else.
import Foundation
import Glibc
import Postgres

package final class StoppablePostgres: @unchecked Sendable {
  // @unchecked: the test's own thread uses it.

  /// How a server goes away.
  package enum End: Sendable, CaseIterable {
    /// In order: sessions are told, nothing is left to recover.
    case stop
    /// At once, as by a power cut: the next start recovers from the log.
    case crash
  }

  let server: PrivatePostgres
  package private(set) var connectionString: String

  package init() throws {
    server = try PrivatePostgres.prepare(data: TestFolder.make("stoppable"))
    try server.start()
    connectionString = server.connectionString
  }

  deinit { try? server.stop() }

  package func end(_ end: End) throws {
    switch end {
    case .stop: try server.stop()
    case .crash:
      guard let process = server.processIdentifier else { throw SupportError("the server does not run") }
      kill(process, SIGQUIT)
      try eventually("the server has ended") { waitpid(process, nil, WNOHANG) == process || kill(process, 0) != 0 }
    }
  }

  package func start() throws {
    try server.start()
    connectionString = server.connectionString
  }
}
