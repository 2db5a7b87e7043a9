// Hub → client messages (wire.md §2) as JSON text, appended to a buffer; framing is the caller's. An event's data, a
// snapshot and a reply's body are JSON that Postgres built and pass through as bytes.

package enum ServerMessageEncoder {
  package struct User: Equatable, Sendable {
    package let id: String
    package let role: String

    package init(id: String, role: String) {
      self.id = id
      self.role = role
    }
  }

  /// The first message of a connection (no user yet, no id), or the answer to `auth`.
  package static func appendWelcome(
    id: MessageID?, connection: String, node: String, epoch: String, heartbeatSeconds: Int, user: User?,
    expires: String?, to output: inout [UInt8]
  ) {
    begin("welcome", id: id, to: &output)
    member(#","connection":"#, connection, to: &output)
    member(#","node":"#, node, to: &output)
    member(#","epoch":"#, epoch, to: &output)
    member(#","heartbeat":"#, Int64(heartbeatSeconds), to: &output)
    if let user {
      member(#","user":{"id":"#, user.id, to: &output)
      member(#","role":"#, user.role, to: &output)
      JSONWriter.append(literal: "}", to: &output)
    } else {
      JSONWriter.append(literal: #","user":null"#, to: &output)
    }
    JSONWriter.append(literal: #","expires":"#, to: &output)
    JSONWriter.append(string: expires, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// `snapshot` is JSON, or nil for an answer without one.
  package static func appendSubscribed(
    id: MessageID?, channel: String, epoch: String, offset: Int64, recovered: Bool, snapshot: RawSpan?,
    to output: inout [UInt8]
  ) {
    begin("subscribed", id: id, to: &output)
    member(#","channel":"#, channel, to: &output)
    member(#","epoch":"#, epoch, to: &output)
    member(#","offset":"#, offset, to: &output)
    JSONWriter.append(literal: recovered ? #","recovered":true"# : #","recovered":false"#, to: &output)
    if let snapshot {
      JSONWriter.append(literal: #","snapshot":"#, to: &output)
      JSONWriter.append(raw: snapshot, to: &output)
    }
    JSONWriter.append(literal: "}", to: &output)
  }

  /// The answer to `unsubscribe`, or without id and with a reason when a right is withdrawn.
  package static func appendUnsubscribed(
    id: MessageID?, channel: String, reason: String? = nil, to output: inout [UInt8]
  ) {
    begin("unsubscribed", id: id, to: &output)
    member(#","channel":"#, channel, to: &output)
    if let reason { member(#","reason":"#, reason, to: &output) }
    JSONWriter.append(literal: "}", to: &output)
  }

  /// One event of the log; `data` is JSON. The same bytes go to every subscriber of the channel.
  package static func appendEvent(
    channel: String, offset: Int64, id: String, event: String, at: String, data: RawSpan, to output: inout [UInt8]
  ) {
    output.reserveCapacity(output.count + data.byteCount + channel.utf8.count + event.utf8.count + 160)
    begin("event", id: nil, to: &output)
    member(#","channel":"#, channel, to: &output)
    member(#","offset":"#, offset, to: &output)
    member(#","id":"#, id, to: &output)
    member(#","event":"#, event, to: &output)
    member(#","at":"#, at, to: &output)
    JSONWriter.append(literal: #","data":"#, to: &output)
    JSONWriter.append(raw: data, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// A channel's checksum as of an offset.
  package typealias ChannelSum = (channel: String, offset: Int64, sum: String)

  package static func appendHeartbeat(
    at: String, fresh: String, heads: [(channel: String, offset: Int64)], sums: [ChannelSum] = [],
    to output: inout [UInt8]
  ) {
    begin("heartbeat", id: nil, to: &output)
    member(#","at":"#, at, to: &output)
    member(#","fresh":"#, fresh, to: &output)
    JSONWriter.append(literal: #","heads":"#, to: &output)
    appendOffsets(heads, to: &output)
    for (index, sum) in sums.enumerated() {
      JSONWriter.append(literal: index == 0 ? #","sums":{"# : ",", to: &output)
      JSONWriter.append(string: sum.channel, to: &output)
      JSONWriter.append(literal: #":{"offset":"#, to: &output)
      JSONWriter.append(integer: sum.offset, to: &output)
      member(#","sum":"#, sum.sum, to: &output)
      JSONWriter.append(literal: index == sums.count - 1 ? "}}" : "}", to: &output)
    }
    JSONWriter.append(literal: "}", to: &output)
  }

  package enum PresenceEvent: String, Sendable {
    case join
    case leave
  }

  /// `member` is JSON.
  package static func appendPresence(
    channel: String, event: PresenceEvent, member: RawSpan, count: Int, to output: inout [UInt8]
  ) {
    begin("presence", id: nil, to: &output)
    Self.member(#","channel":"#, channel, to: &output)
    Self.member(#","event":"#, event.rawValue, to: &output)
    JSONWriter.append(literal: #","member":"#, to: &output)
    JSONWriter.append(raw: member, to: &output)
    Self.member(#","count":"#, Int64(count), to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// Who is there now; without `members` they are too many to name.
  package static func appendPresence(channel: String, members: [[UInt8]]?, count: Int, to output: inout [UInt8]) {
    begin("presence", id: nil, to: &output)
    member(#","channel":"#, channel, to: &output)
    JSONWriter.append(literal: #","event":"list","members":"#, to: &output)
    if let members {
      JSONWriter.append(literal: "[", to: &output)
      for (index, member) in members.enumerated() {
        if index > 0 { JSONWriter.append(literal: ",", to: &output) }
        JSONWriter.append(raw: member.span.bytes, to: &output)
      }
      JSONWriter.append(literal: "]", to: &output)
    } else {
      JSONWriter.append(literal: "null", to: &output)
    }
    member(#","count":"#, Int64(count), to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// The answer to a command; `body` is JSON, nil for an answer without one.
  package static func appendReply(
    id: MessageID?, status: Int, body: RawSpan?, offsets: [(channel: String, offset: Int64)],
    to output: inout [UInt8]
  ) {
    begin("reply", id: id, to: &output)
    member(#","status":"#, Int64(status), to: &output)
    JSONWriter.append(literal: #","body":"#, to: &output)
    if let body { JSONWriter.append(raw: body, to: &output) } else { JSONWriter.append(literal: "null", to: &output) }
    JSONWriter.append(literal: #","offsets":"#, to: &output)
    appendOffsets(offsets, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  package static func appendError(
    id: MessageID?, code: String, status: Int, detail: String, to output: inout [UInt8]
  ) {
    begin("error", id: id, to: &output)
    member(#","code":"#, code, to: &output)
    member(#","status":"#, Int64(status), to: &output)
    member(#","detail":"#, detail, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  package static func appendError(_ message: BadMessage, to output: inout [UInt8]) {
    appendError(id: message.id, code: BadMessage.code, status: 400, detail: message.detail, to: &output)
  }

  package static func appendPong(id: MessageID?, at: String, to output: inout [UInt8]) {
    begin("pong", id: id, to: &output)
    member(#","at":"#, at, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// `reconnectMilliseconds` is written in seconds.
  package static func appendGoAway(reason: String, reconnectMilliseconds: Int, to output: inout [UInt8]) {
    begin("goaway", id: nil, to: &output)
    member(#","reason":"#, reason, to: &output)
    JSONWriter.append(literal: #","reconnect":"#, to: &output)
    let milliseconds = max(0, reconnectMilliseconds)
    JSONWriter.append(integer: Int64(milliseconds / 1000), to: &output)
    if milliseconds % 1000 != 0 {
      var fraction = Array(String(milliseconds % 1000 + 1000).utf8.dropFirst())
      while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
      output.append(UInt8(ascii: "."))
      output.append(contentsOf: fraction)
    }
    JSONWriter.append(literal: "}", to: &output)
  }

  /// The last event of an event stream, which has no close frame: the code and reason that one would have.
  package static func appendClose(code: UInt16, reason: String, to output: inout [UInt8]) {
    begin("close", id: nil, to: &output)
    member(#","code":"#, Int64(code), to: &output)
    member(#","reason":"#, reason, to: &output)
    JSONWriter.append(literal: "}", to: &output)
  }

  /// The type of a message that this encoder wrote.
  package static func type(of message: RawSpan) -> String {
    message.withUnsafeBytes { bytes in
      String(decoding: bytes.dropFirst(9).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
  }

  // MARK: Pieces

  private static func begin(_ type: StaticString, id: MessageID?, to output: inout [UInt8]) {
    JSONWriter.append(literal: #"{"type":""#, to: &output)
    JSONWriter.append(literal: type, to: &output)
    JSONWriter.append(literal: #"""#, to: &output)
    if let id {
      JSONWriter.append(literal: #","id":"#, to: &output)
      id.append(to: &output)
    }
  }

  private static func member(_ prefix: StaticString, _ value: String, to output: inout [UInt8]) {
    JSONWriter.append(literal: prefix, to: &output)
    JSONWriter.append(string: value, to: &output)
  }

  private static func member(_ prefix: StaticString, _ value: Int64, to output: inout [UInt8]) {
    JSONWriter.append(literal: prefix, to: &output)
    JSONWriter.append(integer: value, to: &output)
  }

  private static func appendOffsets(_ offsets: [(channel: String, offset: Int64)], to output: inout [UInt8]) {
    JSONWriter.append(literal: "{", to: &output)
    for (index, entry) in offsets.enumerated() {
      if index > 0 { JSONWriter.append(literal: ",", to: &output) }
      JSONWriter.append(string: entry.channel, to: &output)
      JSONWriter.append(literal: ":", to: &output)
      JSONWriter.append(integer: entry.offset, to: &output)
    }
    JSONWriter.append(literal: "}", to: &output)
  }
}
