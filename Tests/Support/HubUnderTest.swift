// A hub process for a test: the built `hub` as a user starts it, on a free loopback port, with a data folder of its own.
// It is ended when the test lets go of it; its log is kept until then and printed on demand.
package import Foundation
import Glibc

package struct SupportError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

package final class HubUnderTest: @unchecked Sendable {
  // @unchecked: everything is set before the process is shared, but for `status`, which has a lock.
  /// Of the first listener in clear, or else of the first.
  package let port: UInt16
  /// Of the first listener that speaks TLS.
  package let tlsPort: UInt16?
  package let data: String
  package let processID: pid_t
  private let logFile: String
  private let lock = NSLock()
  private var status: Int32?

  /// Starts a hub and waits until it says that it is ready.
  ///
  /// Hubs of one database share `data`, since tokens are signed with the secret in it. Without `database` the hub runs its
  /// own private Postgres there. With `descriptors` it may open no more files and sockets than so many.
  package convenience init(
    database: String?, data: String? = nil, listen: [String] = ["127.0.0.1:0"], arguments: [String] = [],
    environment: [String: String] = [:], descriptors: Int? = nil, patience: TimeInterval = 60
  ) throws {
    let data = try data ?? TestFolder.make("hub")
    try self.init(
      command: ["serve", "--data", data] + listen.flatMap { ["--listen", $0] }
        + (database.map { ["--database", $0] } ?? []) + arguments,
      data: data, environment: environment, descriptors: descriptors, patience: patience)
  }

  /// Starts `hub echo`, which needs no database.
  package static func echo(arguments: [String] = []) throws -> HubUnderTest {
    try HubUnderTest(
      command: ["echo", "--listen", "127.0.0.1:0"] + arguments, data: try TestFolder.make("echo"), environment: [:],
      descriptors: nil, patience: 60)
  }

  private init(
    command: [String], data: String, environment: [String: String], descriptors: Int?, patience: TimeInterval
  ) throws {
    self.data = data
    let name = "\(data)/hub-\(UUID().uuidString.prefix(8))"
    // The shell's own limit, soft and hard, is what the hub then runs under.
    let shell = descriptors.map { ["/bin/sh", "-c", "ulimit -n \($0) && exec \"$@\"", "sh"] } ?? []
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HUB_") && $0.key != "DATABASE_URL" }
    variables.merge(environment) { $1 }
    let processID = try spawn(
      shell + [try Self.program()] + command, environment: variables, output: "\(name).out", errors: "\(name).log")
    self.processID = processID
    logFile = "\(name).log"
    let end = Patience.end(within: patience)
    var output = ""
    while !output.contains("hub: ready\n") {
      output = (try? String(contentsOfFile: "\(name).out", encoding: .utf8)) ?? ""
      if output.contains("hub: ready\n") { break }
      var status: Int32 = 0
      if waitpid(processID, &status, WNOHANG) == processID || Date() > end {
        kill(processID, SIGKILL)
        let log = (try? String(contentsOfFile: "\(name).log", encoding: .utf8)) ?? ""
        throw SupportError("the hub did not start:\n\(log)")
      }
      poll(nil, 0, 10)
    }
    tlsPort = Self.port(in: output, "https")
    port = Self.port(in: output, "http") ?? tlsPort ?? 0
  }

  deinit { stop(with: SIGKILL) }

  /// The program beside this test's own.
  package static func program() throws -> String {
    let itself = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    // `swift test` runs a helper from the toolchain that loads the tests: the build folder is among the arguments. It
    // comes first, since a build with a sanitizer is not in the usual place and must test its own program.
    let loaded = CommandLine.arguments.filter { $0.contains(".xctest") }.map { URL(fileURLWithPath: $0) }
    let usual = URL(fileURLWithPath: FileManager.default.currentDirectoryPath + "/.build/debug/hub")
    for neighbour in loaded + [itself, usual] {
      let path = neighbour.deletingLastPathComponent().appendingPathComponent("hub").path
      if access(path, X_OK) == 0 { return path }
    }
    throw SupportError("the program hub is not built")
  }

  private static func port(in output: String, _ scheme: String) -> UInt16? {
    // `hub echo` names its addresses without pages.
    for match in output.matches(of: /hub: (?:(https?):\/\/)?127\.0\.0\.1:(\d+)/) where (match.1 ?? "http") == scheme {
      return UInt16(match.2)
    }
    return nil
  }

  /// What it has logged until now.
  package var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

  /// Sends a signal and waits for the end; answers the exit status (128 + n when ended by signal n). Again is harmless.
  @discardableResult
  package func stop(with signal: Int32 = SIGTERM) -> Int32 {
    lock.lock()
    defer { lock.unlock() }
    if let status { return status }
    kill(processID, signal)
    var raw: Int32 = 0
    while waitpid(processID, &raw, 0) != processID && errno == EINTR {}
    let ended = raw & 0x7F
    let result = ended == 0 ? (raw >> 8) & 0xFF : 128 + ended
    status = result
    return result
  }

  /// Whether the process still runs; one that has ended and was not waited for (a zombie) does not.
  package var isRunning: Bool {
    let text = (try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)) ?? ""
    guard let state = text.split(separator: ")").last?.drop(while: { $0 == " " }).first else { return false }
    return state != "Z"
  }

  /// Resident memory in KiB; 0 under a sanitizer, whose own would be most of it, so that bounds hold of themselves there.
  package var residentMemory: Int {
    if ProcessInfo.processInfo.environment["HUB_SANITIZED"] != nil { return 0 }
    let text = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
    return text.firstMatch(of: /VmRSS:\s+(\d+)/).flatMap { Int($0.1) } ?? 0
  }

  /// An access token signed with this hub's secret.
  package func token(role: String, restaurant: String? = nil, arguments: [String] = []) throws -> String {
    var command = [try Self.program(), "token", "--role", role, "--data", data] + arguments
    if let restaurant { command += ["--restaurant", restaurant] }
    return try run(command).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// Runs a command to its end and answers what it printed; throws when it fails.
@discardableResult
package func run(_ command: [String], environment: [String: String] = ProcessInfo.processInfo.environment) throws
  -> String
{
  let output = try TestFolder.make("run") + "/out"
  let processID = try spawn(command, environment: environment, output: output, errors: output + ".err")
  var status: Int32 = 0
  while waitpid(processID, &status, 0) != processID && errno == EINTR {}
  let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
  guard status == 0 else {
    let errors = (try? String(contentsOfFile: output + ".err", encoding: .utf8)) ?? ""
    throw SupportError("\(command.joined(separator: " ")) failed (\(status)): \(text)\(errors)")
  }
  return text
}

private func spawn(_ command: [String], environment: [String: String], output: String, errors: String) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  var arguments = command.map { strdup($0) } + [nil]
  var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
  defer {
    for pointer in arguments + variables { free(pointer) }
  }
  var processID = pid_t()
  let code = posix_spawn(&processID, command[0], &actions, nil, &arguments, &variables)
  guard code == 0 else { throw SupportError("\(command[0]): \(String(cString: strerror(code)))") }
  return processID
}
