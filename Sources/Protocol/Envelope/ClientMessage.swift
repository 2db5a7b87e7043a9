// Client → hub messages (wire.md §2), parsed and checked in form. Whether a channel exists or a right is held is asked
// elsewhere; unknown members are ignored; an optional member that is null counts as absent.

package enum ClientMessage: Equatable, Sendable {
  case auth(id: MessageID?, token: String)
  case subscribe(Subscribe)
  case unsubscribe(id: MessageID?, channel: String)
  case command(Command)
  case seen(channel: String, offset: Int64, level: ReceiptLevel)
  case ping(id: MessageID?)

  package struct Subscribe: Equatable, Sendable {
    package var id: MessageID?
    package var channel: String
    /// The last offset that the client has; nil asks for the state as it is now.
    package var since: Int64?
    package var epoch: String?
    package var wantsSnapshot: Bool
    package var wantsPresence: Bool
    /// The kitchen stations that the screen shows; nil for all.
    package var stations: [String]?

    package init(
      id: MessageID?, channel: String, since: Int64? = nil, epoch: String? = nil, wantsSnapshot: Bool = true,
      wantsPresence: Bool = false, stations: [String]? = nil
    ) {
      self.id = id
      self.channel = channel
      self.since = since
      self.epoch = epoch
      self.wantsSnapshot = wantsSnapshot
      self.wantsPresence = wantsPresence
      self.stations = stations
    }
  }

  package struct Command: Equatable, Sendable {
    package var id: MessageID?
    package var method: String
    /// A request target in origin form, query included.
    package var path: String
    package var body: JSON?
    /// The idempotency key.
    package var key: String?

    package init(id: MessageID?, method: String, path: String, body: JSON? = nil, key: String? = nil) {
      self.id = id
      self.method = method
      self.path = path
      self.body = body
      self.key = key
    }
  }
}

/// How far an event has come at the client; each level includes the ones before it.
package enum ReceiptLevel: String, Sendable, CaseIterable {
  case received
  case shown
  case accepted
}

/// A message that cannot be understood: answered with an `error` of code `bad_message`, the connection stays.
package struct BadMessage: Error, Equatable, Sendable {
  package static let code = "bad_message"

  /// The message's id when that much could be read.
  package let id: MessageID?
  package let detail: String

  package init(id: MessageID? = nil, detail: String) {
    self.id = id
    self.detail = detail
  }
}

extension ClientMessage {
  package static func parse(_ bytes: [UInt8]) throws(BadMessage) -> ClientMessage {
    try parse(bytes.span.bytes)
  }

  package static func parse(_ bytes: RawSpan) throws(BadMessage) -> ClientMessage {
    let tree: JSON
    do {
      tree = try JSON.parse(bytes)
    } catch {
      throw BadMessage(detail: "The message is not JSON: \(error.reason), at byte \(error.offset).")
    }
    guard let object = tree.object else { throw BadMessage(detail: "The message is not a JSON object.") }
    var reader = MessageReader(object)
    try reader.readID()
    let type = try reader.string("type")
    switch type {
    case "auth":
      return .auth(id: reader.id, token: try reader.string("token"))
    case "subscribe":
      return .subscribe(
        Subscribe(
          id: reader.id, channel: try reader.channel(), since: try reader.optionalOffset("since"),
          epoch: try reader.optionalString("epoch"), wantsSnapshot: try reader.optionalBool("snapshot") ?? true,
          wantsPresence: try reader.optionalBool("presence") ?? false,
          stations: try reader.optionalStrings("stations")))
    case "unsubscribe":
      return .unsubscribe(id: reader.id, channel: try reader.channel())
    case "command":
      return .command(
        Command(
          id: reader.id, method: try reader.method(), path: try reader.path(), body: reader.value("body"),
          key: try reader.key()))
    case "seen":
      return .seen(channel: try reader.channel(), offset: try reader.offset("offset"), level: try reader.level())
    case "ping":
      return .ping(id: reader.id)
    default:
      throw reader.bad("There is no message of this type.")
    }
  }
}

/// The members of one message, each read with its rule.
private struct MessageReader {
  private let object: JSONObject
  private(set) var id: MessageID?

  init(_ object: JSONObject) {
    self.object = object
  }

  func bad(_ detail: String) -> BadMessage { BadMessage(id: id, detail: detail) }

  /// The member; nil when it is absent or null.
  func value(_ name: String) -> JSON? {
    guard let value = object[name], value != .null else { return nil }
    return value
  }

  mutating func readID() throws(BadMessage) {
    guard let value = value("id") else { return }
    id = MessageID(value)
    if id == nil { throw bad("\"id\" must be an integer or a string of at most 64 characters.") }
  }

  func optionalString(_ name: String) throws(BadMessage) -> String? {
    guard let value = value(name) else { return nil }
    guard let string = value.string else { throw bad("\"\(name)\" must be a string.") }
    return string
  }

  func optionalStrings(_ name: String) throws(BadMessage) -> [String]? {
    guard let value = value(name) else { return nil }
    let strings = value.array?.compactMap(\.string)
    guard let strings, strings.count == value.array?.count else {
      throw bad("\"\(name)\" must be an array of strings.")
    }
    return strings
  }

  func string(_ name: String) throws(BadMessage) -> String {
    guard let string = try optionalString(name) else { throw bad("\"\(name)\" is missing.") }
    guard !string.isEmpty else { throw bad("\"\(name)\" must not be empty.") }
    return string
  }

  func optionalBool(_ name: String) throws(BadMessage) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let bool = value.bool else { throw bad("\"\(name)\" must be true or false.") }
    return bool
  }

  func optionalOffset(_ name: String) throws(BadMessage) -> Int64? {
    guard let value = value(name) else { return nil }
    guard let offset = value.int64, offset >= 0 else { throw bad("\"\(name)\" must be a whole number from 0.") }
    return offset
  }

  func offset(_ name: String) throws(BadMessage) -> Int64 {
    guard let offset = try optionalOffset(name) else { throw bad("\"\(name)\" is missing.") }
    return offset
  }

  func channel() throws(BadMessage) -> String {
    let channel = try string("channel")
    guard channel.utf8.count <= 200 else { throw bad("\"channel\" must not be longer than 200 bytes.") }
    return channel
  }

  func method() throws(BadMessage) -> String {
    let method = try string("method")
    guard HTTPSyntax.isToken(method.utf8) else { throw bad("\"method\" must be an HTTP method.") }
    return method
  }

  func path() throws(BadMessage) -> String {
    let path = try string("path")
    guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= HTTPLimits().targetBytes,
      path.utf8.allSatisfy(HTTPSyntax.isTargetByte)
    else { throw bad("\"path\" must begin with / and be percent-encoded like the target of an HTTP request.") }
    return path
  }

  func key() throws(BadMessage) -> String? {
    guard let key = try optionalString("key") else { return nil }
    guard (1...255).contains(key.utf8.count) else { throw bad("\"key\" must have 1 to 255 bytes.") }
    return key
  }

  func level() throws(BadMessage) -> ReceiptLevel {
    guard let level = ReceiptLevel(rawValue: try string("level")) else {
      throw bad("\"level\" must be received, shown or accepted.")
    }
    return level
  }
}
