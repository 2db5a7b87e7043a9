// Processes of a private server: run to the end, launch, watch, signal. Blocking: not for a reactor's thread.
import CPostgres
import EventLoop
import Glibc

/// The unprivileged user that the server's processes run as; nil stands for the hub's own.
struct ServerUser: Equatable {
  let name: String
  let user: uid_t
  let group: gid_t

  init?(named name: String) {
    guard let entry = getpwnam(name) else { return nil }
    self.init(entry)
  }

  init?(number: uid_t) {
    guard let entry = getpwuid(number) else { return nil }
    self.init(entry)
  }

  private init(_ entry: UnsafeMutablePointer<passwd>) {
    name = String(cString: entry.pointee.pw_name)
    user = entry.pointee.pw_uid
    group = entry.pointee.pw_gid
  }

  /// The first folder on the way down to `path` that this user may not enter.
  func barrier(onWayTo path: String) -> String? {
    var folder = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      // The empty part before the first slash stands for the root.
      folder = part.isEmpty ? "/" : folder == "/" ? "/\(part)" : "\(folder)/\(part)"
      var status = stat()
      guard stat(folder, &status) == 0 else { return folder }
      let needed: mode_t = status.st_uid == user ? 0o100 : status.st_gid == group ? 0o010 : 0o001
      if status.st_mode & needed == 0 { return folder }
    }
    return nil
  }
}

struct ServerProcess {
  let pid: pid_t
  /// Whether this process launched it; until it is collected its number is not given to another.
  let isChild: Bool

  /// Launches a program with its output going to a file, which is emptied first.
  static func launch(
    _ path: String, _ arguments: [String], as user: ServerUser?, in directory: String, output: String
  ) throws(SystemError) -> ServerProcess {
    let file = Descriptor(
      owning: try SystemCall.check("open \(output)") {
        open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
      })
    let texts: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    // Messages in English, names as bytes: the hub reads them.
    let variables = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "PGTZ=UTC"]
    let environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) }
    defer { for text in texts + environment { free(text) } }
    let pid = hub_launch(
      path, texts + [nil], environment + [nil], directory, file.number, user == nil ? 0 : 1, user?.user ?? 0,
      user?.group ?? 0)
    if pid < 0 { throw SystemError(call: path, code: -pid) }
    return ServerProcess(pid: pid, isChild: true)
  }

  /// Runs a program to its end; its exit status, or 128 and more when a signal ended it.
  static func run(
    _ path: String, _ arguments: [String], as user: ServerUser?, in directory: String, output: String
  ) throws(SystemError) -> Int32 {
    let process = try launch(path, arguments, as: user, in: directory, output: output)
    var status: Int32 = 0
    try SystemCall.check("waitpid") { waitpid(process.pid, &status, 0) }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
  }

  /// Waits until the process has ended, at most `patience`; whether it has.
  func waitForEnd(_ patience: Duration) -> Bool {
    let deadline = MonotonicTime.now().advanced(by: patience)
    let watch = Descriptor(owning: hub_open_process(pid))
    while true {
      if hasEnded { return true }
      let rest = deadline.since(.now())
      if rest <= .zero { return false }
      // Without a descriptor of the process the look is taken again every 20 ms.
      let pause = watch.number >= 0 ? rest : min(rest, .milliseconds(20))
      var entry = pollfd(fd: watch.number, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, Int32(clamping: Int64(pause / .milliseconds(1)) + 1)) > 0 else { continue }
      // It has ended; if it was somebody else's child its number may stay until that one takes notice.
      _ = hasEnded
      return true
    }
  }

  private var hasEnded: Bool {
    // Collects it where it is this process's child; ECHILD otherwise.
    waitpid(pid, nil, WNOHANG) == pid || (kill(pid, 0) != 0 && errno == ESRCH)
  }
}

/// The last lines of a small text file, for an error's text.
func tail(ofFile path: String, lines: Int = 5) -> String {
  let text = readFile(path) ?? ""
  return text.split(separator: "\n").suffix(lines).joined(separator: "; ")
}

/// A file of at most 1 MiB as text; nil when it cannot be read.
func readFile(_ path: String) -> String? {
  let number = open(path, O_RDONLY | O_CLOEXEC)
  guard number >= 0 else { return nil }
  let file = Descriptor(owning: number)
  var bytes = [UInt8](repeating: 0, count: 4096)
  var content: [UInt8] = []
  while content.count < 1 << 20 {
    let count = read(file.number, &bytes, bytes.count)
    if count < 0 && errno == EINTR { continue }
    if count <= 0 { break }
    content.append(contentsOf: bytes[..<count])
  }
  return String(decoding: content, as: UTF8.self)
}

/// Writes a whole file for the server to read; it belongs to `user`.
func writeFile(_ path: String, _ text: String, for user: ServerUser?) throws(SystemError) {
  let file = Descriptor(
    owning: try SystemCall.check("open \(path)") {
      open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    })
  if let user { try SystemCall.check("fchown \(path)") { fchown(file.number, user.user, user.group) } }
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(file.number, $0.baseAddress, $0.count) }
    if count < 0 && errno != EINTR { throw SystemError(call: "write \(path)") }
    rest = rest.dropFirst(max(0, count))
  }
}
