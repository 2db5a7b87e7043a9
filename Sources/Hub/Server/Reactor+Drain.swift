// Leaving in order: stop accepting, tell every socket when to come back, finish what runs, close. The listener closes
// first; commands that were accepted are carried out and answered.
import Channels
import EventLoop
import Postgres
import Protocol

extension Reactor {
  /// How long a client is told to wait before it reconnects, in milliseconds: by chance, within a time in which the other
  /// nodes can take so many. Few screens are not kept dark for the sake of many.
  func reconnectWait() -> Int {
    Int.random(in: 100...min(max(1000, connectionCount * node.configuration.reactors), 10_000))
  }

  /// Drains and answers when nothing is left, or after `limit`.
  func drain(limit: Duration) async {
    isDraining = true
    stopListening()
    for case let connection? in connections { depart(connection) }
    let end = MonotonicTime.now().advanced(by: limit)
    while connectionCount > 0 || commandsRunning > 0, MonotonicTime.now() < end {
      await pause(.milliseconds(20))
    }
    for case let connection? in connections { closeNow(connection) }
    pool.close()
  }

  private func depart(_ connection: Connection) {
    switch connection.phase {
    case .http(let exchange):
      exchange.closesAfterAnswer = true
      if exchange.isBusy || exchange.parser.isInsideRequest { return }
      connection.closesWhenFlushed = true
      markDirty(connection)
    case .webSocket(let session):
      if session.purpose == .hub {
        let wait = reconnectWait()
        reply(to: connection) {
          ServerMessageEncoder.appendGoAway(reason: "drain", reconnectMilliseconds: wait, to: &$0)
        }
      }
      session.isLeaving = true
      if session.commandsRunning == 0 { close(connection, code: 1012, reason: "restart") }
    case .eventStream(let stream):
      depart(stream, connection, reconnectMilliseconds: reconnectWait())
    case .lingering, .closed:
      break
    }
  }

  /// Waits on the loop's own timers.
  private func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      loop.schedule(after: duration) { continuation.resume() }
    }
  }
}
