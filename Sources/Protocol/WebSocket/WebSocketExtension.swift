// The list of extensions in an opening handshake (RFC 6455 §9.1), taken apart: names with parameters, in the order of
// preference. What the parameters of an extension mean is that extension's business.

package struct WebSocketExtension: Equatable, Sendable {
  package struct Parameter: Equatable, Sendable {
    package let name: String
    /// Unquoted; nil when the parameter stands alone.
    package let value: String?

    package init(_ name: String, _ value: String? = nil) {
      self.name = name
      self.value = value
    }
  }

  package let name: String
  package let parameters: [Parameter]

  package init(_ name: String, _ parameters: [Parameter] = []) {
    self.name = name
    self.parameters = parameters
  }

  /// The extensions of all Sec-WebSocket-Extensions fields, joined by commas; nil when they break the grammar, at which
  /// the connection must fail (RFC 6455 §9.1).
  package static func parseList(_ text: String) -> [WebSocketExtension]? {
    var reader = ExtensionListReader(text)
    return reader.list()
  }
}

/// A cursor over the field's bytes. White space may stand around every part (the implied LWS of RFC 2616 §2.1, whose
/// grammar RFC 6455 takes), and list members may be empty as long as one is not.
private struct ExtensionListReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func list() -> [WebSocketExtension]? {
    var members: [WebSocketExtension] = []
    while true {
      while skips(UInt8(ascii: ",")) {}
      if position == bytes.count { return members.isEmpty ? nil : members }
      guard let member = member() else { return nil }
      members.append(member)
      guard position == bytes.count || bytes[position] == UInt8(ascii: ",") else { return nil }
    }
  }

  private mutating func member() -> WebSocketExtension? {
    guard let name = token() else { return nil }
    var parameters: [WebSocketExtension.Parameter] = []
    while skips(UInt8(ascii: ";")) {
      guard let name = token() else { return nil }
      var value: String?
      if skips(UInt8(ascii: "=")) {
        value = position < bytes.count && bytes[position] == UInt8(ascii: "\"") ? quoted() : token()
        if value == nil { return nil }
      }
      parameters.append(WebSocketExtension.Parameter(name, value))
    }
    return WebSocketExtension(name, parameters)
  }

  private mutating func token() -> String? {
    let start = position
    while position < bytes.count, HTTPSyntax.isTokenByte(bytes[position]) { position += 1 }
    guard position > start else { return nil }
    defer { skipSpace() }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// A quoted string, which unquoted must be a token as well (RFC 6455 §9.1).
  private mutating func quoted() -> String? {
    position += 1
    var value: [UInt8] = []
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      if bytes[position] == UInt8(ascii: "\\") { position += 1 }
      guard position < bytes.count else { return nil }
      value.append(bytes[position])
      position += 1
    }
    guard position < bytes.count, HTTPSyntax.isToken(value) else { return nil }
    position += 1
    skipSpace()
    return String(decoding: value, as: UTF8.self)
  }

  /// Steps over one separator and the space around it; false when another byte is next.
  private mutating func skips(_ separator: UInt8) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == separator else { return false }
    position += 1
    skipSpace()
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, HTTPSyntax.isWhitespace(bytes[position]) { position += 1 }
  }
}
