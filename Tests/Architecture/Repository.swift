// The tree as text: which files there are and what they import.
import Foundation

enum Repository {
  /// The folder with Package.swift, two above this file's.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct File: CustomStringConvertible {
    /// From the root, such as `Sources/Hub/Node.swift`.
    let path: String
    let text: String

    var description: String { path }
    var lines: Int { text.utf8.count(where: { $0 == UInt8(ascii: "\n") }) }

    /// `Hub` for `Sources/Hub/Node.swift`.
    var target: String { String(path.split(separator: "/").dropFirst().first ?? "") }

    /// The modules that a Swift file imports, whatever stands before the word.
    var imports: Set<String> {
      var modules: Set<String> = []
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ").drop {
          $0.hasPrefix("@") || ["package", "public", "internal"].contains($0)
        }
        guard words.first == "import", var name = words.dropFirst().first else { continue }
        // `import struct Foundation.Data`
        if ["struct", "class", "enum", "func", "var", "let", "protocol", "typealias"].contains(name) {
          name = words.dropFirst(2).first ?? ""
        }
        modules.insert(String(name.prefix { $0 != "." && $0 != ";" }))
      }
      return modules
    }
  }

  /// Every file under a folder of the root whose name ends in one of the extensions, by path.
  static func files(in folder: String, _ extensions: Set<String>) -> [File] {
    let base = root.appending(path: folder).resolvingSymlinksInPath()
    guard let found = FileManager.default.enumerator(atPath: base.path(percentEncoded: false)) else { return [] }
    return found.compactMap { entry -> File? in
      guard let name = entry as? String, extensions.contains((name as NSString).pathExtension),
        !name.split(separator: "/").contains(where: { $0.hasPrefix(".") || $0 == "node_modules" }),
        let text = try? String(contentsOf: base.appending(path: name), encoding: .utf8)
      else { return nil }
      return File(path: "\(folder)/\(name)", text: text)
    }.sorted { $0.path < $1.path }
  }

  static let sources = files(in: "Sources", ["swift"])
}
