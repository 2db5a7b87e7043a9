// Folders of the tests' own under /tmp, readable for the unprivileged server; all of them go when the process ends.
import Foundation
import Glibc

package enum TestFolder {
  private static let root: String = {
    let path = "/tmp/hub-tests.\(getpid())"
    mkdir(path, 0o755)
    atexit {
      TestPostgres.stopShared()
      try? FileManager.default.removeItem(atPath: "/tmp/hub-tests.\(getpid())")
    }
    return path
  }()

  package static func make(_ name: String) throws -> String {
    let path = "\(root)/\(name)-\(UUID().uuidString.prefix(8).lowercased())"
    guard mkdir(path, 0o755) == 0 else { throw SupportError("\(path) cannot be made") }
    return path
  }
}
