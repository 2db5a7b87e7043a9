// The screens and their library, read from disk once at start: few, small, and the same for everybody.
import Compression
import Crypto
import Glibc

package struct Assets: Sendable {
  struct Asset: Sendable {
    let type: StaticString
    let bytes: [UInt8]
    let gzipped: [UInt8]?
    let entityTag: String
  }

  private let assets: [String: Asset]

  /// Pages that have an address of their own.
  private static let pages = [
    "/": "/clients/web/index.html", "/kitchen": "/clients/web/kitchen.html", "/till": "/clients/web/till.html",
    "/ramp": "/clients/web/ramp.html",
  ]

  private static let types: [String: StaticString] = [
    "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml", "png": "image/png", "json": "application/json", "ico": "image/x-icon",
    "webmanifest": "application/manifest+json", "woff2": "font/woff2",
  ]

  /// Reads `folder`/js and `folder`/web; an unreadable folder gives no assets.
  package init(folder: String) {
    var assets: [String: Asset] = [:]
    for part in ["js", "web"] { Self.read("\(folder)/\(part)", as: "/clients/\(part)", into: &assets) }
    for (page, file) in Self.pages { assets[page] = assets[file] }
    self.assets = assets
  }

  package var isEmpty: Bool { assets.isEmpty }

  func asset(at path: String) -> Asset? { assets[path] }

  private static func read(_ folder: String, as path: String, into assets: inout [String: Asset]) {
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(".") { continue }
      if let type = types[String(name.split(separator: ".").last ?? "")], let bytes = contents("\(folder)/\(name)") {
        let gzipped = bytes.count > 1024 ? try? Gzip.compress(bytes.span.bytes) : nil
        let tag = API.digest(bytes).prefix(16)
        assets["\(path)/\(name)"] = Asset(type: type, bytes: bytes, gzipped: gzipped, entityTag: "\"\(tag)\"")
      } else if entry.pointee.d_type == DT_DIR {
        read("\(folder)/\(name)", as: "\(path)/\(name)", into: &assets)
      }
    }
  }

  private static func contents(_ path: String) -> [UInt8]? { readFile(path) }
}

/// The bytes of a file; nil when it cannot be read.
package func readFile(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 * 1024)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { return ferror(file) == 0 ? bytes : nil }
    bytes.append(contentsOf: chunk[..<count])
  }
}

extension Assets {
  /// The `clients` folder beside the program or above it (a build in its repository), else in the working directory.
  package static func defaultFolder() -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count - 1)
    var folder = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      for candidate in ["\(folder)/clients", "\(folder)/share/hub/clients"]
      where access("\(candidate)/web/index.html", R_OK) == 0 {
        return candidate
      }
    }
    return "clients"
  }
}
