// The opening handshake written by hand (RFC 6455 §4.1), each part of which a test may change, and the answer to it when
// it is no upgrade. And the sockets that tests of the wire open most.
import Foundation
import Testing
import TestSupport

struct RawHandshake {
  var method = "GET"
  var path: String
  var version = "HTTP/1.1"
  /// Replaces or adds fields; an empty value of one of the standard fields leaves that out.
  var headers: [String: String] = [:]

  /// The example of RFC 6455 §1.3.
  static let key = "dGhlIHNhbXBsZSBub25jZQ=="
  static let acceptance = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

  private static let standard = [
    "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
  ]

  var text: String {
    var fields = Self.standard
    for (name, value) in headers { fields[name] = value.isEmpty && Self.standard[name] != nil ? nil : value }
    return "\(method) \(path) \(version)\r\n" + fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
  }

  /// Sends it on a connection of its own and answers what came back.
  func send(to port: UInt16) throws -> RawAnswer {
    let socket = try RawSocket(port: port)
    try socket.send(text)
    return try socket.answer()
  }
}

extension RestHouse {
  /// A socket of this restaurant, whose welcome is read already.
  func socket(_ path: String = "/ws", as role: String = "manager", headers: [String: String] = [:]) throws
    -> RawWebSocket
  {
    let token = role == "platform_owner" ? platform : tokens[role]
    let socket = try RawWebSocket(port: hub.port, path: path, token: token, headers: headers)
    _ = try socket.next("welcome")
    return socket
  }

  /// Publishes an event as another back end would.
  func publish(_ kind: String, _ name: String = "test.told", _ data: String = "{}") throws {
    try shared.foreign().execute("SELECT hub.publish($1, $2, $3::jsonb)", ["\(kind):\(id)", name, data])
  }
}

extension RawWebSocket {
  /// Subscribes and answers the `subscribed` message.
  func subscribe(_ channel: String, _ members: [String: Any] = [:]) throws -> Document {
    try send(members.merging(["type": "subscribe", "id": 1, "channel": channel]) { first, _ in first })
    return try next()
  }

  /// Sends a ping and expects its pong as the very next message: nothing else was said before.
  func expectSilence(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let id = "silence-\(Int.random(in: 0...9999))"
    try send(["type": "ping", "id": id])
    let message = try next()
    #expect(
      message["type"].string == "pong" && message["id"].string == id, "\(message)", sourceLocation: sourceLocation)
  }
}

/// RFC 3339 in UTC with microseconds, as every instant of the wire.
func isInstant(_ text: String?) -> Bool {
  text?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil
}
