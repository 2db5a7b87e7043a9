import Testing

@testable import Protocol

@Suite("Server messages (wire.md §2, §4)")
struct ServerMessageTests {
  /// The text that an encoder appends, which must also be JSON of the type that it begins with.
  static func written(_ encode: (inout [UInt8]) -> Void) -> String {
    var output: [UInt8] = []
    encode(&output)
    let type = ServerMessage.parse(output)?.type
    #expect(type.map { text(output).hasPrefix(#"{"type":"\#($0)""#) } == true)
    return text(output)
  }

  @Test("welcome, before and after sign-in")
  func welcome() {
    let before = Self.written {
      ServerMessageEncoder.appendWelcome(
        id: nil, connection: "c1", node: "n1", epoch: "e1", heartbeatSeconds: 10, user: nil, expires: nil, to: &$0)
    }
    #expect(
      before
        == #"{"type":"welcome","connection":"c1","node":"n1","epoch":"e1","heartbeat":10,"user":null,"expires":null}"#)
    let after = Self.written {
      ServerMessageEncoder.appendWelcome(
        id: .integer(1), connection: "c1", node: "n1", epoch: "e1", heartbeatSeconds: 10,
        user: .init(id: "u1", role: "manager"), expires: "2026-11-20T20:43:00Z", to: &$0)
    }
    #expect(
      after
        == #"{"type":"welcome","id":1,"connection":"c1","node":"n1","epoch":"e1","heartbeat":10,"#
        + #""user":{"id":"u1","role":"manager"},"expires":"2026-11-20T20:43:00Z"}"#)
  }

  @Test("subscribed, with a snapshot and recovered")
  func subscribed() {
    let snapshot = Array(#"{"tickets":[]}"#.utf8)
    let fresh = Self.written {
      ServerMessageEncoder.appendSubscribed(
        id: .integer(2), channel: "kitchen:1", epoch: "e", offset: 41, recovered: false, snapshot: snapshot.span.bytes,
        to: &$0)
    }
    #expect(
      fresh
        == #"{"type":"subscribed","id":2,"channel":"kitchen:1","epoch":"e","offset":41,"recovered":false,"#
        + #""snapshot":{"tickets":[]}}"#)
    let recovered = Self.written {
      ServerMessageEncoder.appendSubscribed(
        id: .string("s"), channel: "kitchen:1", epoch: "e", offset: 41, recovered: true, snapshot: nil, to: &$0)
    }
    #expect(
      recovered
        == #"{"type":"subscribed","id":"s","channel":"kitchen:1","epoch":"e","offset":41,"recovered":true}"#)
  }

  @Test("unsubscribed, asked for and imposed")
  func unsubscribed() {
    #expect(
      Self.written { ServerMessageEncoder.appendUnsubscribed(id: .integer(3), channel: "c", to: &$0) }
        == #"{"type":"unsubscribed","id":3,"channel":"c"}"#)
    #expect(
      Self.written { ServerMessageEncoder.appendUnsubscribed(id: nil, channel: "c", reason: "revoked", to: &$0) }
        == #"{"type":"unsubscribed","channel":"c","reason":"revoked"}"#)
  }

  @Test("event, its data passed through")
  func event() {
    let data = Array(#"{ "total":"26.50" }"#.utf8)
    let message = Self.written {
      ServerMessageEncoder.appendEvent(
        channel: "pos:1", offset: 42, id: "i", event: "order.confirmed", at: "2026-11-20T20:43:00.123456Z",
        data: data.span.bytes, to: &$0)
    }
    #expect(
      message
        == #"{"type":"event","channel":"pos:1","offset":42,"id":"i","event":"order.confirmed","#
        + #""at":"2026-11-20T20:43:00.123456Z","data":{ "total":"26.50" }}"#)
  }

  @Test("heartbeat and presence")
  func heartbeat() {
    #expect(
      Self.written {
        ServerMessageEncoder.appendHeartbeat(at: "a", fresh: "f", heads: [("c", 1), ("d", 2)], to: &$0)
      } == #"{"type":"heartbeat","at":"a","fresh":"f","heads":{"c":1,"d":2}}"#)
    #expect(
      Self.written { ServerMessageEncoder.appendHeartbeat(at: "a", fresh: "f", heads: [], to: &$0) }
        == #"{"type":"heartbeat","at":"a","fresh":"f","heads":{}}"#)
    #expect(
      Self.written {
        ServerMessageEncoder.appendHeartbeat(
          at: "a", fresh: "f", heads: [], sums: [("c", 1, "00000001"), ("d", 2, "deadbeef")], to: &$0)
      }
        == #"{"type":"heartbeat","at":"a","fresh":"f","heads":{},"#
        + #""sums":{"c":{"offset":1,"sum":"00000001"},"d":{"offset":2,"sum":"deadbeef"}}}"#)
    let member = Array(#"{"id":"u"}"#.utf8)
    #expect(
      Self.written {
        ServerMessageEncoder.appendPresence(channel: "c", event: .leave, member: member.span.bytes, count: 3, to: &$0)
      } == #"{"type":"presence","channel":"c","event":"leave","member":{"id":"u"},"count":3}"#)
  }

  @Test("who is there, by name or only counted")
  func presenceList() {
    let members = [Array(#"{"id":"u"}"#.utf8), Array(#"{"id":"v"}"#.utf8)]
    for (members, written) in [
      (members, #"[{"id":"u"},{"id":"v"}]"#), ([], "[]"), (nil, "null"),
    ] as [([[UInt8]]?, String)] {
      #expect(
        Self.written { ServerMessageEncoder.appendPresence(channel: "c", members: members, count: 2, to: &$0) }
          == #"{"type":"presence","channel":"c","event":"list","members":"# + written + #","count":2}"#)
    }
  }

  @Test("the end of an event stream, and the type that names a message on one")
  func close() {
    var bytes: [UInt8] = []
    ServerMessageEncoder.appendClose(code: 4401, reason: "The token has expired.", to: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self) == #"{"type":"close","code":4401,"reason":"The token has expired."}"#)
    #expect(ServerMessageEncoder.type(of: bytes.span.bytes) == "close")
    bytes = []
    ServerMessageEncoder.appendPong(id: .string(#"","type":"x"#), at: "t", to: &bytes)
    #expect(ServerMessageEncoder.type(of: bytes.span.bytes) == "pong")
  }

  @Test("reply, error, pong")
  func reply() {
    let body = Array("[1]".utf8)
    #expect(
      Self.written {
        ServerMessageEncoder.appendReply(
          id: .integer(4), status: 201, body: body.span.bytes, offsets: [("kitchen:1", 42)], to: &$0)
      } == #"{"type":"reply","id":4,"status":201,"body":[1],"offsets":{"kitchen:1":42}}"#)
    #expect(
      Self.written {
        ServerMessageEncoder.appendReply(id: nil, status: 204, body: nil, offsets: [], to: &$0)
      } == #"{"type":"reply","status":204,"body":null,"offsets":{}}"#)
    #expect(
      Self.written {
        ServerMessageEncoder.appendError(BadMessage(id: .integer(2), detail: "say \"what\""), to: &$0)
      } == #"{"type":"error","id":2,"code":"bad_message","status":400,"detail":"say \"what\""}"#)
    #expect(
      Self.written { ServerMessageEncoder.appendPong(id: .integer(5), at: "t", to: &$0) }
        == #"{"type":"pong","id":5,"at":"t"}"#)
  }

  @Test(
    "goaway, its time in seconds",
    arguments: [(1700, "1.7"), (0, "0"), (2000, "2"), (5, "0.005"), (1050, "1.05"), (-3, "0")])
  func goAway(_ milliseconds: Int, _ seconds: String) {
    #expect(
      Self.written {
        ServerMessageEncoder.appendGoAway(reason: "drain", reconnectMilliseconds: milliseconds, to: &$0)
      } == #"{"type":"goaway","reason":"drain","reconnect":"# + seconds + "}")
  }

  @Test("a server message is read by a client", arguments: ["", "[]", "{}", #"{"type":1}"#])
  func unreadable(_ source: String) {
    #expect(ServerMessage.parse(Array(source.utf8)) == nil)
    let message = ServerMessage.parse(Array(#"{"type":"event","id":7,"channel":"c","offset":9}"#.utf8))
    #expect(message?.id == .integer(7))
    #expect(message?.channel == "c")
    #expect(message?.offset == 9)
  }

  static let streams: [(String?, String?, String, String)] = [
    ("order.confirmed", "e/42", "{}", "event: order.confirmed\nid: e/42\ndata: {}\n\n"),
    (nil, nil, "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"),
    (nil, nil, "", "data: \n\n"),
    ("a\nb", "1\r\n2", "x", "event: ab\nid: 12\ndata: x\n\n"),
  ]

  @Test("WHATWG HTML §9.2.5: an event stream's events", arguments: streams)
  func stream(_ name: String?, _ id: String?, _ data: String, _ expected: String) {
    var output: [UInt8] = []
    ServerSentEvents.append(name: name, id: id, data: Array(data.utf8).span.bytes, to: &output)
    #expect(text(output) == expected)
  }

  @Test("WHATWG HTML §9.2.5: comments and the time to reconnect")
  func comments() {
    var output: [UInt8] = []
    ServerSentEvents.appendComment(to: &output)
    ServerSentEvents.appendComment("still here", to: &output)
    ServerSentEvents.appendRetry(milliseconds: 1500, to: &output)
    #expect(text(output) == ":\n\n: still here\n\nretry: 1500\n\n")
  }

  static let positions: [(String, String?, Int64?)] = [
    ("e/42", "e", 42), ("a/b/0", "a/b", 0), ("e/", nil, nil), ("/1", nil, nil), ("e/-1", nil, nil), ("e/x", nil, nil),
    ("42", nil, nil), ("", nil, nil), ("e/99999999999999999999", nil, nil),
  ]

  @Test("wire.md §4: Last-Event-ID is epoch and offset", arguments: positions)
  func position(_ source: String, _ epoch: String?, _ offset: Int64?) {
    let position = ServerSentEvents.position(ofEventID: source)
    #expect(position?.epoch == epoch)
    #expect(position?.offset == offset)
    if let epoch, let offset { #expect(ServerSentEvents.eventID(epoch: epoch, offset: offset) == source) }
  }
}
