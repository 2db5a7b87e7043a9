// What a server says about itself in postmaster.pid, and whether that is still true.
import EventLoop
import Glibc

/// The lock file of a cluster (PostgreSQL, src/include/utils/pidfile.h): process id, cluster, start time, port, socket
/// folder, listen address, shared memory key, status; a line each.
struct PostmasterFile {
  static let name = "postmaster.pid"

  let pid: pid_t
  let socketFolder: String
  let status: String

  /// nil when there is no file, or none that is complete enough to name a process.
  init?(cluster: String) {
    guard let text = readFile("\(cluster)/\(Self.name)") else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, let pid = pid_t(first), pid > 1 else { return nil }
    self.pid = pid
    socketFolder = lines.count > 4 ? String(lines[4]) : ""
    status = lines.count > 7 ? String(lines[7].filter { $0 != " " }) : "starting"
  }

  var isReady: Bool { status == "ready" || status == "standby" }
  var isStopping: Bool { status == "stopping" }

  /// Whether the process lives and is a server of this cluster, not a later process that was given the same number.
  func isAlive(cluster: String) -> Bool {
    // A program that was upgraded while it runs has " (deleted)" behind its name.
    if let folder = linkTarget("/proc/\(pid)/cwd"), let program = linkTarget("/proc/\(pid)/exe") {
      return folder == cluster && isServer(program)
    }
    // Root in a container may not look at those of other users; the command line is everybody's to read.
    let arguments = readFile("/proc/\(pid)/cmdline")?.split(separator: "\0") ?? []
    return arguments.first.map { isServer(String($0)) } ?? false && arguments.contains { $0 == cluster }
  }

  private func isServer(_ program: String) -> Bool {
    program.split(separator: "/").last.map { $0.hasPrefix("postgres") || $0.hasPrefix("postmaster") } ?? false
  }

  /// Makes a file whose process number is now another program's acceptable to a new server, which would take that
  /// program for a server. The file is not removed: by its shared memory key the new server finds out whether processes
  /// of the old one still write to the cluster.
  func disown(cluster: String, user: ServerUser?) throws(SystemError) {
    guard kill(pid, 0) == 0 || errno == EPERM, let text = readFile("\(cluster)/\(Self.name)") else { return }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // No process has this number: it is above the kernel's highest possible pid_max (2^22).
    let rewritten = (["2147483000"] + lines.dropFirst().map(String.init)).joined(separator: "\n")
    try writeFile("\(cluster)/\(Self.name)", rewritten, for: user)
  }
}

/// Where a symbolic link points; nil when it is none or may not be read.
func linkTarget(_ path: String) -> String? {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = buffer.withUnsafeMutableBytes { raw in
    raw.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), raw.count) } ?? 0
  }
  return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
}
