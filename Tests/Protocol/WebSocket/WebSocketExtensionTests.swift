// The grammar of Sec-WebSocket-Extensions, RFC 6455 §9.1.
import Testing

@testable import Protocol

@Suite("The list of WebSocket extensions")
struct WebSocketExtensionTests {
  private typealias Parameter = WebSocketExtension.Parameter

  static let lists: [(String, [WebSocketExtension])] = [
    ("foo", [WebSocketExtension("foo")]),
    // RFC 6455 §9.1, its own examples.
    ("bar; baz=2", [WebSocketExtension("bar", [Parameter("baz", "2")])]),
    ("foo, bar; baz=2", [WebSocketExtension("foo"), WebSocketExtension("bar", [Parameter("baz", "2")])]),
    ("deflate-stream", [WebSocketExtension("deflate-stream")]),
    (
      "mux; max-channels=4; flow-control, deflate-stream",
      [
        WebSocketExtension("mux", [Parameter("max-channels", "4"), Parameter("flow-control")]),
        WebSocketExtension("deflate-stream"),
      ]
    ),
    ("private-extension", [WebSocketExtension("private-extension")]),
    ("a;b=\"c\"", [WebSocketExtension("a", [Parameter("b", "c")])]),
    (#"a;b="c\d\e""#, [WebSocketExtension("a", [Parameter("b", "cde")])]),
    (
      " \ta ; b = 1 \t; c , d ",
      [WebSocketExtension("a", [Parameter("b", "1"), Parameter("c")]), WebSocketExtension("d")]
    ),
    (",, a ,,b,", [WebSocketExtension("a"), WebSocketExtension("b")]),
    ("a;b;b=1;b=2", [WebSocketExtension("a", [Parameter("b"), Parameter("b", "1"), Parameter("b", "2")])]),
    ("a, a;b", [WebSocketExtension("a"), WebSocketExtension("a", [Parameter("b")])]),
  ]

  @Test("RFC 6455 §9.1: lists that are read", arguments: lists)
  func read(_ text: String, _ expected: [WebSocketExtension]) {
    #expect(WebSocketExtension.parseList(text) == expected)
  }

  @Test(
    "RFC 6455 §9.1: lists that fail the connection",
    arguments: [
      "", " ", ",", ", ,", ";", "a;", "a;;b", "a;=1", "a;b=", "a;b= ", "a b", "a;b c", "a;b=1 2", "=", "a=1", "a;b==1",
      "a;b=\"", "a;b=\"c", "a;b=\"\"", "a;b=\"c d\"", "a;b=\"c\"d", "a;b=\"c,d\"", #"a;b="c\"#, #"a;b="\"""#, "a/b",
      "(a)",
      "é", "a;b=é", "a\u{0}", "a;b=\"c\u{7F}\"", "a,\u{B}b",
    ])
  func refused(_ text: String) {
    #expect(WebSocketExtension.parseList(text) == nil)
  }

  @Test("RFC 6455 §9.1: several fields are one list")
  func severalFields() {
    let fields = HTTPFields([
      HTTPField("Sec-WebSocket-Extensions", "a;b=1"), HTTPField("sec-websocket-extensions", "c"),
    ])
    let text = fields.combined("Sec-WebSocket-Extensions") ?? ""
    #expect(
      WebSocketExtension.parseList(text)
        == [WebSocketExtension("a", [Parameter("b", "1")]), WebSocketExtension("c")])
  }
}
