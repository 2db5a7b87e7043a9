// A client of the hub for the hub's own tools: one connection that first speaks HTTP, then, once upgraded, WebSocket.
// It lives on one loop; the screens' client is clients/js.
import CLinux
import Crypto
package import EventLoop
import Glibc
package import Protocol

package struct ClientError: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

package final class HubClient: DescriptorHandler {
  private let loop: EventLoop
  private let host: String
  private let descriptor: Int32
  private var decoder = WebSocketDecoder(role: .client, limits: WebSocketLimits(messageBytes: 16 << 20))
  private var responses = HTTPResponseParser()
  private var isUpgraded = false
  private var isClosed = false
  private var outgoing: [UInt8] = []
  private var connecting: CheckedContinuation<Void, any Error>?
  private var answering: CheckedContinuation<HTTPResponse, any Error>?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

  /// Every JSON message from the hub, once upgraded.
  package var onMessage: ((JSON) -> Void)?
  package var onClose: ((String) -> Void)?

  package init(loop: EventLoop, address: SocketAddress) throws {
    self.loop = loop
    host = address.description
    descriptor = try Socket.connect(address).release()
  }

  deinit {
    buffer.deallocate()
    if !isClosed { Glibc.close(descriptor) }
  }

  package func connect() async throws {
    Socket.disableDelay(descriptor)
    try await withCheckedThrowingContinuation { continuation in
      connecting = continuation
      do {
        try loop.register(descriptor, for: .everyChange, handler: self)
      } catch {
        connecting = nil
        continuation.resume(throwing: error)
      }
    }
  }

  /// One HTTP request on this connection.
  package func request(_ method: String, _ path: String, token: String? = nil, body: JSON? = nil) async throws
    -> HTTPResponse
  {
    var fields = HTTPFields()
    fields.append("Host", host)
    if let token { fields.append("Authorization", "Bearer \(token)") }
    let content = body?.serialised() ?? []
    if !content.isEmpty { fields.append("Content-Type", "application/json") }
    var bytes: [UInt8] = []
    try HTTPRequest(head: HTTPRequestHead(method: method, target: path, path: path, fields: fields), body: content)
      .append(to: &bytes)
    return try await exchange(bytes)
  }

  /// Turns the connection into a WebSocket that is signed in.
  package func upgrade(_ path: String, token: String) async throws {
    let key = Base64.encode(SecureRandom.bytes(count: 16))
    var fields = HTTPFields()
    fields.append("Authorization", "Bearer \(token)")
    var bytes: [UInt8] = []
    try WebSocketHandshake.request(host: host, target: path, key: key, subprotocols: ["hub.v1"], fields: fields)
      .append(to: &bytes)
    let response = try await exchange(bytes)
    guard response.head.status == 101 else {
      throw ClientError("the hub answered \(response.head.status) to the upgrade")
    }
  }

  /// Sends one JSON message.
  package func send(_ message: JSON) {
    let text = message.serialised()
    let key = SecureRandom.bytes(count: 4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    WebSocketEncoder.append(.text, text.span.bytes, to: &outgoing, maskingKey: key)
    flush()
  }

  package func close() { end("closed by us") }

  // MARK: Readiness

  package func ready(_ readiness: Readiness) {
    if let waiting = connecting {
      connecting = nil
      let code = Socket.error(of: descriptor)
      if code == 0 { waiting.resume() } else { waiting.resume(throwing: SystemError(call: "connect", code: code)) }
    }
    if readiness.hasAny(of: .writable) { flush() }
    if readiness.hasAny(of: .readableOrHungUp) { read() }
  }

  private func exchange(_ bytes: [UInt8]) async throws -> HTTPResponse {
    outgoing.append(contentsOf: bytes)
    return try await withCheckedThrowingContinuation { continuation in
      if isClosed {
        continuation.resume(throwing: ClientError("the connection is closed"))
      } else {
        answering = continuation
        flush()
      }
    }
  }

  private func flush() {
    guard !isClosed, !outgoing.isEmpty else { return }
    switch outgoing.withUnsafeBytes({ SystemCall.send(descriptor, $0) }) {
    case .moved(let count): outgoing.removeFirst(count)
    case .wouldBlock: break
    case .ended, .failed: end("the connection was lost")
    }
  }

  private func read() {
    while !isClosed {
      switch SystemCall.receive(descriptor, into: buffer) {
      case .moved(let count): consume(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
      case .wouldBlock: return
      case .ended, .failed: end("the hub closed the connection")
      }
    }
  }

  private func consume(_ bytes: UnsafeMutableRawBufferPointer) {
    var rest = bytes
    if !isUpgraded {
      let raw = UnsafeRawBufferPointer(bytes)
      var span = raw.bytes
      switch responses.next(in: &span) {
      case .needsMore: return
      case .violation(let violation): return end(violation.detail)
      case .response(let response):
        isUpgraded = response.head.status == 101
        answering?.resume(returning: response)
        answering = nil
        rest = UnsafeMutableRawBufferPointer(rebasing: bytes[(bytes.count - span.byteCount)...])
        if !isUpgraded { return }
      }
    }
    var position = 0
    while !isClosed {
      switch decoder.next(in: rest, at: &position) {
      case .needsMore: return
      case .message(_, let payload, _):
        if let message = try? JSON.parse(payload.copied(from: rest)) { onMessage?(message) }
      case .ping(let payload):
        let content = payload.copied(from: rest)
        WebSocketEncoder.appendPong(content.span.bytes, to: &outgoing, maskingKey: 0x5EED_5EED)
        flush()
      case .pong: break
      case .close(let code, let reason): end("the hub closed: \(code ?? 1005) \(reason)")
      case .violation(let code, let reason): end("the hub broke the protocol: \(code) \(reason)")
      }
    }
  }

  private func end(_ reason: String) {
    guard !isClosed else { return }
    isClosed = true
    loop.unregister(descriptor)
    Glibc.close(descriptor)
    connecting?.resume(throwing: ClientError(reason))
    connecting = nil
    answering?.resume(throwing: ClientError(reason))
    answering = nil
    onClose?(reason)
  }
}

extension WebSocketPayload {
  /// The bytes, wherever they are.
  fileprivate func copied(from buffer: UnsafeMutableRawBufferPointer) -> [UInt8] {
    switch self {
    case .inPlace(let range): Array(buffer[range])
    case .owned(let bytes): bytes
    }
  }
}
