// Server-Sent Events (WHATWG HTML §9.2): whatever stands in a name, an id or the data, a reader of the standard sees one
// event with that data; nothing in it begins another field or event.
import Protocol

extension FuzzTarget {
  static let eventStream = FuzzTarget("event-stream") { input in
    guard input.count >= 2 else { return }
    let bytes = Array(input.dropFirst(2))
    let nameEnd = min(Int(input[0] & 31), bytes.count)
    let idEnd = min(nameEnd + Int(input[1] & 31), bytes.count)
    let name = String(decoding: bytes[..<nameEnd], as: UTF8.self)
    let id = String(decoding: bytes[nameEnd..<idEnd], as: UTF8.self)
    let data = Array(bytes[idEnd...])

    var stream: [UInt8] = []
    ServerSentEvents.appendComment(name, to: &stream)
    ServerSentEvents.append(name: name, id: id, data: data.span.bytes, to: &stream)
    let events = read(stream)
    try requireEqual(events.count, 1, "one event was written")
    try requireEqual(events.first?.name, withoutBreaks(name), "the name")
    try requireEqual(events.first?.id, withoutBreaks(id), "the id")
    try requireEqual(events.first?.data, lines(data).joined(separator: [0x0A]).map { $0 }, "the data")
  }

  private struct Event: Equatable {
    var name: [UInt8] = []
    var id: [UInt8] = []
    var data: [[UInt8]] = []
  }

  /// The interpretation of WHATWG HTML §9.2.6, for a stream that ends behind its last event.
  private static func read(_ stream: [UInt8]) -> [(name: [UInt8], id: [UInt8], data: [UInt8])] {
    var events: [(name: [UInt8], id: [UInt8], data: [UInt8])] = []
    var event = Event()
    for line in lines(stream).dropLast() {
      if line.isEmpty {
        if !event.data.isEmpty { events.append((event.name, event.id, Array(event.data.joined(separator: [0x0A])))) }
        event = Event()
        continue
      }
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      var value = parts.count == 2 ? Array(parts[1]) : []
      if value.first == 0x20 { value.removeFirst() }
      switch String(decoding: parts[0], as: UTF8.self) {
      case "event": event.name = value
      case "id": if !value.contains(0) { event.id = value }
      case "data": event.data.append(value)
      default: break
      }
    }
    return events
  }

  /// Lines ended by CR LF, LF or CR; what follows the last end is a line too.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = [[]]
    var previous: UInt8 = 0
    for byte in bytes {
      if byte == 0x0D || byte == 0x0A && previous != 0x0D {
        lines.append([])
      } else if byte != 0x0A {
        lines[lines.count - 1].append(byte)
      }
      previous = byte
    }
    return lines
  }

  private static func withoutBreaks(_ text: String) -> [UInt8] {
    text.utf8.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
  }
}
