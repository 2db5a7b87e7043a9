// Server-Sent Events (WHATWG HTML §9.2, wire.md §4): events and comments → bytes, and the position in Last-Event-ID.

package enum ServerSentEvents {
  package static let contentType: StaticString = "text/event-stream"

  /// Appends one event and its empty line. Line ends in `name` and `id` would begin another field: they are left out.
  package static func append(name: String?, id: String?, data: RawSpan, to output: inout [UInt8]) {
    if let name { appendField("event: ", name, to: &output) }
    if let id { appendField("id: ", id, to: &output) }
    data.withUnsafeBytes { appendData($0, to: &output) }
    output.append(0x0A)
  }

  /// A line that clients ignore: keeps a silent stream open.
  package static func appendComment(_ text: String = "", to output: inout [UInt8]) {
    appendField(text.isEmpty ? ":" : ": ", text, to: &output)
    output.append(0x0A)
  }

  /// How long a client waits before it reconnects.
  package static func appendRetry(milliseconds: Int, to output: inout [UInt8]) {
    appendField("retry: ", String(max(0, milliseconds)), to: &output)
    output.append(0x0A)
  }

  /// The id of the event at `offset`: `epoch/offset`.
  package static func eventID(epoch: String, offset: Int64) -> String { "\(epoch)/\(offset)" }

  /// What `eventID` wrote, from a Last-Event-ID field; nil when it is something else.
  package static func position(ofEventID text: String) -> (epoch: String, offset: Int64)? {
    guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")), slash > text.startIndex else { return nil }
    let digits = text[text.utf8.index(after: slash)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy(HTTPSyntax.isDigit), let offset = Int64(digits) else { return nil }
    return (String(text[..<slash]), offset)
  }

  private static func appendField(_ prefix: StaticString, _ value: String, to output: inout [UInt8]) {
    JSONWriter.append(literal: prefix, to: &output)
    output.append(contentsOf: value.utf8.lazy.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 })
    output.append(0x0A)
  }

  /// One `data:` line a line of the data, whichever of the three line ends it has.
  private static func appendData(_ data: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var start = 0
    while true {
      let end = data[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? data.count
      JSONWriter.append(literal: "data: ", to: &output)
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: data[start..<end]))
      output.append(0x0A)
      guard end < data.count else { return }
      start = end + (data[end] == 0x0D && end + 1 < data.count && data[end + 1] == 0x0A ? 2 : 1)
    }
  }
}
