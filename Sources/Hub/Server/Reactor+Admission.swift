// Peers for whom there is no place. Past the bounds of Admission they are told 503 and when to come again; without a
// descriptor left they are shut out, and the listener rests a moment: it stays ready as long as somebody waits, and a
// loop that tried again at once would do nothing else.
import EventLoop
import Glibc
import Protocol
import Telemetry

extension Reactor {
  /// How many peers a reactor tells at once that there is no place; past them the door is shut without a word.
  private static var turnedAwayAtMost: Int { 256 }

  /// Gives a connection its place, or turns its peer away.
  func admit(_ connection: Connection, from peer: PeerNetwork?) {
    connection.place = node.admission.enter(from: peer)
    if connection.place != nil { return }
    turnedAway += 1
    node.counters.refused.add()
    guard turnedAway <= Self.turnedAwayAtMost, case .http(let exchange) = connection.phase else {
      closeNow(connection)
      return
    }
    let problem = Problem(
      503, "too_many_connections", "There are too many connections; try again later.", headers: [("Retry-After", "5")])
    answer(.problem(problem), to: .unread, exchange, connection, closing: true)
    // Over TLS the answer waits for a handshake, which may never come.
    exchange.isDismissed = true
    connection.deadline = second + 2
  }

  /// The counterpart of `admit`, for a connection that has ended.
  func giveBackPlace(of connection: Connection) {
    if let place = connection.place { node.admission.leave(place) } else { turnedAway -= 1 }
  }

  /// Whether an accept failed for lack of something that comes back by waiting.
  static func isShortage(_ error: SystemError) -> Bool {
    [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC].contains(error.code)
  }

  /// Shuts out whoever waits now, so that they learn at once, and looks at the listener again a little later.
  func restAccepting(_ listener: Int32) {
    shutOut(listener)
    loop.unregister(listener)
    loop.schedule(after: .milliseconds(100)) { [unowned self] in
      self.assumeIsolated { $0.acceptAgain(listener) }
    }
  }

  private func acceptAgain(_ listener: Int32) {
    guard listeners[listener] != nil else { return }
    do throws(SystemError) {
      try loop.register(listener, for: [.readable, .exclusive])
    } catch {
      restAccepting(listener)
    }
  }

  /// Closing the spare descriptor makes room to take a connection and close it.
  private func shutOut(_ listener: Int32) {
    Glibc.close(spareDescriptor)
    for _ in 0..<64 {
      guard let refused = try? Socket.accept(listener) else { break }
      _ = consume refused
      node.counters.refused.add()
    }
    spareDescriptor = Self.openSpare()
  }

  /// Held back so that a connection can still be taken and closed when descriptors have run out.
  static func openSpare() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
