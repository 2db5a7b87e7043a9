// What a connection listens to, whatever carries it: a WebSocket or an event stream. Subscribers and the channels they are
// in know no more of a connection than this and the form that its messages take (MessageForm).
import Channels
import Domain
import Protocol

/// Who listens on a connection, and to what.
class ListeningSession {
  /// This connection in `welcome`, in the log and among those who listen.
  let identifier: Identifier
  final var caller: Caller?
  final var subscribers: [Subscriber] = []
  /// Subscriptions that are being made, also those given up meanwhile.
  final var joinsRunning = 0
  /// The end has been said (a close frame, an event stream's last event); nothing more is.
  final var isClosing = false

  init(identifier: Identifier, caller: Caller?) {
    self.identifier = identifier
    self.caller = caller
  }

  final func subscriber(of channel: ChannelName) -> Subscriber? {
    subscribers.first { $0.channel.name == channel }
  }
}
