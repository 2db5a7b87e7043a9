// A client's message (wire.md §2): whatever is accepted keeps the limits of the wire, its id is repeated as it came, and
// members that nobody knows change nothing.
import Protocol

extension FuzzTarget {
  static let clientMessage = FuzzTarget("client-message") { input in
    let message: ClientMessage
    do throws(BadMessage) {
      message = try ClientMessage.parse(input)
    } catch {
      try require(!error.detail.isEmpty, "a refusal without a reason")
      try check(error.id)
      return
    }
    switch message {
    case .auth(let id, let token):
      try check(id)
      try require(!token.isEmpty, "an empty token")
    case .subscribe(let subscribe):
      try check(subscribe.id)
      try check(channel: subscribe.channel)
      try require(subscribe.since.map { $0 >= 0 } != false, "an offset below zero")
    case .unsubscribe(let id, let channel):
      try check(id)
      try check(channel: channel)
    case .command(let command):
      try check(command.id)
      try require(HTTPSyntax.isToken(command.method.utf8), "a method that is no token")
      try require(command.path.utf8.first == UInt8(ascii: "/"), "a path without a slash")
      try require(command.path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a path that no request could have")
      try require(command.key.map { 1...255 ~= $0.utf8.count } != false, "a key out of its bounds")
    case .seen(let channel, let offset, _):
      try check(channel: channel)
      try require(offset >= 0, "an offset below zero")
    case .ping(let id):
      try check(id)
    }
    guard var object = try JSON.parse(input).object, object["nobody knows"] == nil else { return }
    object["nobody knows"] = [1, nil]
    try requireEqual(try ClientMessage.parse(JSON.object(object).serialised()), message, "an unknown member matters")
  }

  private static func check(channel: String) throws {
    try require(1...200 ~= channel.utf8.count, "a channel of \(channel.utf8.count) bytes")
  }

  private static func check(_ id: MessageID?) throws {
    guard let id else { return }
    var written: [UInt8] = []
    id.append(to: &written)
    try requireEqual(MessageID(try JSON.parse(written)), id, "an id is not repeated")
    if case .string(let string) = id {
      try require(string.unicodeScalars.count <= MessageID.maximumLength, "an id that is too long")
    }
  }
}
