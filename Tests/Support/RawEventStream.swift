// An event stream over a RawSocket, for tests that look at its head, its fields and its end.
package import Foundation

package final class RawEventStream {
  package let socket: RawSocket
  package let head: RawAnswer
  package private(set) var reader = EventStreamReader()

  /// Asks for `path`; throws with status and body when the answer is no event stream.
  package init(
    port: UInt16, path: String, token: String, headers: [String: String] = [:], version: String = "HTTP/1.1",
    behind: String = "", tls: TLSWish? = nil, patience: TimeInterval = 20
  ) throws {
    socket = try RawSocket(port: port, tls: tls, patience: patience)
    var text = "GET \(path) \(version)\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer \(token)\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    try socket.send(text + "\r\n" + behind)
    head = try socket.answer()
    guard head.status == 200, head.header("Content-Type") == "text/event-stream" else {
      throw SupportError("\(head.status) \(head.text)")
    }
  }

  /// The next event; nil at the end of the stream.
  package func next() throws -> HubMessage? {
    while true {
      reader.append(socket.received)
      socket.received = []
      if let message = try reader.next() { return message }
      guard try socket.receiveMore() else { return nil }
    }
  }

  /// The next message of a type; others are passed over.
  package func next(_ type: String) throws -> HubMessage {
    let end = Date(timeIntervalSinceNow: socket.patience)
    while Date() < end, let message = try next() {
      if message.type == type { return message }
    }
    throw SupportError("no \(type)")
  }

  /// The next messages of a type.
  package func next(_ count: Int, _ type: String) throws -> [HubMessage] { try (0..<count).map { _ in try next(type) } }
}
