// The structured log: a line an event, with a level, a message that is always the same words, and fields that vary. Any
// thread may log: a line is rendered on its own and leaves in one write(2), which keeps lines whole on pipes and files.
// Nothing is logged that was not given as a field by name; tokens, passwords and bodies never are. A log that cannot be
// written is dropped: it must not stop the hub.
import Glibc

/// A log with its level, form and the fields that every line of it carries.
package struct Log: Sendable {
  /// How much a line matters.
  package enum Level: String, Hashable, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    private var weight: Int {
      switch self {
      case .debug: 0
      case .info: 1
      case .warning: 2
      case .error: 3
      }
    }

    package static func < (left: Level, right: Level) -> Bool { left.weight < right.weight }
  }

  /// How a line is written.
  package enum Form: String, Hashable, Sendable, CaseIterable {
    case text, json
  }

  package let level: Level
  package let form: Form
  private let descriptor: Int32
  private let fields: [LogField]
  private let clock: @Sendable () -> Timestamp

  /// Writes to standard error unless another descriptor is given, which stays the caller's.
  package init(
    level: Level = .info, form: Form = .text, descriptor: Int32 = 2,
    clock: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.init(level: level, form: form, descriptor: descriptor, clock: clock, fields: [])
  }

  private init(
    level: Level, form: Form, descriptor: Int32, clock: @escaping @Sendable () -> Timestamp, fields: [LogField]
  ) {
    self.level = level
    self.form = form
    self.descriptor = descriptor
    self.clock = clock
    self.fields = fields
  }

  /// The same log with more fields on every line.
  package func with(_ more: KeyValuePairs<String, LogValue>) -> Log {
    Log(level: level, form: form, descriptor: descriptor, clock: clock, fields: fields + more.map(LogField.init))
  }

  package func debug(_ message: StaticString, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    write(.debug, message, fields)
  }

  package func info(_ message: StaticString, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    write(.info, message, fields)
  }

  package func warning(_ message: StaticString, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    write(.warning, message, fields)
  }

  package func error(_ message: StaticString, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    write(.error, message, fields)
  }

  private func write(_ level: Level, _ message: StaticString, _ more: () -> KeyValuePairs<String, LogValue>) {
    guard level >= self.level else { return }
    let line = LogLine(
      time: clock(), level: level, message: message.description, fields: fields + more().map(LogField.init))
    var text = form == .json ? line.json : line.text
    text.append("\n")
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }
}
