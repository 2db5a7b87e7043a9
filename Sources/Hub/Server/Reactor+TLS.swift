// The beginning of a connection on a TLS listener. Once the handshake is done, Connection's receive and send go through
// the session and nothing else knows of it. The time limit is the one for a request's head.
import Channels
import Crypto
import EventLoop
import Protocol
import Telemetry

extension Reactor {
  /// Handshakes that take a step in one turn: a signature costs up to a millisecond, and others wait meanwhile.
  static var handshakesPerTurn: Int { 8 }

  /// Takes the handshake a step on; answers whether the connection can be read from now.
  func advanceHandshake(_ tls: TLSSession, of connection: Connection) -> Bool {
    guard handshakesLeft > 0 else {
      postpone(connection)
      return false
    }
    handshakesLeft -= 1
    switch tls.handshake() {
    case .waiting:
      return false
    case .done:
      established(tls, connection)
      return true
    case .notTLS:
      refuseClear(connection)
      return false
    case .failed(let reason):
      node.tls?.counters.failures.add()
      node.log.debug("tls.failed", ["peer": LogValue(connection.peer.description), "reason": LogValue(reason)])
      // The alert that says why is on its way: what the peer still sends must not reset it.
      connection.tls = nil
      linger(connection)
      return false
    }
  }

  private func established(_ tls: TLSSession, _ connection: Connection) {
    node.tls?.counters.count(tls)
    node.log.debug(
      "tls.established",
      [
        "peer": LogValue(connection.peer.description), "version": LogValue(tls.version), "cipher": LogValue(tls.cipher),
        "resumed": LogValue(tls.isResumed), "kernel_sends": LogValue(tls.kernelSends),
        "kernel_receives": LogValue(tls.kernelReceives),
      ])
    connection.deadline = second + node.configuration.limits.headSeconds
    // What was to be said before the handshake was done.
    if !connection.outbound.isEmpty || connection.closesWhenFlushed { markDirty(connection) }
  }

  /// A client that does not speak TLS is told so in the clear.
  private func refuseClear(_ connection: Connection) {
    connection.tls = nil
    node.counters.violations.add()
    guard case .http(let exchange) = connection.phase else { return }
    let problem = Problem(400, "tls_required", "This port speaks TLS: use https:// or wss://.")
    answer(.problem(problem), to: .unread, exchange, connection, closing: true)
  }
}
