// What a subscriber is brought forward with that is not in the channel's memory here: snapshots and pages of the log. Both
// are read once for all that ask, on every reactor of the node (SharedReads), so that 2,000 screens that come back at once
// cost the database a few statements.
//
// Whatever was read by another comes with the head of access:log as of its reading: whoever is given it has been checked
// up to there first, as if it had read it itself (AccessLedger, 1).
import Channels
import Domain
import Postgres
import Protocol
import Telemetry

/// What a statement said of a channel's head, and of that of access:log at the same moment.
struct ChannelHead: SharedValue {
  let offset: Int64
  let accessHead: Int64
  var byteCount: Int { 64 }
}

extension Node {
  /// Lets go of snapshots and pages that nobody has wanted since the call before.
  func dropUnusedReads() {
    snapshots.dropUnused()
    pages.dropUnused()
    heads.dropUnused()
  }
}

extension Reactor {
  // MARK: Snapshots

  /// The channel's head, read after this was asked: a node may be late, and whoever comes from another one must not be shown
  /// less than it has seen there. Those who ask while a reading is under way share the next one.
  func currentHead(of channel: LocalChannel) async throws(Problem) -> Int64 {
    let head = try await node.heads.value(of: channel.text, where: { _ in false }) { () async throws(Problem) in
      let row = try await database.rows(FeedQueries.head(of: channel.text))[0]
      return ChannelHead(offset: row.int64(0), accessHead: row.int64(1))
    }
    try await completeAccess(upTo: head.accessHead)
    return max(head.offset, channel.position ?? 0, channel.head)
  }

  /// The channel's state at an offset that is at least its head when this was asked.
  func snapshot(of channel: LocalChannel) async throws(Problem) -> Snapshot {
    let known = try await currentHead(of: channel)
    let key = SnapshotKey(channel: channel.text, epoch: node.feedState.epoch)
    let snapshot = try await node.snapshots.value(of: key, where: { $0.offset >= known }) {
      () async throws(Problem) in try await readSnapshot(of: channel)
    }
    try await completeAccess(upTo: snapshot.accessHead)
    return snapshot
  }

  private func readSnapshot(of channel: LocalChannel) async throws(Problem) -> Snapshot {
    node.counters.snapshots.add()
    let row = try await database.rows(
      FeedQueries.snapshot(kind: channel.name.kind.rawValue, id: channel.name.id, channel: channel.text))[0]
    if row.isNull(1) { throw .notFound("This channel") }
    return Snapshot(offset: row.int64(0), accessHead: row.int64(2), bytes: row.bytes(1))
  }

  // MARK: Resuming

  /// Whether every event after `offset` can still be given.
  func canResume(_ channel: LocalChannel, after offset: Int64) async throws(Problem) -> Bool {
    if channel.position == offset || channel.recent.covers(after: offset) { return true }
    // Not in memory: the log decides, including about an offset that another node has delivered before us.
    let page = try await page(of: channel, after: offset)
    try await completeAccess(upTo: page.accessHead)
    switch page.next(after: offset) {
    case .at: return true
    case .gone: return false
    case .unknown: return offset == page.head
    }
  }

  // MARK: Pages of the log

  private func pageKey(of channel: LocalChannel, after offset: Int64) -> LogPageKey {
    LogPageKey(channel.text, epoch: node.feedState.epoch, after: offset, length: channel.pageLength)
  }

  /// The page with the event after `offset`, if somebody has read it lately.
  func keptPage(of channel: LocalChannel, after offset: Int64) -> LogPage? {
    guard let page = node.pages.kept(pageKey(of: channel, after: offset)), case .at = page.next(after: offset) else {
      return nil
    }
    return page
  }

  /// A page that knows of the event after `offset`, or was read just now.
  private func page(of channel: LocalChannel, after offset: Int64) async throws(Problem) -> LogPage {
    let key = pageKey(of: channel, after: offset)
    let page = try await node.pages.value(of: key, where: { $0.next(after: offset) != .unknown }) {
      () async throws(Problem) in
      node.counters.replays.add()
      return LogPage(try await database.rows(FeedQueries.page(key)))
    }
    channel.pageLength = LogPageKey.length(forBytes: page.byteCount, count: page.entries.count)
    return page
  }

  /// Reads events after the cursor from the log and hands them over.
  func replay(_ subscriber: Subscriber) {
    subscriber.isReading = true
    Task.immediate(executorPreference: tasks) {
      let channel = subscriber.channel
      let (cursor, era) = (subscriber.subscription.cursor, channel.era)
      let page: LogPage
      do throws(Problem) {
        page = try await self.page(of: channel, after: cursor)
      } catch {
        // The database is away: the clock tries again; the screen knows by `fresh` and `heads`.
        subscriber.isReading = false
        subscriber.connection.hasStalled = true
        return
      }
      subscriber.isReading = false
      guard channel.era == era else { return advance(subscriber) }
      guard !subscriber.hasLeft, subscriber.subscription.state == .catchingUp else { return }
      switch page.next(after: cursor) {
      case .at: handOver(page, after: cursor, to: subscriber)
      case .unknown where (channel.position ?? 0) <= cursor: break
      case .gone, .unknown: return await restart(subscriber)
      }
      advance(subscriber)
    }
  }

  /// Hands over as many of the page's events after the cursor as the connection may hold, at least one; the rest is taken
  /// up again when the socket has drained.
  func handOver(_ page: LogPage, after cursor: Int64, to subscriber: Subscriber) {
    guard case .at(let index) = page.next(after: cursor) else { return }
    let connection = subscriber.connection
    for entry in page.entries[index...] {
      guard subscriber.subscription.caughtUp(entry.offset, through: entry.offset) != nil else { return }
      if let event = entry.accessEvent, let change = AccessChange(event), withdraw(change, event, from: subscriber) {
        return
      }
      write(frame(of: entry.message, for: connection), to: connection)
      if connection.outbound.count >= node.configuration.limits.sendQueueBytes { return }
    }
  }
}
