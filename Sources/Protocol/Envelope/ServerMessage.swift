// Hub → client messages as a client reads them: the type and the tree. For the demo, the load tool and tests.

package struct ServerMessage: Equatable, Sendable {
  package let type: String
  /// The whole message.
  package let content: JSON

  /// Nil when the text is not a JSON object with a type.
  package static func parse(_ bytes: RawSpan) -> ServerMessage? {
    guard let content = try? JSON.parse(bytes), let type = content["type"]?.string else { return nil }
    return ServerMessage(type: type, content: content)
  }

  package static func parse(_ bytes: [UInt8]) -> ServerMessage? { parse(bytes.span.bytes) }

  package var id: MessageID? { content["id"].flatMap { MessageID($0) } }
  package var channel: String? { content["channel"]?.string }
  package var offset: Int64? { content["offset"]?.int64 }
}
