// Receipts (`seen`, wire §2): noted here and stored together, in one write about every tenth of a second however many
// come. Nothing waits for it. What is noted and not yet stored dies with the process: a client says it again when it has
// reconnected, and until then an alarm errs on the side of ringing.
//
// A receipt that cannot be true is ignored: of a channel that this connection does not listen to, or past what it can
// have been given. The statement checks offsets against the log again.
import Channels
import Domain
import EventLoop
import Postgres
import Protocol
import Telemetry

/// Whose receipt it is. The same device with other stations on its screen is another reader: it has shown other tickets.
struct ReceiptReader: Hashable, Sendable {
  let channel: ChannelName
  /// The device; for a person the session; without either the connection.
  let device: Identifier
  let user: Identifier
  let role: Role
  /// The kitchen stations on the screen; nil for all.
  let stations: [Identifier]?

  init(_ caller: Caller, _ connection: Identifier, _ channel: ChannelName, stations: [Identifier]?) {
    self.channel = channel
    device = caller.role.isStaff ? caller.sessionID ?? connection : caller.userID
    user = caller.userID
    role = caller.role
    self.stations = stations
  }
}

/// What a reactor has noted and not yet stored.
final class PendingReceipts {
  var noted = Receipts<ReceiptReader>(capacity: 20_000)
  var isScheduled = false
}

extension Reactor {
  private static var receiptInterval: Duration { .milliseconds(100) }
  private static var receiptsInOneWrite: Int { 500 }
  private static var pauseAfterLostWrite: Duration { .seconds(1) }

  func seen(_ channel: String, _ offset: Int64, _ level: ReceiptLevel, _ session: WebSocketSession) {
    node.counters.receipts.add()
    guard let caller = session.caller, let name = ChannelName(channel), let subscriber = session.subscriber(of: name),
      offset > 0, offset <= max(subscriber.channel.head, subscriber.subscription.cursor)
    else {
      node.counters.receiptsIgnored.add()
      return
    }
    if level == .shown, offset > subscriber.shown, let committed = subscriber.channel.times.time(of: offset) {
      node.counters.delays.commitToShown(name.kind).observe(delay(since: committed))
    }
    if level != .received { subscriber.shown = max(subscriber.shown, offset) }
    let reader = ReceiptReader(caller, session.identifier, name, stations: subscriber.presence.stations)
    let offsets =
      switch level {
      case .received: ReceiptOffsets(received: offset)
      case .shown: ReceiptOffsets(received: offset, shown: offset)
      case .accepted: ReceiptOffsets(received: offset, shown: offset, accepted: offset)
      }
    guard receipts.noted.note(offsets, by: reader) else {
      node.counters.receiptsIgnored.add()
      return
    }
    storeReceipts(after: Self.receiptInterval)
  }

  private func storeReceipts(after pause: Duration) {
    guard !receipts.isScheduled else { return }
    receipts.isScheduled = true
    loop.schedule(after: pause) { [unowned self] in
      self.assumeIsolated { reactor in
        _ = Task.immediate(executorPreference: reactor.tasks) { await reactor.storeReceipts() }
      }
    }
  }

  private func storeReceipts() async {
    let entries = receipts.noted.take(atMost: Self.receiptsInOneWrite)
    var pause = Self.receiptInterval
    do throws(PostgresError) {
      node.counters.receiptBatches.add()
      let events = try await ReceiptsQueries.store(entries, pool)
      if !events.isEmpty { await node.api.feed.committed(events) }
    } catch {
      // Kept for when the database is back; the greatest offsets need no more room meanwhile.
      receipts.noted.putBack(entries)
      pause = Self.pauseAfterLostWrite
      node.log.debug("receipts.not_stored", ["error": "\(error)"])
    }
    receipts.isScheduled = false
    if !receipts.noted.isEmpty { storeReceipts(after: pause) }
  }
}
