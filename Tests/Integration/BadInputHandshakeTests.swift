// WebSocket handshakes against the rules (RFC 6455 §4.2) and from pages that may not (wire.md §2).
import Foundation
import Testing
import TestSupport

@Suite struct BadInputHandshakeTests {
  @Test func `A handshake at fault is refused with its status, and the connection goes on`() throws {
    let bystander = try Bystander()
    let rows: [(String, RawHandshake, Int, String)] = [
      ("no Upgrade", RawHandshake(path: "/ws", headers: ["Upgrade": ""]), 426, "upgrade_required"),
      ("another Upgrade", RawHandshake(path: "/ws", headers: ["Upgrade": "h2c"]), 426, "upgrade_required"),
      ("no Connection", RawHandshake(path: "/ws", headers: ["Connection": ""]), 400, "bad_handshake"),
      ("another Connection", RawHandshake(path: "/ws", headers: ["Connection": "keep-alive"]), 400, "bad_handshake"),
      ("no version", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Version": ""]), 426, "bad_handshake"),
      ("version 8", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Version": "8"]), 426, "bad_handshake"),
      (
        "versions 13 and 8", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Version": "13, 8"]), 426,
        "bad_handshake"
      ),
      ("no key", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Key": ""]), 400, "bad_handshake"),
      (
        "a key of 15 bytes", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"]), 400,
        "bad_handshake"
      ),
      (
        "a key of 17 bytes", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="]), 400,
        "bad_handshake"
      ),
      (
        "a key that is no base 64",
        RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!=="]), 400, "bad_handshake"
      ),
      ("POST", RawHandshake(method: "POST", path: "/ws"), 400, "bad_handshake"),
      (
        "HTTP/1.0", RawHandshake(path: "/ws", version: "HTTP/1.0", headers: ["Connection": "keep-alive, Upgrade"]), 400,
        "bad_handshake"
      ),
      (
        "a subprotocol that is no token", RawHandshake(path: "/ws", headers: ["Sec-WebSocket-Protocol": "hub v1"]), 400,
        "bad_handshake"
      ),
      ("a query that is none", RawHandshake(path: "/ws?a=%zz"), 400, "bad_request"),
      (
        "another page", RawHandshake(path: "/ws", headers: ["Origin": "https://evil.example"]), 403,
        "origin_not_allowed"
      ),
      ("a page that hides", RawHandshake(path: "/ws", headers: ["Origin": "null"]), 403, "origin_not_allowed"),
      ("an empty origin", RawHandshake(path: "/ws", headers: ["Origin": ""]), 403, "origin_not_allowed"),
      (
        "another port", RawHandshake(path: "/ws", headers: ["Host": "a:80", "Origin": "http://a:81"]), 403,
        "origin_not_allowed"
      ),
      (
        "a longer name", RawHandshake(path: "/ws", headers: ["Origin": "http://localhost.evil.example"]), 403,
        "origin_not_allowed"
      ),
      (
        "an allowed name without its scheme", RawHandshake(path: "/ws", headers: ["Origin": "http://screens.example"]),
        403, "origin_not_allowed"
      ),
    ]
    for (name, handshake, status, code) in rows {
      let socket = try RawSocket(port: bystander.port)
      try socket.send(handshake.text)
      let answer = try socket.answer()
      expectProblem(answer, status, code, name)
      if status == 426 {
        #expect(answer.header("Sec-WebSocket-Version") == "13", "\(name)")
        if code == "upgrade_required" { #expect(answer.header("Upgrade") == "websocket", "\(name)") }
      }
      #expect(try socket.request("GET", "/health").status == 200, "\(name)")
      try bystander.expectUndisturbed(name)
    }
  }

  @Test func `The hub's own pages and those on the list may connect, and who is no page`() throws {
    let port = try BadInputHub.shared.hub.port
    for headers in [
      [:], ["Origin": "http://localhost"], ["Origin": "https://localhost"], ["Origin": "https://screens.example"],
      ["Host": "tablet:8080", "Origin": "http://tablet:8080"], ["Connection": "keep-alive, Upgrade"],
      ["Upgrade": "WebSocket"], ["Sec-WebSocket-Protocol": "hub.v1 , chat"],
      ["Sec-WebSocket-Extensions": "x-unknown; a=1"],
    ] {
      let socket = try RawSocket(port: port)
      try socket.send(RawHandshake(path: "/ws", headers: headers).text)
      let answer = try socket.answer()
      #expect(answer.status == 101, "\(headers): \(answer.text)")
      #expect(answer.header("Sec-WebSocket-Accept") == RawHandshake.acceptance)
    }
  }

  @Test func `Frames sent along with the handshake are not lost`() throws {
    let bystander = try Bystander()
    for path in ["/ws", "/ws/kitchen/\(bystander.house.id)"] {
      let socket = try RawSocket(port: bystander.port)
      let ping = RawWebSocket.frame(opcode: 1, Array(#"{"type":"ping","id":"early"}"#.utf8))
      let handshake = RawHandshake(path: path, headers: ["Authorization": "Bearer \(bystander.house.manager)"])
      try socket.send(Array(handshake.text.utf8) + ping + RawWebSocket.frame(opcode: 9, [7]))
      #expect(try socket.answer().status == 101)
      var text = ""
      while !text.contains(#""id":"early""#) || !text.contains("\u{8A}\u{1}\u{7}") {
        guard try socket.receiveMore() else { throw SupportError("the hub ended the stream") }
        text = String(String.UnicodeScalarView(socket.received.map { Unicode.Scalar($0) }))
      }
      try bystander.expectUndisturbed(path)
    }
  }
}
