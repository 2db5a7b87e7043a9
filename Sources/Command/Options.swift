// Flags, each also as an environment variable: `--data DIR` or `HUB_DATA`. A flag wins; a flag that is not known is an
// error, so that a typing mistake never runs with other settings than meant.
import Glibc

struct UsageError: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

func complain(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = write(2, line, line.count)
}

struct Options {
  private var values: [String: [String]] = [:]
  private let environment: (String) -> String?

  /// Options that stand alone; all others take a value.
  private static let switches: Set<String> = ["demo"]

  init(_ arguments: [String], environment: @escaping (String) -> String? = { getenv($0).map { String(cString: $0) } })
    throws
  {
    self.environment = environment
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else { throw UsageError("\"\(argument)\" is not an option.") }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if parts.count == 2 {
        values[name, default: []].append(String(parts[1]))
      } else if Self.switches.contains(name) {
        values[name, default: []].append("true")
      } else if let value = rest.popFirst() {
        values[name, default: []].append(value)
      } else {
        throw UsageError("--\(name) needs a value.")
      }
    }
  }

  /// Refuses options that the subcommand does not know.
  func allowOnly(_ names: String...) throws { try allowOnly(names) }

  func allowOnly(_ names: [String]) throws {
    for name in values.keys where !names.contains(name) { throw UsageError("--\(name) is no option here.") }
  }

  /// Every value of a repeatable option; in the environment they are separated by commas.
  func all(_ name: String) -> [String] {
    if let given = values[name] { return given }
    return variable(name).map { $0.split(separator: ",").map(String.init) } ?? []
  }

  subscript(_ name: String) -> String? { values[name]?.last ?? variable(name) }

  func isSet(_ name: String) throws -> Bool {
    switch self[name] {
    case nil, "false", "0", "no": false
    case "true", "1", "yes", "": true
    case let other?: throw UsageError("--\(name) is true or false, not \"\(other)\".")
    }
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw UsageError("--\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
    return value
  }

  /// A time such as `90s`, `15m` or `1h`, in seconds.
  func seconds(_ name: String) throws -> Int? {
    guard let text = self[name] else { return nil }
    let factors: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let unit = text.last, let factor = factors[unit], let number = Int(text.dropLast()), number > 0,
      number < 1_000_000
    else { throw UsageError("--\(name) is a time such as 90s, 15m or 1h.") }
    return number * factor
  }

  private func variable(_ name: String) -> String? {
    let key = "HUB_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    guard let value = environment(key), !value.isEmpty else { return nil }
    return value
  }
}
