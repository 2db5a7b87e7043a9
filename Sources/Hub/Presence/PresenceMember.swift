// One subscription as others see it, and what reactors and the presence of the node tell each other.
import Channels
package import Domain
import EventLoop
import Protocol

/// A subscription in the presence of its channel.
package struct PresenceKey: Hashable, Sendable {
  package let channel: String
  package let connection: Identifier

  /// What `hub.write_presence` takes as departed.
  var document: JSON {
    JSON(members: [("channel", .string(channel)), ("connection", .string(connection.description))])
  }
}

package struct PresenceMember: Sendable {
  let key: PresenceKey
  /// The user, or the device for a device's token.
  let user: Identifier
  let role: Role
  /// The kitchen stations that the screen shows; nil for all.
  let stations: [Identifier]?
  let since: MonotonicTime

  /// What `hub.write_presence` takes as arrived. The age is by this machine's clock, the moment then by the database's.
  func document(now: MonotonicTime) -> JSON {
    let isDevice = role == .kitchen || role == .till
    let age = Double(now.nanoseconds - since.nanoseconds) / 1_000_000_000
    return JSON(members: [
      ("channel", .string(key.channel)), ("connection", .string(key.connection.description)),
      ("user", .string(user.description)), ("role", .string(role.rawValue)),
      ("device", isDevice ? .string(user.description) : .null),
      ("stations", stations.map { .array($0.map { .string($0.description) }) } ?? .null),
      ("age", .integer(Int64(age.rounded()))),
    ])
  }
}

/// What happened on a reactor, in order.
package enum PresenceChange: Sendable {
  case arrived(PresenceMember)
  case departed(PresenceKey)
  /// The subscription wants to be told who is there, and from then on who comes and goes.
  case watches(PresenceKey, reactor: Int)
  /// Nobody on the reactor wants to know any more.
  case watchesNoMore(channel: String, reactor: Int)
}

/// What the subscriptions of a channel that want to know are told.
package struct PresenceNews: Sendable {
  let channel: String
  let messages: [SharedMessage]
  /// The connections that are told for the first time; nil for those that have been.
  let newcomers: Set<Identifier>?
}
