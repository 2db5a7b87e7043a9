// Server-Sent Events as a plain client reads them (the HTML standard, "Parsing an event stream").

/// One event of a stream.
package struct StreamedEvent: Equatable {
  package let name: String
  package let id: String
  package let data: String
}

package struct EventStream {
  private var pending: [UInt8] = []
  private var name = ""
  private var id = ""
  private var data: [String] = []

  package init() {}

  /// The events that are whole with these bytes. Comments are no events.
  package mutating func take(_ bytes: [UInt8]) -> [StreamedEvent] {
    pending += bytes
    var events: [StreamedEvent] = []
    var start = 0
    while let end = pending[start...].firstIndex(of: 10) {
      var line = pending[start..<end]
      if line.last == 13 { line.removeLast() }
      start = end + 1
      if line.isEmpty {
        if !data.isEmpty {
          events.append(
            StreamedEvent(name: name.isEmpty ? "message" : name, id: id, data: data.joined(separator: "\n")))
        }
        name = ""
        data = []
        continue
      }
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      let field = String(decoding: parts[0], as: UTF8.self)
      var value = parts.count == 2 ? parts[1] : []
      if value.first == UInt8(ascii: " ") { value.removeFirst() }
      let text = String(decoding: value, as: UTF8.self)
      switch field {
      case "event": name = text
      case "id": id = text
      case "data": data.append(text)
      default: break
      }
    }
    pending.removeFirst(start)
    return events
  }
}
