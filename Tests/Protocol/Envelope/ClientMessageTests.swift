import Testing

@testable import Protocol

@Suite("Client messages (wire.md §2)")
struct ClientMessageTests {
  static let good: [(String, ClientMessage)] = [
    (#"{"type":"auth","id":1,"token":"t"}"#, .auth(id: .integer(1), token: "t")),
    (#"{"type":"auth","token":"t"}"#, .auth(id: nil, token: "t")),
    (
      #"{"type":"subscribe","id":2,"channel":"kitchen:1","since":41,"epoch":"e","snapshot":true}"#,
      .subscribe(.init(id: .integer(2), channel: "kitchen:1", since: 41, epoch: "e"))
    ),
    (
      #"{"type":"subscribe","id":"x","channel":"pos:1","snapshot":false,"presence":true}"#,
      .subscribe(.init(id: .string("x"), channel: "pos:1", wantsSnapshot: false, wantsPresence: true))
    ),
    (
      #"{"type":"subscribe","channel":"pos:1","since":null,"epoch":null,"unknown":[{}]}"#,
      .subscribe(.init(id: nil, channel: "pos:1"))
    ),
    (
      #"{"type":"subscribe","channel":"kitchen:1","stations":["a","b"]}"#,
      .subscribe(.init(id: nil, channel: "kitchen:1", stations: ["a", "b"]))
    ),
    (#"{"type":"subscribe","channel":"c","stations":null}"#, .subscribe(.init(id: nil, channel: "c"))),
    (#"{"type":"subscribe","channel":"c","stations":[]}"#, .subscribe(.init(id: nil, channel: "c", stations: []))),
    (#"{"type":"unsubscribe","id":-3,"channel":"c"}"#, .unsubscribe(id: .integer(-3), channel: "c")),
    (
      #"{"type":"command","id":4,"method":"POST","path":"/api/v1/orders/1/confirm?x=1","body":{"a":1.50},"key":"k"}"#,
      .command(
        .init(
          id: .integer(4), method: "POST", path: "/api/v1/orders/1/confirm?x=1",
          body: ["a": .number(JSONNumber(checked: "1.50"))], key: "k"))
    ),
    (
      #"{"type":"command","id":5,"method":"GET","path":"/"}"#,
      .command(.init(id: .integer(5), method: "GET", path: "/"))
    ),
    (
      #"{"type":"seen","channel":"kitchen:1","offset":42,"level":"shown"}"#,
      .seen(channel: "kitchen:1", offset: 42, level: .shown)
    ),
    (#"{"type":"ping","id":5}"#, .ping(id: .integer(5))),
    (#"{"id":"","type":"ping"}"#, .ping(id: .string(""))),
    (#"{"type":"ping"}"#, .ping(id: nil)),
  ]

  @Test("every message is read", arguments: good)
  func reads(_ source: String, _ expected: ClientMessage) throws {
    #expect(try ClientMessage.parse(Array(source.utf8)) == expected)
  }

  static let bad: [(String, MessageID?, String)] = [
    ("", nil, "JSON"), ("{", nil, "JSON"), ("[]", nil, "object"), ("7", nil, "object"), ("{}", nil, "\"type\""),
    (#"{"type":"nap","id":9}"#, .integer(9), "type"), (#"{"type":7,"id":9}"#, .integer(9), "\"type\""),
    (#"{"type":"ping","id":1.5}"#, nil, "\"id\""), (#"{"type":"ping","id":1e2}"#, nil, "\"id\""),
    (#"{"type":"ping","id":-0}"#, nil, "\"id\""), (#"{"type":"ping","id":9223372036854775808}"#, nil, "\"id\""),
    (#"{"type":"ping","id":true}"#, nil, "\"id\""), (#"{"type":"ping","id":[]}"#, nil, "\"id\""),
    ("{\"type\":\"ping\",\"id\":\"\(String(repeating: "x", count: 65))\"}", nil, "\"id\""),
    (#"{"type":"auth","id":1}"#, .integer(1), "\"token\""),
    (#"{"type":"auth","id":1,"token":""}"#, .integer(1), "empty"),
    (#"{"type":"subscribe","id":"a"}"#, .string("a"), "\"channel\""),
    (#"{"type":"subscribe","channel":1}"#, nil, "\"channel\""),
    (#"{"type":"subscribe","channel":"c","since":-1}"#, nil, "\"since\""),
    (#"{"type":"subscribe","channel":"c","since":"1"}"#, nil, "\"since\""),
    (#"{"type":"subscribe","channel":"c","since":1.5}"#, nil, "\"since\""),
    (#"{"type":"subscribe","channel":"c","epoch":1}"#, nil, "\"epoch\""),
    (#"{"type":"subscribe","channel":"c","snapshot":"no"}"#, nil, "\"snapshot\""),
    ("{\"type\":\"subscribe\",\"channel\":\"\(String(repeating: "c", count: 201))\"}", nil, "\"channel\""),
    (#"{"type":"subscribe","channel":"c","presence":"yes"}"#, nil, "\"presence\""),
    (#"{"type":"subscribe","channel":"c","stations":"a"}"#, nil, "\"stations\""),
    (#"{"type":"subscribe","channel":"c","stations":["a",1]}"#, nil, "\"stations\""),
    (#"{"type":"unsubscribe"}"#, nil, "\"channel\""),
    (#"{"type":"command","id":1,"path":"/"}"#, .integer(1), "\"method\""),
    (#"{"type":"command","id":1,"method":"A B","path":"/"}"#, .integer(1), "\"method\""),
    (#"{"type":"command","id":1,"method":"GET"}"#, .integer(1), "\"path\""),
    (#"{"type":"command","id":1,"method":"GET","path":"api"}"#, .integer(1), "\"path\""),
    (#"{"type":"command","id":1,"method":"GET","path":"/a b"}"#, .integer(1), "\"path\""),
    (#"{"type":"command","id":1,"method":"GET","path":"/a\r\nX: 1"}"#, .integer(1), "\"path\""),
    (#"{"type":"command","id":1,"method":"GET","path":"/","key":""}"#, .integer(1), "\"key\""),
    (#"{"type":"command","id":1,"method":"GET","path":"/","key":5}"#, .integer(1), "\"key\""),
    (#"{"type":"seen","channel":"c","offset":1}"#, nil, "\"level\""),
    (#"{"type":"seen","channel":"c","offset":1,"level":"read"}"#, nil, "\"level\""),
    (#"{"type":"seen","channel":"c","level":"shown"}"#, nil, "\"offset\""),
    (#"{"type":"seen","channel":"c","offset":null,"level":"shown"}"#, nil, "\"offset\""),
    (#"{"type":"ping","type":"ping"}"#, nil, "JSON"),
  ]

  @Test("a bad message names its fault, and its id where it has one", arguments: bad)
  func refuses(_ source: String, _ id: MessageID?, _ detail: String) {
    do {
      let message = try ClientMessage.parse(Array(source.utf8))
      Issue.record("read as \(message)")
    } catch {
      #expect(error.id == id)
      #expect(error.detail.contains(detail), "\(error.detail)")
    }
  }

  @Test("an id of 64 characters is written back exactly, escapes and all")
  func idWrittenBack() throws {
    let id = String(repeating: "ä", count: 62) + "\"\n"
    var output: [UInt8] = []
    try #require(MessageID(.string(id))).append(to: &output)
    #expect(text(output) == "\"" + String(repeating: "ä", count: 62) + #"\"\n""#)
  }
}
