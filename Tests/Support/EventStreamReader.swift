// A reader of event streams by hand (WHATWG HTML §9.2.6), written without the production encoder: bytes in as they come,
// whole events out. It is stricter than a browser: what a browser would pass over is an error here.
import Foundation
import Glibc

package struct EventStreamReader {
  private var bytes: [UInt8] = []
  private var position = 0
  /// Of the event that is being read.
  private var fields: [String: [UInt8]] = [:]
  /// The last `retry` field, in milliseconds.
  package private(set) var retry: Int?
  package private(set) var comments = 0

  package init() {}

  package mutating func append(_ more: [UInt8]) {
    bytes.removeFirst(position)
    position = 0
    bytes += more
  }

  /// The next event with data; nil until one is whole.
  package mutating func next() throws -> HubMessage? {
    while let line = nextLine() {
      if let message = try take(line) { return message }
    }
    return nil
  }

  /// The next line without its end, if that has come. By memchr, since tests are built without optimisation and some
  /// streams have megabytes.
  private mutating func nextLine() -> ArraySlice<UInt8>? {
    let end = bytes.withUnsafeBytes { memory -> Int? in
      guard let base = memory.baseAddress, position < memory.count else { return nil }
      return memchr(base + position, 10, memory.count - position).map { base.distance(to: $0) }
    }
    guard let end else { return nil }
    defer { position = end + 1 }
    return bytes[position..<end]
  }

  /// Takes one line; answers the event that an empty one ends, if it has data.
  private mutating func take(_ line: ArraySlice<UInt8>) throws -> HubMessage? {
    guard let first = line.first else { return try dispatch() }
    if first == UInt8(ascii: ":") {
      comments += 1
      return nil
    }
    let name = String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
    let value = line.dropFirst(name.utf8.count + 1)
    guard ["event", "id", "data", "retry"].contains(name), fields[name] == nil, value.first == UInt8(ascii: " ") else {
      throw SupportError("an unexpected line: \(String(decoding: line, as: UTF8.self))")
    }
    fields[name] = Array(value.dropFirst())
    return nil
  }

  private mutating func dispatch() throws -> HubMessage? {
    let texts = fields.filter { $0.key != "data" }.mapValues { String(decoding: $0, as: UTF8.self) }
    let data = fields["data"]
    fields = [:]
    if let milliseconds = texts["retry"] {
      guard let number = Int(milliseconds) else { throw SupportError("retry: \(milliseconds)") }
      retry = number
    }
    guard let data else { return nil }
    let json = try JSONSerialization.jsonObject(with: Data(data)) as? [String: Any]
    return HubMessage(json: json ?? [:], name: texts["event"], streamID: texts["id"])
  }
}
