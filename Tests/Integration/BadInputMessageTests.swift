// Messages that cannot be understood (wire.md §2): an `error` of code `bad_message`, the connection stays, until ten
// within a minute.
import Foundation
import Testing
import TestSupport

@Suite struct BadInputMessageTests {
  private static let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)

  /// The messages, by what is wrong with them, and the id that can be read from each.
  private static let messages: [(text: String, id: String?)] = [
    ("", nil), (" ", nil), ("{", nil), ("nonsense", nil), ("[]", nil), ("null", nil), ("7", nil), (#""ping""#, nil),
    ("{}", nil),
    (#"{"type":"ping""#, nil), (#"{"type":"ping"}}"#, nil), (#"{"type":"ping",}"#, nil), ("{'type':'ping'}", nil),
    (#"{"type":"ping","type":"ping"}"#, nil), (#"{"type":"ping","id":01}"#, nil), (#"{"type":"ping","id":NaN}"#, nil),
    (#"{"type":"ping","x":"\ud800"}"#, nil), (#"{"type":"ping","x":"\x"}"#, nil),
    ("{\"type\":\"ping\",\"x\":\"\u{1}\"}", nil),
    ("\u{FEFF}{\"type\":\"ping\"}", nil), (#"{"type":"ping","x":\#(deep)}"#, nil),
    (#"{"type":"ping","id":9,"x":1e}"#, nil),
    (#"{"id":9}"#, "9"), (#"{"id":9,"type":null}"#, "9"), (#"{"id":9,"type":7}"#, "9"), (#"{"id":9,"type":""}"#, "9"),
    (#"{"id":9,"type":"dance"}"#, "9"), (#"{"id":"a","type":"PING"}"#, "a"), (#"{"id":9,"type":"welcome"}"#, "9"),
    (#"{"id":9,"type":"auth"}"#, "9"), (#"{"id":9,"type":"auth","token":7}"#, "9"),
    (#"{"id":9,"type":"auth","token":""}"#, "9"),
    (#"{"id":9,"type":"auth","token":null}"#, "9"), (#"{"id":9,"type":"subscribe"}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":7}"#, "9"), (#"{"id":9,"type":"subscribe","channel":""}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":["kitchen"]}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"\#(String(repeating: "x", count: 201))"}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":-1}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":1.5}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":"5"}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":9223372036854775808}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":1e-9223372036854775808}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","since":1e99999999999999999999}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","epoch":5}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","snapshot":"yes"}"#, "9"),
    (#"{"id":9,"type":"subscribe","channel":"platform","presence":1}"#, "9"),
    (#"{"id":9,"type":"unsubscribe"}"#, "9"), (#"{"id":9,"type":"unsubscribe","channel":{}}"#, "9"),
    (#"{"id":9,"type":"seen","channel":"platform","level":"shown"}"#, "9"),
    (#"{"id":9,"type":"seen","channel":"platform","offset":1}"#, "9"),
    (#"{"id":9,"type":"seen","channel":"platform","offset":1,"level":"read"}"#, "9"),
    (#"{"id":9,"type":"seen","channel":"platform","offset":-1,"level":"shown"}"#, "9"),
    (#"{"id":9,"type":"seen","offset":1,"level":"shown"}"#, "9"), (#"{"id":9,"type":"command"}"#, "9"),
  ]

  private func expectBadMessage(_ message: Document, id: String?, _ comment: String) {
    #expect(
      message.names
        == (id == nil ? ["type", "code", "status", "detail"] : ["type", "id", "code", "status", "detail"]), "\(comment)"
    )
    #expect(message["type"].string == "error" && message["code"].string == "bad_message", "\(comment) \(message)")
    #expect(message["status"].integer == 400 && message["detail"].string?.isEmpty == false, "\(comment)")
    if let id { #expect(message["id"].string ?? "\(message["id"])" == id, "\(comment)") }
  }

  @Test(arguments: [true, false])
  func `Each gets its error, and the connection stays`(isSignedIn: Bool) throws {
    let bystander = try Bystander()
    for (text, id) in Self.messages {
      let socket = try RawWebSocket(
        port: bystander.port, path: "/ws", token: isSignedIn ? bystander.house.manager : nil)
      _ = try socket.next("welcome")
      try socket.send(text)
      expectBadMessage(try socket.next(), id: id, text)
      try socket.expectSilence()
      try bystander.expectUndisturbed(text)
    }
  }

  @Test func `A binary message gets its error too, whole or in fragments`() throws {
    let bystander = try Bystander()
    let socket = try bystander.house.socket()
    let ping = Array(#"{"type":"ping","id":1}"#.utf8)
    for bytes in [
      RawWebSocket.frame(opcode: 2, ping), RawWebSocket.frame(opcode: 2, []), RawWebSocket.frame(opcode: 2, [0xFF, 0]),
      RawWebSocket.frame(opcode: 2, [0xFF], isFinal: false) + RawWebSocket.frame(opcode: 0, [0]),
    ] {
      try socket.socket.send(bytes)
      expectBadMessage(try socket.next(), id: nil, "binary")
    }
    try socket.expectSilence()
    try bystander.expectUndisturbed("binary messages")
  }

  @Test func `Ten bad messages within a minute close the connection with 4400, nine do not`() throws {
    let bystander = try Bystander()
    let (patient, hopeless) = (
      try bystander.house.socket(), try bystander.house.socket("/ws/kitchen/\(bystander.house.id)")
    )
    _ = try hopeless.next("subscribed")
    for socket in [patient, hopeless] {
      for number in 0..<9 {
        if number % 3 == 0 { try socket.socket.send(RawWebSocket.frame(opcode: 2, [1])) } else { try socket.send("{") }
        expectBadMessage(try socket.next(), id: nil, "\(number)")
      }
      // What is refused for another reason is no bad message.
      #expect(try socket.subscribe("kitchen:\(UUID().uuidString)")["code"].string == "not_found")
      try socket.expectSilence()
    }
    try hopeless.send("{")
    expectBadMessage(try hopeless.next(), id: nil, "the tenth")
    #expect(try hopeless.receiveClose().closeCode == 4400)
    // Nothing is said to a closing socket, whatever it sends.
    try hopeless.send(#"{"type":"ping","id":1}"#)
    try bystander.expectUndisturbed("ten bad messages")
    try hopeless.socket.send(RawWebSocket.frame(opcode: 8, [0x11, 0x30]))
    #expect(try hopeless.socket.endsHere())
    try patient.expectSilence()
  }

  @Test func `Unknown members are ignored`() throws {
    let bystander = try Bystander()
    let socket = try bystander.house.socket()
    try socket.send(
      #"{"type":"ping","id":1,"token":7,"channel":[],"since":"x","more":{"type":"auth","deep":[[[1e400]]]}}"#)
    #expect(try socket.next()["type"].string == "pong")
    try socket.send(
      #"{"id":2,"type":"subscribe","channel":"pos:\#(bystander.house.id)","since":null,"epoch":null,"snapshot":null,"level":"x"}"#
    )
    #expect(try socket.next().names.contains("snapshot"), "null reads like absent")
  }
}
