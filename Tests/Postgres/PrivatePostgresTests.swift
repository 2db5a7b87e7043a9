import EventLoop
import Glibc
import Testing

@testable import Postgres

@Suite("A private Postgres", .timeLimit(.minutes(2)), .serialized)
struct PrivatePostgresTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = makeTemporaryFolder()
    defer { removeFolder(folder) }
    try body(folder)
  }

  private func number(_ sql: String, _ target: String) throws -> Int64 {
    try BlockingConnection(target).query(Statement(sql))[0].int64(0)
  }

  @Test("keeps its data elsewhere when its user may not enter the working folder")
  func standardData() throws {
    try withFolder { folder in
      chmod(folder, 0o755)
      #expect(PrivateLayout.standardData(workingIn: folder) == "./var")
      chmod(folder, 0o700)
      #expect(PrivateLayout.standardData(workingIn: folder) == (geteuid() == 0 ? "/var/lib/hub" : "./var"))
    }
  }

  @Test("is made, started, stopped and started again with its data")
  func life() throws {
    try withFolder { folder in
      let data = "\(folder)/var/hub"
      let postgres = try PrivatePostgres.prepare(data: data)
      #expect(PrivatePostgres.connectionString(running: data) == nil)
      try postgres.start()
      #expect(PrivatePostgres.connectionString(running: data) == postgres.connectionString)
      let session = try BlockingConnection(postgres.connectionString)
      try session.run("CREATE TABLE kept AS SELECT 7 AS n")
      let settings = try session.query(
        Statement(
          """
          SELECT current_setting('listen_addresses'), current_setting('server_encoding'), current_database(),
            current_setting('synchronous_commit'), current_setting('max_connections'), current_user,
            (SELECT datcollate FROM pg_database WHERE datname = current_database())
          """))
      let found = (0..<7).map { settings[0].string($0) }
      #expect(found == ["", "UTF8", "hub", "on", "100", "hub", "C.UTF-8"])
      // Nobody else enters, and nobody else uses the folder meanwhile.
      for private_ in ["postgres", "run"] {
        var status = stat()
        #expect(stat("\(data)/\(private_)", &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(geteuid() != 0 || status.st_uid != 0)
      }
      #expect(throws: PrivatePostgresError.inUse("\(data)/postgres.lock")) { try PrivatePostgres.prepare(data: data) }
      let pid = try #require(postgres.processIdentifier)
      try postgres.stop()
      #expect(kill(pid, 0) != 0 && PrivatePostgres.connectionString(running: data) == nil)
      try postgres.stop()
      try postgres.start()
      #expect(try number("SELECT n FROM kept", postgres.connectionString) == 7)
      try postgres.stop()
    }
  }

  @Test("is adopted by the next hub when a hub was killed, and stopped by that one")
  func adoption() throws {
    try withFolder { folder in
      var pid: Int32?
      do {
        // Dropped without `stop`, as by kill -9: the lock ends with the object, the server goes on.
        let killed = try PrivatePostgres.prepare(data: folder)
        try killed.start()
        pid = killed.processIdentifier
      }
      let next = try PrivatePostgres.prepare(data: folder)
      try next.start()
      #expect(next.processIdentifier == pid)
      #expect(try number("SELECT 1", next.connectionString) == 1)
      try next.stop()
      #expect(PostmasterFile(cluster: next.clusterFolder) == nil)
    }
  }

  @Test("recovers after the server itself was killed")
  func serverKilled() throws {
    try withFolder { folder in
      let postgres = try PrivatePostgres.prepare(data: folder)
      try postgres.start()
      try BlockingConnection(postgres.connectionString).run("CREATE TABLE kept AS SELECT 7 AS n")
      let pid = try #require(postgres.processIdentifier)
      kill(pid, SIGKILL)
      #expect(ServerProcess(pid: pid, isChild: true).waitForEnd(.seconds(10)))
      // Its file is still there; the number in it may meanwhile be another program's, here this one's.
      let file = "\(postgres.clusterFolder)/\(PostmasterFile.name)"
      let lines = try #require(readFile(file)).split(separator: "\n", omittingEmptySubsequences: false)
      let owner = ServerUser(named: geteuid() == 0 ? "postgres" : "")
      try writeFile(file, ([String(getpid())] + lines.dropFirst().map(String.init)).joined(separator: "\n"), for: owner)
      #expect(PrivatePostgres.connectionString(running: folder) == nil)
      try postgres.start()
      #expect(postgres.processIdentifier != pid)
      #expect(try number("SELECT n FROM kept", postgres.connectionString) == 7)
      try postgres.stop()
    }
  }

  @Test("waits for a server that is about to stop, then starts anew")
  func stopping() throws {
    try withFolder { folder in
      let first = try PrivatePostgres.prepare(data: folder)
      try first.start()
      // A smart shutdown waits for this session, so the server is stopping for as long as it lasts.
      let pid = try #require(first.processIdentifier)
      var session: BlockingConnection? = try BlockingConnection(first.connectionString)
      _ = try session?.query(Statement("SELECT 1"))
      kill(pid, SIGTERM)
      session = nil
      try first.start()
      #expect(first.processIdentifier != pid)
      #expect(try number("SELECT 1", first.connectionString) == 1)
      try first.stop()
    }
  }

  @Test(
    "has its socket elsewhere when the data folder's path is too long or odd for one",
    arguments: [
      String(repeating: "long-", count: 30), "comma,'quote' and \\blank", "plain ' and \"",
    ])
  func oddPath(_ name: String) throws {
    try withFolder { folder in
      let postgres = try PrivatePostgres.prepare(data: "\(folder)/\(name)")
      try postgres.start()
      #expect(try number("SELECT 1", postgres.connectionString) == 1)
      let socketFolder = PostmasterFile(cluster: postgres.clusterFolder)?.socketFolder ?? ""
      try postgres.stop()
      #expect(socketFolder.hasPrefix(folder) == name.hasPrefix("plain"))
      if !socketFolder.hasPrefix(folder) { removeFolder(socketFolder) }
    }
  }

  @Test("explains which folder its user may not enter", .enabled(if: geteuid() == 0))
  func unreachable() throws {
    try withFolder { folder in
      chmod(folder, 0o700)
      let user = ServerUser(named: "postgres") == nil ? "nobody" : "postgres"
      #expect(throws: PrivatePostgresError.unreachable(folder: folder, user: user)) {
        try PrivatePostgres.prepare(data: "\(folder)/data")
      }
    }
  }

  @Test("says why it does not start, and leaves a half-made cluster for nobody to find")
  func faults() throws {
    try withFolder { folder in
      mkdir("\(folder)/postgres.new", 0o700)
      let postgres = try PrivatePostgres.prepare(data: folder)
      #expect(access("\(folder)/postgres.new", F_OK) != 0)
      let owner = ServerUser(named: geteuid() == 0 ? "postgres" : "")
      try writeFile("\(postgres.clusterFolder)/postgresql.conf", "no_such_setting = 1\n", for: owner)
      do {
        try postgres.start()
        Issue.record("it started")
      } catch {
        #expect("\(error)".contains("no_such_setting"))
      }
      #expect(postgres.processIdentifier == nil)
    }
  }
}

@Suite("The doctor's facts", .timeLimit(.minutes(1)))
struct ServerFactsTests {
  @Test("are read from the server")
  func facts() throws {
    let facts = try ServerFacts.gather(TestServer.shared().connectionString)
    #expect(facts.versionNumber >= 140_000 && facts.version.hasPrefix(String(facts.versionNumber / 10_000)))
    #expect(facts.pooler == .none && !facts.isStandby)
    #expect(facts.maximumConnections == 100 && facts.usedConnections >= 1)
    // The same machine, hence the same clock.
    #expect(abs(facts.clockSkew) < 1000)
  }
}
