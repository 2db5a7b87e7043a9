// A writer's connection to a hub: blocking, with time-outs; HTTP/1.1 requests one after another, or commands over a
// WebSocket. When anything goes wrong it throws, and its owner makes another: whether the command took place is unknown.
import EventLoop
import Glibc

struct LinkLost: Error {}

struct CommandAnswer {
  let status: Int
  let body: Document
}

final class Link {
  private static let seconds = 5
  private let address: HubAddress
  private let descriptor: Descriptor
  private var incoming: [UInt8] = []
  private var isSocket = false
  private var nextID = 0

  init(_ address: HubAddress) throws(LinkLost) {
    self.address = address
    guard let made = try? Socket.connect(address.socket) else { throw LinkLost() }
    descriptor = made
    var entry = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
    guard poll(&entry, 1, Int32(Self.seconds * 1000)) == 1, Socket.error(of: descriptor.number) == 0 else {
      throw LinkLost()
    }
    Socket.disableDelay(descriptor.number)
  }

  /// One request and its answer.
  func request(
    _ method: String, _ path: String, token: String?, key: String? = nil, body: String? = nil
  ) throws(LinkLost) -> CommandAnswer {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: \(address.host)\r\n"
    if let token { head += "Authorization: Bearer \(token)\r\n" }
    if let key { head += "Idempotency-Key: \(key)\r\n" }
    if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    if body == nil, method != "GET" { head += "Content-Length: 0\r\n" }
    try send(Array((head + "\r\n" + (body ?? "")).utf8))
    let answer = try readHead(within: Self.seconds)
    guard let length = answer.fields["content-length"].flatMap({ Int($0) }) ?? (answer.status == 204 ? 0 : nil) else {
      throw LinkLost()
    }
    while incoming.count < length { try receive(within: Self.seconds) }
    let bytes = Array(incoming.prefix(length))
    incoming.removeFirst(length)
    return CommandAnswer(status: answer.status, body: Document(bytes) ?? .null)
  }

  /// Turns the connection into a WebSocket on which `command` is sent.
  func upgrade(token: String) throws(LinkLost) {
    try send(
      Array(
        ("GET /ws HTTP/1.1\r\nHost: \(address.host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aHViIGNoZWNrIG5vbmNlIQ==\r\n"
          + "Sec-WebSocket-Protocol: hub.v1\r\nAuthorization: Bearer \(token)\r\n\r\n").utf8))
    guard try readHead(within: Self.seconds).status == 101 else { throw LinkLost() }
    isSocket = true
  }

  /// The same as `request`, as a command of wire §2.
  func command(_ method: String, _ path: String, key: String, body: String?) throws(LinkLost) -> CommandAnswer {
    nextID += 1
    let text =
      #"{"type":"command","id":\#(nextID),"method":\#(quoted(method)),"path":\#(quoted(path)),"#
      + #""key":\#(quoted(key)),"body":\#(body ?? "null")}"#
    try send(Frames.client(ServerFrame.text, Array(text.utf8), mask: 0xA5A5_5A5A))
    let end = MonotonicTime.now().advanced(by: .seconds(Self.seconds))
    while MonotonicTime.now() < end {
      var position = 0
      let next = Frames.next(in: incoming, at: &position)
      incoming.removeFirst(position)
      switch next {
      case .broken: throw LinkLost()
      case .needsMore: try receive(within: Self.seconds)
      case .frame(let frame) where frame.opcode == ServerFrame.ping:
        try send(Frames.client(ServerFrame.pong, frame.payload, mask: 0x0F0F_F0F0))
      case .frame(let frame) where frame.opcode == ServerFrame.close: throw LinkLost()
      case .frame(let frame):
        guard let message = Document(frame.payload), message["id"]?.integer == Int64(nextID) else { continue }
        switch message["type"]?.text {
        case "reply"?:
          return CommandAnswer(status: Int(message["status"]?.integer ?? 0), body: message["body"] ?? .null)
        case "error"?: return CommandAnswer(status: Int(message["status"]?.integer ?? 503), body: message)
        default: continue
        }
      }
    }
    throw LinkLost()
  }

  private func readHead(within seconds: Int) throws(LinkLost) -> ResponseHead {
    while true {
      if let head = ResponseHead(takenFrom: &incoming) { return head }
      try receive(within: seconds)
    }
  }

  private func send(_ bytes: [UInt8]) throws(LinkLost) {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch rest.withUnsafeBytes({ SystemCall.send(descriptor.number, $0) }) {
      case .moved(let count): rest = rest.dropFirst(count)
      case .wouldBlock: try wait(for: POLLOUT, seconds: Self.seconds)
      case .ended, .failed: throw LinkLost()
      }
    }
  }

  private func receive(within seconds: Int) throws(LinkLost) {
    try wait(for: POLLIN, seconds: seconds)
    let part = withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer -> [UInt8]? in
      switch SystemCall.receive(descriptor.number, into: buffer) {
      case .moved(let count): Array(buffer[..<count])
      case .wouldBlock: []
      case .ended, .failed: nil
      }
    }
    guard let part else { throw LinkLost() }
    incoming += part
  }

  private func wait(for event: Int32, seconds: Int) throws(LinkLost) {
    var entry = pollfd(fd: descriptor.number, events: Int16(event), revents: 0)
    var answer: Int32
    repeat { answer = poll(&entry, 1, Int32(seconds * 1000)) } while answer < 0 && errno == EINTR
    if answer != 1 { throw LinkLost() }
  }
}
