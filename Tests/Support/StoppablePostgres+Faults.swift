// Further ways for a Postgres to fail its clients: frozen with its connections open, or put back to an earlier copy of its
// files. And the programs that come with it.
import Foundation
import Glibc
import Postgres

extension StoppablePostgres {
  /// Stops every process of the server where it is: connections stay and nothing answers.
  package func freeze() throws { try signalAll(SIGSTOP) }

  package func thaw() throws { try signalAll(SIGCONT) }

  private func signalAll(_ signal: Int32) throws {
    guard let postmaster = server.processIdentifier else { throw SupportError("the server does not run") }
    // The postmaster first, so that it makes no others meanwhile; on the way back last.
    if signal == SIGSTOP { kill(postmaster, signal) }
    let children =
      (try? String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8)) ?? ""
    for child in children.split(separator: " ") { kill(pid_t(child) ?? 0, signal) }
    if signal != SIGSTOP { kill(postmaster, signal) }
  }

  /// Copies the files of the stopped server, as a snapshot of its file system would.
  package func copyFiles(to folder: String) throws {
    try run(["/bin/cp", "-a", server.clusterFolder, folder])
  }

  /// Puts such a copy back in place of the files of the stopped server.
  package func putBack(_ folder: String) throws {
    try run(["/bin/rm", "-rf", server.clusterFolder])
    try run(["/bin/cp", "-a", folder, server.clusterFolder])
  }

  /// One of the programs that are installed beside the server, such as pg_dump.
  package static func program(_ name: String) throws -> String {
    guard let folder = PrivatePostgres.programsFolder else { throw SupportError("PostgreSQL is not installed") }
    return "\(folder)/\(name)"
  }
}
