// A plain client for heavy tests: one TCP connection, HTTP and WebSocket by hand, read from one buffer without copying.
// Like RawSocket it shares nothing with the production codec; unlike it, it can be cut from another thread and keeps up
// with tens of thousands of messages in a debug build.
package import Foundation
import Glibc

/// A message of the hub as it was read.
package struct HubMessage {
  package let json: [String: Any]
  /// What an event stream said of it in its own fields: `event` and `id`.
  package var name: String?
  package var streamID: String?

  package var type: String { string("type") }
  package var offset: Int64 { (json["offset"] as? NSNumber)?.int64Value ?? -1 }
  package var event: String { string("event") }
  package var data: [String: Any] { json["data"] as? [String: Any] ?? [:] }
  package var snapshot: [String: Any]? { json["snapshot"] as? [String: Any] }

  package func string(_ member: String) -> String { json[member] as? String ?? "" }
}

package final class EventSocket: @unchecked Sendable {
  // @unchecked: one thread uses it; only `cut` may come from another.

  /// What a wait for the next message ended with.
  package enum Received {
    case message(HubMessage)
    /// The close code and reason, or why the stream ended without one (code 1006).
    case ended(Int, String)
    case silent
  }

  private let descriptor: Int32
  private var memory = UnsafeMutableRawPointer.allocate(byteCount: 256 * 1024, alignment: 16)
  private var capacity = 256 * 1024
  private var start = 0
  private var end = 0
  /// Set while it reads an event stream.
  private var stream: EventStreamReader?

  /// Connects to a loopback port; `receiveBuffer` bytes make a reader that is soon full.
  package init(port: UInt16, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SupportError("cannot connect to port \(port): \(String(cString: strerror(errno)))") }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    close(descriptor)
    memory.deallocate()
  }

  /// Opens a WebSocket at `path`; throws the status and body when the hub does not upgrade.
  package convenience init(webSocket path: String, port: UInt16, token: String, receiveBuffer: Int32? = nil) throws {
    try self.init(port: port, receiveBuffer: receiveBuffer)
    let fields = [
      "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]
    let answer = try request("GET", path, token: token, headers: fields)
    // RFC 6455 §1.3: the answer to the sample key.
    guard answer.status == 101, answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
      throw SupportError("\(answer.status) \(answer.text)")
    }
  }

  /// Opens an event stream at `path`; throws the status and body when the answer is none.
  package convenience init(
    eventStream path: String, port: UInt16, token: String, lastEventID: String? = nil, receiveBuffer: Int32? = nil
  ) throws {
    try self.init(port: port, receiveBuffer: receiveBuffer)
    let answer = try request(
      "GET", path, token: token, headers: lastEventID.map { ["Last-Event-ID": $0] } ?? [:])
    guard answer.status == 200, answer.header("Content-Type") == "text/event-stream" else {
      throw SupportError("\(answer.status) \(answer.text)")
    }
    stream = EventStreamReader()
  }

  /// Ends the connection at once with a reset (RST), from any thread: to disconnect a TCP socket is to abort it.
  package func cut() {
    var nobody = sockaddr()
    nobody.sa_family = sa_family_t(AF_UNSPEC)
    connect(descriptor, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
  }

  // MARK: HTTP

  package func request(
    _ method: String, _ path: String, token: String? = nil, body: String? = nil, headers: [String: String] = [:],
    patience: TimeInterval = 30
  ) throws -> RawAnswer {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if let token { text += "Authorization: Bearer \(token)\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    try send(Array((text + "\r\n" + (body ?? "")).utf8))
    let limit = Patience.end(within: patience)
    var length: Int?
    while length == nil {
      length = headLength
      if length == nil { try more(until: limit) }
    }
    let head = String(decoding: take(length ?? 0), as: UTF8.self)
    let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
    let empty = RawAnswer(status: status, head: head, body: [])
    let bodyLength = empty.header("Content-Length").flatMap { Int($0) } ?? 0
    while end - start < bodyLength { try more(until: limit) }
    return RawAnswer(status: status, head: head, body: take(bodyLength))
  }

  private var headLength: Int? {
    var position = start
    while end - position >= 4, let found = memchr(memory + position, 13, end - position - 3) {
      position = found - memory
      if memcmp(found, "\r\n\r\n", 4) == 0 { return position - start + 4 }
      position += 1
    }
    return nil
  }

  // MARK: WebSocket

  package func send(_ message: [String: Any]) throws {
    let text = try JSONSerialization.data(withJSONObject: message)
    try send(RawWebSocket.frame(opcode: 1, Array(text)))
  }

  /// The next message; pings are answered on the way.
  package func next(within seconds: TimeInterval) -> Received {
    let limit = Date(timeIntervalSinceNow: seconds)
    while true {
      do {
        if stream != nil {
          guard let received = try nextOfStream(until: limit) else { return .silent }
          return received
        }
        guard let frame = try nextFrame(until: limit) else { return .silent }
        switch frame.opcode {
        case 1:
          let json = try JSONSerialization.jsonObject(with: Data(frame.payload)) as? [String: Any]
          return .message(HubMessage(json: json ?? [:]))
        case 8: return .ended(frame.closeCode, String(decoding: frame.payload.dropFirst(2), as: UTF8.self))
        case 9: try send(RawWebSocket.frame(opcode: 10, frame.payload))
        default: break
        }
      } catch {
        return .ended(1006, "\(error)")
      }
    }
  }

  /// The next message of a type; others are passed over. Throws at the end of the stream and when nothing comes.
  package func next(_ type: String, within seconds: TimeInterval = 20) throws -> HubMessage {
    let limit = Patience.end(within: seconds)
    while true {
      switch next(within: max(0, limit.timeIntervalSinceNow)) {
      case .message(let message) where message.type == type: return message
      case .message(let message) where message.type == "error": throw SupportError("\(message.json)")
      case .message: break
      case .ended(let code, let reason): throw SupportError("closed \(code) \(reason)")
      case .silent: throw SupportError("no \(type) within \(seconds) s")
      }
    }
  }

  /// The next `error` message; others are passed over.
  package func nextError(within seconds: TimeInterval = 20) throws -> [String: Any] {
    let limit = Patience.end(within: seconds)
    while case .message(let message) = next(within: max(0, limit.timeIntervalSinceNow)) {
      if message.type == "error" { return message.json }
    }
    throw SupportError("no error within \(seconds) s")
  }

  /// The next event of the stream that comes in time.
  private func nextOfStream(until limit: Date) throws -> Received? {
    while true {
      if let message = try stream?.next() {
        guard message.type == "close" else { return .message(message) }
        return .ended(message.json["code"] as? Int ?? 0, message.string("reason"))
      }
      if start == end, try !fill(until: limit) { return nil }
      stream?.append(take(end - start))
    }
  }

  private func nextFrame(until limit: Date) throws -> RawWebSocket.Frame? {
    while true {
      if let frame = try bufferedFrame() { return frame }
      guard try fill(until: limit) else { return nil }
    }
  }

  private func bufferedFrame() throws -> RawWebSocket.Frame? {
    guard end - start >= 2 else { return nil }
    let (first, second) = (byte(start), byte(start + 1))
    guard second & 0x80 == 0 else { throw SupportError("the hub masked a frame") }
    let extra = second == 127 ? 8 : second == 126 ? 2 : 0
    guard end - start >= 2 + extra else { return nil }
    var length = Int(second)
    if extra > 0 { length = (0..<extra).reduce(0) { $0 << 8 | Int(byte(start + 2 + $1)) } }
    guard end - start >= 2 + extra + length else { return nil }
    start += 2 + extra
    return RawWebSocket.Frame(isFinal: first & 0x80 != 0, opcode: first & 15, payload: take(length))
  }

  // MARK: Bytes

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw SupportError("the peer is gone: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  private func byte(_ index: Int) -> UInt8 { memory.load(fromByteOffset: index, as: UInt8.self) }

  private func take(_ count: Int) -> [UInt8] {
    defer { start += count }
    return Array(UnsafeRawBufferPointer(start: memory + start, count: count))
  }

  private func more(until limit: Date) throws {
    guard try fill(until: limit) else { throw SupportError("nothing came in time") }
  }

  /// Waits for bytes; false when none come in time, throws at the end of the stream.
  private func fill(until limit: Date) throws -> Bool {
    if start > 0, end == capacity || start == end {
      memmove(memory, memory + start, end - start)
      (start, end) = (0, end - start)
    }
    if end == capacity {
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
      memcpy(larger, memory, end)
      memory.deallocate()
      (memory, capacity) = (larger, capacity * 2)
    }
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(max(0, limit.timeIntervalSinceNow) * 1000))
      if ready < 0 && errno == EINTR { continue }
      guard ready > 0 else { return false }
      let count = recv(descriptor, memory + end, capacity - end, Int32(MSG_DONTWAIT))
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count > 0 else {
        throw SupportError(count == 0 ? "the stream ended" : "the stream broke: \(String(cString: strerror(errno)))")
      }
      end += count
      return true
    }
  }
}
