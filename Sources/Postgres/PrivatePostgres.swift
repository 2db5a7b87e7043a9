// A Postgres of the hub's own, for whoever has set none up: made under the data folder, reached through a Unix socket
// only, run as an unprivileged user.
//
// 1. Synchronous and blocking: it is used before the reactors run and after they have ended.
// 2. One hub a data folder: a lock file is held as long as this object lives, and by the kernel's doing not a moment
//    longer.
// 3. A hub that is killed leaves its server running; the next one on the same folder adopts it. `stop` ends a server
//    that this object started or adopted.
// 4. Who may enter the socket's folder (mode 0700) is the database's superuser; that folder is the whole protection.
// Layout of the data folder: postgres/ (the cluster), run/ (the socket), postgres.lock, postgres.log (output of the
// start).
import EventLoop
import Glibc

package enum PrivatePostgresError: Error, Equatable, Sendable, CustomStringConvertible {
  case notInstalled(version: Int?)
  case noUnprivilegedUser
  /// The server's user may not enter a folder on the way to the data folder.
  case unreachable(folder: String, user: String)
  case inUse(String)
  case foreign(String)
  case failed(String, String)

  package var description: String {
    switch self {
    case .notInstalled(let version):
      "no PostgreSQL\(version.map { " \($0)" } ?? "") server found in \(PostgresPrograms.searched); "
        + "install the package postgresql, or set DATABASE_URL to a server that runs elsewhere"
    case .noUnprivilegedUser:
      "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as"
    case .unreachable(let folder, let user):
      "PostgreSQL would run as user \(user), who may not enter \(folder); choose another data folder, "
        + "or allow it with: chmod o+x \(folder)"
    case .inUse(let path): "another hub uses this data folder (it holds the lock \(path))"
    case .foreign(let path): "\(path) belongs to another user; run the hub as that user or choose another data folder"
    case .failed(let step, let detail): "\(step): \(detail)"
    }
  }
}

package final class PrivatePostgres {
  private let layout: PrivateLayout
  private let user: ServerUser?
  private let lock: Descriptor
  private var server: ServerProcess?

  private init(layout: PrivateLayout, user: ServerUser?, lock: consuming Descriptor) {
    self.layout = layout
    self.user = user
    self.lock = lock
  }

  /// How to connect once it is started.
  package private(set) var connectionString = ""

  /// The process number of the server, while it runs for this object.
  package var processIdentifier: Int32? { server?.pid }

  /// The folder of the cluster, with the server's log in `log/`.
  package var clusterFolder: String { layout.cluster }

  /// Where the server's programs are installed; nil when they are not.
  package static var programsFolder: String? { PostgresPrograms.find()?.folder }

  /// The data folder when none is named: `./var`, or `/var/lib/hub` for a hub that is root in a folder that the
  /// server's unprivileged user may not enter.
  package static var standardData: String {
    guard let folder = realpath(".", nil) else { return "./var" }
    defer { free(folder) }
    return PrivateLayout.standardData(workingIn: String(cString: folder))
  }

  /// Makes the data folder and the cluster in it if they are not there, and takes the folder's lock.
  package static func prepare(data: String) throws(PrivatePostgresError) -> PrivatePostgres {
    let layout = try PrivateLayout(data: data)
    let user = try layout.chooseUser()
    let lock = try layout.takeLock()
    let postgres = PrivatePostgres(layout: layout, user: user, lock: lock)
    if !layout.hasCluster { try postgres.makeCluster() }
    return postgres
  }

  /// How to connect to the server that runs for a data folder, whoever started it; nil when none does.
  package static func connectionString(running data: String) -> String? {
    guard let layout = try? PrivateLayout(data: data), let file = PostmasterFile(cluster: layout.cluster),
      file.isReady, file.isAlive(cluster: layout.cluster)
    else { return nil }
    return PrivateLayout.connectionString(socketFolder: file.socketFolder, database: PrivateLayout.database)
  }

  /// Starts the server, or adopts the one that an earlier hub left running, and waits until it accepts connections; a
  /// server that recovers from a crash first is given `patience` for it.
  package func start(patience: Duration = .seconds(300)) throws(PrivatePostgresError) {
    let deadline = MonotonicTime.now().advanced(by: patience)
    while true {
      if try !adopt(deadline) { try launch(deadline) }
      guard let file = PostmasterFile(cluster: layout.cluster) else {
        throw .failed("start of PostgreSQL", "it ended at once")
      }
      do {
        try makeDatabase(socketFolder: file.socketFolder)
        connectionString = PrivateLayout.connectionString(
          socketFolder: file.socketFolder, database: PrivateLayout.database)
        return
      } catch {
        // An adopted server may just have begun to stop: its file says so only a moment later. Then begin again.
        let isChanging = "\(error)".contains("the database system is")
        guard isChanging, MonotonicTime.now() < deadline else { throw .failed("making the database", "\(error)") }
        usleep(20_000)
      }
    }
  }

  private func makeDatabase(socketFolder: String) throws(PostgresError) {
    let session = try BlockingConnection(
      PrivateLayout.connectionString(socketFolder: socketFolder, database: "postgres"))
    let name = PrivateLayout.database
    guard try session.query(Statement("SELECT FROM pg_database WHERE datname = $1", [.text(name)])).isEmpty else {
      return
    }
    try session.query(Statement("CREATE DATABASE \(name)"))
  }

  /// Ends the server (fast shutdown: open transactions are rolled back) and waits until it has ended.
  package func stop(patience: Duration = .seconds(60)) throws(PrivatePostgresError) {
    guard let server else { return }
    self.server = nil
    connectionString = ""
    let signals = [(SIGINT, patience), (SIGQUIT, Duration.seconds(10))]
    for (signal, patience) in signals {
      // Adopted and ended since: the number may be another process's by now.
      if !server.isChild, PostmasterFile(cluster: layout.cluster)?.isAlive(cluster: layout.cluster) != true { return }
      kill(server.pid, signal)
      if server.waitForEnd(patience) { return }
    }
    throw .failed("stop of PostgreSQL", "process \(server.pid) does not end; see \(layout.serverLog)")
  }

  // MARK: Making the cluster

  private func makeCluster() throws(PrivatePostgresError) {
    guard let programs = PostgresPrograms.find() else { throw .notInstalled(version: nil) }
    // Made under another name first, so that a half-made cluster is never taken for one.
    let unfinished = layout.cluster + ".new"
    try describing("making the folders") { () throws(SystemError) in
      _ = try ServerProcess.run("/bin/rm", ["-rf", unfinished], as: nil, in: "/", output: layout.log)
      try layout.makeFolder(unfinished, for: user)
    }
    // C.UTF-8 compares bytes and knows the letters of all languages; systems without it get C.
    let locale = newlocale(LC_CTYPE_MASK | LC_COLLATE_MASK, "C.UTF-8", nil)
    defer { if let locale { freelocale(locale) } }
    let arguments = [
      "--pgdata=\(unfinished)", "--username=\(PrivateLayout.superuser)", "--encoding=UTF8",
      "--locale=\(locale == nil ? "C" : "C.UTF-8")", "--auth-local=trust", "--auth-host=reject",
    ]
    try checking("making the cluster") { () throws(SystemError) in
      let status = try ServerProcess.run(programs.initdb, arguments, as: user, in: unfinished, output: layout.log)
      guard status == 0 else { return tail(ofFile: layout.log) }
      try writeFile("\(unfinished)/postgresql.conf", PrivateLayout.configuration, for: user)
      try SystemCall.check("rename \(unfinished)") { rename(unfinished, layout.cluster) }
      return nil
    }
  }

  // MARK: Starting

  /// Takes up a server of this cluster that runs already; false when there is none.
  private func adopt(_ deadline: MonotonicTime) throws(PrivatePostgresError) -> Bool {
    guard let file = PostmasterFile(cluster: layout.cluster) else { return false }
    guard file.isAlive(cluster: layout.cluster) else {
      try describing("taking over \(PostmasterFile.name)") { () throws(SystemError) in
        try file.disown(cluster: layout.cluster, user: user)
      }
      return false
    }
    let process = ServerProcess(pid: file.pid, isChild: server?.pid == file.pid)
    if file.isStopping {
      guard process.waitForEnd(deadline.since(.now())) else {
        throw .failed("start of PostgreSQL", "an earlier server, process \(file.pid), does not end")
      }
      return false
    }
    guard try waitUntilReady(process, deadline) else { return false }
    server = process
    return true
  }

  private func launch(_ deadline: MonotonicTime) throws(PrivatePostgresError) {
    let version = layout.clusterVersion
    guard let programs = PostgresPrograms.find(version: version) else { throw .notInstalled(version: version) }
    let folder = try layout.makeSocketFolder(for: user)
    let arguments = [
      "-D", layout.cluster, "-c", "listen_addresses=", "-c", "port=\(PrivateLayout.port)",
      "-c", "unix_socket_directories=\(PrivateLayout.quotedListItem(folder))", "-c", "unix_socket_permissions=0700",
    ]
    while true {
      let process: ServerProcess
      do {
        process = try ServerProcess.launch(
          programs.postgres, arguments, as: user, in: layout.cluster, output: layout.log)
      } catch {
        throw .failed("start of PostgreSQL", "\(error)")
      }
      if try waitUntilReady(process, deadline) {
        server = process
        return
      }
      // After a crash of the server its session processes need a moment to notice and end.
      let reason = tail(ofFile: layout.log)
      guard reason.contains("still in use"), MonotonicTime.now() < deadline else {
        throw .failed("start of PostgreSQL", "\(reason) (see \(layout.log) and \(layout.serverLog))")
      }
      usleep(100_000)
    }
  }

  /// Waits until the server accepts connections; false when it ended instead.
  private func waitUntilReady(
    _ process: ServerProcess, _ deadline: MonotonicTime
  ) throws(PrivatePostgresError) -> Bool {
    while true {
      if let file = PostmasterFile(cluster: layout.cluster), file.pid == process.pid, file.isReady { return true }
      // The server tells of its progress only in its file, so the file is looked at every 10 ms.
      if process.waitForEnd(.milliseconds(10)) { return false }
      if MonotonicTime.now() > deadline {
        throw .failed("start of PostgreSQL", "process \(process.pid) is not ready yet; see \(layout.serverLog)")
      }
    }
  }
}

/// Runs a step and names it in its error.
private func describing<Failure: Error>(
  _ step: String, _ body: () throws(Failure) -> Void
) throws(PrivatePostgresError) {
  do { try body() } catch { throw .failed(step, "\(error)") }
}

/// Runs a step that answers with what went wrong, nil for nothing.
private func checking<Failure: Error>(
  _ step: String, _ body: () throws(Failure) -> String?
) throws(PrivatePostgresError) {
  let fault: String?
  do { fault = try body() } catch { throw .failed(step, "\(error)") }
  if let fault { throw .failed(step, fault) }
}
