// One accepted socket: its descriptor, what waits to be written, and the protocol it speaks now. A connection belongs to
// one reactor and is touched only there; it decides nothing, the reactor's extensions do. An idle WebSocket holds no
// buffer: no HTTP parser, no partial frame, an empty queue.
import Channels
import Crypto
import EventLoop
import Protocol

final class Connection {
  enum Phase {
    case http(HTTPExchange)
    case webSocket(WebSocketSession)
    case eventStream(EventStreamSession)
    /// Everything was said: the sending side is shut, what still comes is thrown away until the peer ends or time is up.
    case lingering
    case closed
  }

  let descriptor: Int32
  let peer: PeerAddress
  /// On a TLS listener, until the sending side is shut.
  var tls: TLSSession?
  var phase: Phase
  var outbound = SendQueue()
  /// What its messages are sent as.
  var form = MessageForm.plain
  /// It stands in the reactor's list of connections to flush at the end of the turn.
  var isDirty = false
  /// `phase` is closed; asked for every message, so it is kept apart.
  var isClosed = false
  /// How many channels it listens to.
  var subscriptionCount: Int32 = 0
  /// One of its subscriptions lags: it reads on once `outbound` is empty.
  var hasLagging = false
  /// One of its subscriptions could not read on, since the database is away: the clock takes it up again.
  var hasStalled = false
  /// Readiness came while reading was held back.
  var isReadPending = false
  /// Shut the sending side once `outbound` is empty.
  var closesWhenFlushed = false
  /// The reactor's second in which it must have moved on, or it is closed; Int32.max for never.
  var deadline: Int32
  /// The reactor's second of the last byte from the peer.
  var lastHeard: Int32
  /// Whether the peer takes what waits in `outbound`.
  var drainWatch: DrainWatch
  /// Its place among the connections that there may be; nil for one that was turned away.
  var place: Admission.Place?

  init(descriptor: Int32, peer: PeerAddress, second: Int32, deadline: Int32) {
    self.descriptor = descriptor
    self.peer = peer
    phase = .http(HTTPExchange())
    lastHeard = second
    drainWatch = DrainWatch(second: second)
    self.deadline = deadline
  }

  /// Reads as SystemCall.receive does, through TLS if there is one.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    if let tls { return tls.receive(into: buffer) }
    return SystemCall.receive(descriptor, into: buffer)
  }

  /// Sends as SystemCall.send does, through TLS if there is one.
  func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    if let tls { return tls.send(bytes) }
    return SystemCall.send(descriptor, bytes)
  }

  /// Whether nothing waits to be sent. The queue's own `isEmpty` would copy it here, and so count two references for every
  /// message.
  var hasSentAll: Bool { outbound.count == 0 }

  /// The session, while it listens, whatever carries that.
  var session: ListeningSession? {
    switch phase {
    case .webSocket(let session): session
    case .eventStream(let session): session
    case .http, .lingering, .closed: nil
    }
  }

  /// The session, while it speaks WebSocket.
  var webSocket: WebSocketSession? {
    if case .webSocket(let session) = phase { return session }
    return nil
  }
}

/// The HTTP/1.1 side of a connection: requests are answered one after another, in order.
final class HTTPExchange {
  var parser: HTTPRequestParser
  /// What came behind the request that is being answered.
  var backlog: [UInt8] = []
  /// A request is being answered: nothing more is parsed until it is.
  var isBusy = false
  /// The peer has asked to close: the answer being made is the last.
  var closesAfterAnswer = false
  /// The peer has ended its sending side; what it asked before is still answered.
  var peerHasEnded = false
  /// It was told that it is closed for a fault of its own: while it does not take that, it is not waited for long.
  var isDismissed = false
  var clock = RequestClock()

  init(limits: HTTPLimits = HTTPLimits()) { parser = HTTPRequestParser(limits: limits) }
}
