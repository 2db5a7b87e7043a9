// What the hub knows of one WebSocket: its decoder, who is signed in, its subscriptions and its counts. It does not know
// which HTTP version carried it. Kept small: tens of thousands of these are idle.
import Channels
import Domain
import Protocol

final class WebSocketSession: ListeningSession {
  let purpose: ServerPurpose
  var decoder: WebSocketDecoder
  /// A shortcut's subscription, made once the connection is signed in.
  var pending: PendingSubscription?
  var commandsRunning = 0
  /// Bad messages in the minute that began at `badSince`.
  var badMessages = 0
  var badSince: Int32 = 0
  var unansweredPings = 0
  /// The client's window when its messages refer to earlier ones, so that it needs an inflater of its own.
  var ownInflaterBits: UInt8?
  /// Made at the first message that needs it.
  var inflater: InflateContext?
  var deflater: DeflateContext?
  /// The drain has been announced; it closes when its commands are done.
  var isLeaving = false

  init(purpose: ServerPurpose, limits: WebSocketLimits, identifier: Identifier, caller: Caller? = nil) {
    self.purpose = purpose
    decoder = WebSocketDecoder(role: .server, limits: limits)
    super.init(identifier: identifier, caller: caller)
  }
}

/// A subscription that was asked for.
struct PendingSubscription {
  var channel: ChannelName
  var id: MessageID?
  var since: Int64?
  var epoch: String?
  var wantsSnapshot = true
  var wantsPresence = false
  /// The kitchen stations that the screen shows; nil for all.
  var stations: [Identifier]?
  /// Asked for by the address of the connection, which is of no use without it.
  var isShortcut = false
}

/// One connection in one channel.
final class Subscriber {
  let connection: Connection
  let channel: LocalChannel
  /// Its cursor and state, which lie with those of the channel's others; meaningless once it has left.
  var subscription: Subscription {
    get { hasLeft ? Subscription() : channel.seats[position].subscription }
    set { if !hasLeft { channel.seats[position].subscription = newValue } }
  }
  /// Where it stands in the channel's table.
  var position = 0
  /// The head last told in a heartbeat.
  var toldHead: Int64 = 0
  /// The greatest offset that it has said to have shown.
  var shown: Int64 = 0
  /// The offset of the checksum last told.
  var toldSum: Int64?
  /// A task of it is reading the log.
  var isReading = false
  /// It has been taken out of the channel.
  var hasLeft = false
  var presence = PresenceInterest()

  init(connection: Connection, channel: LocalChannel) {
    self.connection = connection
    self.channel = channel
  }
}

/// What a fan-out needs of a subscriber.
struct Seat {
  var subscription = Subscription()
  let descriptor: Int32
  let subscriber: Subscriber

  init(descriptor: Int32, subscriber: Subscriber) {
    self.descriptor = descriptor
    self.subscriber = subscriber
  }
}

/// One channel on one reactor: who listens, and the newest events.
final class LocalChannel {
  let name: ChannelName
  let text: String
  /// Tells this registration with the feed from an earlier one of the same channel.
  let generation: Int
  /// Side by side in memory, because a fan-out goes through all of them.
  var seats: [Seat] = []
  var subscribers: LazyMapSequence<[Seat], Subscriber> { seats.lazy.map(\.subscriber) }
  var recent = RecentEvents<SharedMessage>()
  /// When its newest events were committed.
  var times = RecentTimes()
  /// How often it began anew: what was asked for in one era is not believed in the next.
  var era = 0
  /// The offset of the newest event delivered here; nil until the feed has attached the channel.
  var position: Int64?
  /// The newest offset known to be committed.
  var head: Int64 = 0
  /// The newest checksum read; only kitchens have one.
  var sum: StateSum?
  /// It stands in the reactor's list of checksums to read.
  var isSumDue = false
  /// How many events a page of its log has; it follows the size of those read last.
  var pageLength = 64
  /// Subscribers that wait for the feed.
  var attachWaiters: [CheckedContinuation<Problem?, Never>]?
  /// Subscribers that are told who listens.
  var presenceWatchers = 0
  /// The second in which the last subscriber left; the channel is kept a little for those who come back.
  var emptySince: Int32 = 0
  /// It stands in the reactor's list of channels to give up.
  var isEmptied = false

  init(name: ChannelName, generation: Int) {
    self.name = name
    text = name.description
    self.generation = generation
  }

  func add(_ subscriber: Subscriber) {
    subscriber.position = seats.count
    seats.append(Seat(descriptor: subscriber.connection.descriptor, subscriber: subscriber))
  }

  func remove(_ subscriber: Subscriber) {
    guard !subscriber.hasLeft else { return }
    subscriber.hasLeft = true
    let last = seats.removeLast()
    if last.subscriber !== subscriber {
      seats[subscriber.position] = last
      last.subscriber.position = subscriber.position
    }
  }
}
