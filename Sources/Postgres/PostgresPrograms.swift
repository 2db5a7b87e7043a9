// Where the server's programs are installed.
import Glibc

struct PostgresPrograms: Equatable {
  let folder: String
  /// The major version by the folder's name; nil when it is not told there.
  let version: Int?

  var initdb: String { "\(folder)/initdb" }
  var postgres: String { "\(folder)/postgres" }

  static let searched = "/usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, /usr/local/pgsql/bin and PATH"

  /// The newest programs, or those of the version that made the cluster.
  static func find(version wanted: Int? = nil) -> PostgresPrograms? {
    let versioned = entries(of: "/usr/lib/postgresql").map { ("/usr/lib/postgresql/\($0)/bin", Int($0)) }
    let packaged = entries(of: "/usr").filter { $0.hasPrefix("pgsql-") }.map {
      ("/usr/\($0)/bin", Int($0.dropFirst(6)))
    }
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let others = ["/usr/local/pgsql/bin"] + path.split(separator: ":").map(String.init)
    let all = (versioned + packaged).sorted { ($0.1 ?? 0) > ($1.1 ?? 0) } + others.map { ($0, nil) }
    return all.lazy.map { PostgresPrograms(folder: $0.0, version: $0.1) }.first { programs in
      programs.areThere && (wanted == nil || programs.version == nil || programs.version == wanted)
    }
  }

  private var areThere: Bool { access(initdb, X_OK) == 0 && access(postgres, X_OK) == 0 }

  private static func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}
