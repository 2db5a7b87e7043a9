// Where a private server's files are, whose they are and how it is reached.
import EventLoop
import Glibc

struct PrivateLayout {
  static let superuser = "hub"
  static let database = "hub"
  static let port = 5432

  /// The data folder by its real path.
  let data: String
  var cluster: String { "\(data)/postgres" }
  /// What the server's programs say until the server writes its own log.
  var log: String { "\(data)/postgres.log" }
  var serverLog: String { "\(cluster)/log" }
  private var lockFile: String { "\(data)/postgres.lock" }

  /// Makes the data folder if it is not there.
  init(data: String) throws(PrivatePostgresError) {
    var made = ""
    for part in data.split(separator: "/") {
      made += (made.isEmpty && !data.hasPrefix("/") ? "" : "/") + part
      // Others may pass through it, to what is theirs inside, but not read it.
      if mkdir(made, 0o711) != 0, errno != EEXIST {
        throw .failed("making the data folder", "\(SystemError(call: "mkdir \(made)"))")
      }
    }
    guard let real = realpath(data, nil) else {
      throw .failed("making the data folder", "\(SystemError(call: "realpath \(data)"))")
    }
    defer { free(real) }
    self.data = String(cString: real)
  }

  var hasCluster: Bool { access("\(cluster)/PG_VERSION", F_OK) == 0 }

  /// The major version of the server that made the cluster.
  var clusterVersion: Int? { readFile("\(cluster)/PG_VERSION").flatMap { Int($0.filter { $0 != "\n" }) } }

  // MARK: Ownership

  /// The data folder when none is named: `var` in the working folder. A hub that is root and works where the server's
  /// user may not go (`/root`, say) has `/var/lib/hub` instead.
  static func standardData(workingIn folder: String) -> String {
    guard geteuid() == 0, let user = unprivilegedUser, user.barrier(onWayTo: folder) != nil else { return "./var" }
    return "/var/lib/hub"
  }

  private static var unprivilegedUser: ServerUser? { ServerUser(named: "postgres") ?? ServerUser(named: "nobody") }

  /// Who the server runs as: the cluster's owner; for a new one of a hub that is root, an unprivileged user.
  func chooseUser() throws(PrivatePostgresError) -> ServerUser? {
    let own = geteuid()
    var status = stat()
    let owner = hasCluster && stat(cluster, &status) == 0 ? status.st_uid : nil
    guard own == 0 else {
      if let owner, owner != own { throw .foreign(cluster) }
      return nil
    }
    guard let user = owner.flatMap({ $0 == 0 ? nil : ServerUser(number: $0) }) ?? Self.unprivilegedUser else {
      throw .noUnprivilegedUser
    }
    if owner == 0 { throw .foreign(cluster) }
    if let folder = user.barrier(onWayTo: data) { throw .unreachable(folder: folder, user: user.name) }
    return user
  }

  /// Takes the data folder for this hub; the lock ends with the descriptor, or with the process.
  func takeLock() throws(PrivatePostgresError) -> Descriptor {
    let number = open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw .failed("locking the data folder", "\(SystemError(call: "open \(lockFile)"))") }
    let descriptor = Descriptor(owning: number)
    guard flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(lockFile) }
    return descriptor
  }

  /// Makes a folder that only the server's user enters, or checks that one which is there is just that.
  func makeFolder(_ path: String, for user: ServerUser?) throws(SystemError) {
    let owner = user?.user ?? geteuid()
    if mkdir(path, 0o700) == 0 {
      if let user { try SystemCall.check("chown \(path)") { lchown(path, user.user, user.group) } }
      return
    }
    guard errno == EEXIST else { throw SystemError(call: "mkdir \(path)") }
    var status = stat()
    try SystemCall.check("lstat \(path)") { lstat(path, &status) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == owner, status.st_mode & 0o077 == 0 else {
      throw SystemError(call: "use of \(path) (it is there already and not a private folder)", code: EPERM)
    }
  }

  // MARK: The socket

  /// Makes the folder of the socket. A Unix socket's path has at most 107 bytes, and libpq takes a comma in a folder's
  /// name for the end of it; such a data folder has its socket elsewhere, under a name made from its own.
  func makeSocketFolder(for user: ServerUser?) throws(PrivatePostgresError) -> String {
    let inside = "\(data)/run"
    let isUsable = Self.socketPath(in: inside).utf8.count <= 107 && !data.contains(",")
    let base = access("/run", W_OK) == 0 ? "/run" : "/tmp"
    let folder = isUsable ? inside : "\(base)/hub-\(Self.fingerprint(of: data))"
    do {
      try makeFolder(folder, for: user)
    } catch {
      throw .failed("making the socket's folder", "\(error)")
    }
    return folder
  }

  private static func socketPath(in folder: String) -> String { "\(folder)/.s.PGSQL.\(port)" }

  /// FNV-1a, 64 bits: a short name, not a secret.
  private static func fingerprint(of text: String) -> String {
    let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// An item of a list setting, in quotes so that commas and blanks are part of it.
  static func quotedListItem(_ text: String) -> String {
    "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  static func connectionString(socketFolder: String, database: String) -> String {
    var quoted = ""
    for character in socketFolder {
      if character == "'" || character == "\\" { quoted.append("\\") }
      quoted.append(character)
    }
    return "host='\(quoted)' port=\(port) dbname=\(database) user=\(superuser)"
  }

  // MARK: Settings

  static let configuration = """
    # Written by the hub when it made this cluster; from then on it is yours to change. The socket's folder and that
    # there is no TCP are given on the command line.
    max_connections = 100
    shared_buffers = 128MB
    synchronous_commit = on
    max_wal_size = 1GB
    timezone = 'UTC'
    log_timezone = 'UTC'
    datestyle = 'iso, ymd'
    lc_messages = 'C'

    # One file a weekday, each overwritten a week later.
    logging_collector = on
    log_directory = 'log'
    log_filename = 'postgresql-%a.log'
    log_truncate_on_rotation = on
    log_rotation_age = 1d
    log_rotation_size = 0
    log_line_prefix = '%m [%p] %q%a '

    """
}
