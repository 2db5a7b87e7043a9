// Ids in their text forms: UUIDs beside Foundation's reader, trace contexts, order numbers, days, event positions. Each
// is read strictly and written back as it was, but for the case of hexadecimal digits.
import Domain
import Foundation
import Protocol
import Telemetry

extension FuzzTarget {
  static let identifiers = FuzzTarget("identifiers") { input in
    try requireEqual(Identifier(bytes: input) != nil, input.count == 16, "16 bytes are an id")
    if let identifier = Identifier(bytes: input) { try requireEqual(identifier.bytes, input, "an id's bytes") }
    guard let text = String(validating: input, as: UTF8.self) else { return }
    let identifier = Identifier(text)
    // Foundation also reads a few texts that it would never write, such as one with a dash too many.
    let theirs = UUID(uuidString: text)?.uuidString.lowercased()
    try requireEqual(identifier?.description, theirs == text.lowercased() ? theirs : nil, "a UUID")
    try requireEqual(identifier, Identifier(utf8: input.span), "an id from bytes")
    if let trace = TraceContext(traceparent: text) {
      try requireEqual(TraceContext(traceparent: trace.description), trace, "a trace context")
      try require(text.hasPrefix("00-") == false || text.utf8.count == 55, "a trace context with a tail")
    }
    if let number = OrderNumber(text) { try requireEqual(number.description, text, "an order number") }
    if let day = LocalDate(text) { try requireEqual(day.description, text, "a day") }
    if let position = ServerSentEvents.position(ofEventID: text) {
      try require(position.offset >= 0 && !position.epoch.isEmpty, "a position out of its bounds")
      let again = ServerSentEvents.position(
        ofEventID: ServerSentEvents.eventID(epoch: position.epoch, offset: position.offset))
      try require(again.map { $0 == position } == true, "a position written and read again")
    }
  }
}
