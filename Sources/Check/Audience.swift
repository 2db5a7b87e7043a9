// All subscribers on one thread: one poll over their sockets, what is ready is read, and a look at the clock for each every
// few milliseconds. Some hundred of them cost a fraction of a core.
import EventLoop
import Glibc

/// An access token and when it ends, in seconds since 1970, where that is known.
package struct Token: Sendable {
  package let text: String
  package let ends: Int64?

  package init(_ text: String, ends: Int64?) {
    self.text = text
    self.ends = ends
  }
}

final class Audience {
  private static let tickInterval: Int64 = 10_000_000

  let addresses: [HubAddress]
  let token: (_ role: String, _ restaurant: String) -> Token
  /// Between two whims of a subscriber, in nanoseconds, on the average.
  let unrest: Int64
  var isUnruly = true
  var subscribers: [Subscriber] = []
  var ledger = Ledger()
  var figures = Figures()
  var cache = MessageCache()
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
  /// What the database's clock is ahead of ours, in microseconds.
  var clockDifference: Int64 = 0
  private(set) var now = MonotonicTime.now().nanoseconds
  private var lastTick: Int64 = 0
  private var polled: [pollfd] = []
  private var owners: [Int] = []

  init(addresses: [HubAddress], unrest: Int64, token: @escaping (String, String) -> Token) {
    self.addresses = addresses
    self.unrest = unrest
    self.token = token
  }

  deinit {
    for subscriber in subscribers where subscriber.descriptor >= 0 { close(subscriber.descriptor) }
    buffer.deallocate()
  }

  var live: Int { subscribers.count(where: \.isLive) }

  /// Waits at most some milliseconds for bytes, and does what is due.
  func turn() {
    now = MonotonicTime.now().nanoseconds
    if now - lastTick >= Self.tickInterval {
      lastTick = now
      for subscriber in subscribers { subscriber.tick(self) }
    }
    polled.removeAll(keepingCapacity: true)
    owners.removeAll(keepingCapacity: true)
    for (index, subscriber) in subscribers.enumerated()
    where subscriber.descriptor >= 0 && !subscriber.isPaused(at: now) {
      var events = Int16(POLLIN)
      if subscriber.phase == .connecting || !subscriber.outgoing.isEmpty { events |= Int16(POLLOUT) }
      polled.append(pollfd(fd: subscriber.descriptor, events: events, revents: 0))
      owners.append(index)
    }
    let ready = poll(&polled, nfds_t(polled.count), 5)
    guard ready > 0 else { return }
    now = MonotonicTime.now().nanoseconds
    for (index, entry) in polled.enumerated() where entry.revents != 0 {
      let subscriber = subscribers[owners[index]]
      // Its connection may have ended for the sake of another's message; the number may even be in use again.
      if subscriber.descriptor == entry.fd { subscriber.ready(entry.revents, self) }
    }
  }

  /// Turns until the condition holds; answers whether it did in so many seconds.
  func turn(within seconds: Int, until condition: () throws -> Bool) rethrows -> Bool {
    let end = MonotonicTime.now().advanced(by: .seconds(seconds))
    while try !condition() {
      if MonotonicTime.now() > end { return false }
      turn()
    }
    return true
  }

  /// The end: every subscriber behaves from now on, and begins anew with a snapshot.
  func beginAnew() {
    isUnruly = false
    for subscriber in subscribers {
      subscriber.isEnding = true
      subscriber.lose(self, failed: false)
    }
  }
}
