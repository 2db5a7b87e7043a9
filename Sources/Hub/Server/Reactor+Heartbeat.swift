// What every connection is told each period (wire §2): that the hub is there, how fresh the database's word is, the heads
// that moved, and for a kitchen the checksum of its open tickets, so that a screen can tell by itself that it is wrong.
//
// The sums of all kitchens that moved are read together, once a period and reactor, as of the offset that the same
// statement sees. A sum is told once an offset; a screen keeps it.
import Channels
import Postgres
import Protocol

/// The checksum of a channel's state as of an offset (0013-checksum.sql).
struct StateSum: Sendable {
  let offset: Int64
  let text: String
}

extension Reactor {
  /// Kitchens whose sums one statement reads.
  private static var sumsAtOnce: Int { 200 }

  func heartbeat(_ connection: Connection, _ session: ListeningSession, fresh: Int64, quiet: SharedMessage) {
    if case .eventStream(let stream) = connection.phase, !stream.hasStarted { return }
    var heads: [(channel: String, offset: Int64)] = []
    var sums: [ServerMessageEncoder.ChannelSum] = []
    for subscriber in session.subscribers {
      let channel = subscriber.channel
      if channel.head != subscriber.toldHead {
        subscriber.toldHead = channel.head
        heads.append((channel.text, channel.head))
      }
      if let sum = channel.sum, sum.offset != subscriber.toldSum {
        subscriber.toldSum = sum.offset
        sums.append((channel.text, sum.offset, sum.text))
      }
    }
    if heads.isEmpty, sums.isEmpty, connection.form != .eventStream {
      return write(frame(of: quiet, for: connection), to: connection)
    }
    reply(to: connection) {
      ServerMessageEncoder.appendHeartbeat(
        at: instant(), fresh: instant(fresh), heads: heads, sums: sums, to: &$0)
    }
  }

  /// The channel's state has moved, or somebody is there who knows no sum of it.
  func sumIsDue(of channel: LocalChannel) {
    guard channel.name.kind == .kitchen, !channel.isSumDue else { return }
    channel.isSumDue = true
    sumsDue.append(channel)
  }

  /// Reads the sums that are due.
  func refreshSums() {
    guard !isReadingSums else { return }
    let moved = sumsDue.filter { !$0.seats.isEmpty }
    for channel in sumsDue { channel.isSumDue = false }
    sumsDue = []
    guard !moved.isEmpty else { return }
    isReadingSums = true
    Task.immediate(executorPreference: tasks) {
      defer { isReadingSums = false }
      for start in stride(from: 0, to: moved.count, by: Self.sumsAtOnce) {
        let part = moved[start..<min(start + Self.sumsAtOnce, moved.count)]
        let eras = Dictionary(uniqueKeysWithValues: part.map { ($0.name, $0.era) })
        let statement = FeedQueries.sums(ofKitchens: part.map(\.name.id))
        guard let rows = try? await database.rows(statement.sql, statement.values) else {
          // Without a database there is nothing to compare with; the next period asks again.
          for channel in moved[start...] { sumIsDue(of: channel) }
          return
        }
        for row in rows {
          guard let name = ChannelName(.kitchen, row.string(0)), let channel = channels[name], eras[name] == channel.era
          else {
            continue
          }
          channel.sum = StateSum(offset: row.int64(1), text: row.string(2))
        }
      }
    }
  }
}
