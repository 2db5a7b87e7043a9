// A reactor's part of presence: it reports who comes and goes, gathered for a moment, and hands what is told to the
// subscriptions that asked for it. What is told has no offset and is not kept: a connection that does not drain is told
// everything anew when it has.
import Channels
import Domain
import EventLoop
import Protocol

/// What a subscriber has to do with presence.
struct PresenceInterest {
  /// It is one of those who are there.
  var isMember = false
  /// The kitchen stations that the screen shows; nil for all.
  var stations: [Identifier]?
  var news = News.unwanted

  /// What it is told of the others.
  enum News {
    case unwanted
    /// Who is there was asked for.
    case asked
    /// It was told who is there, and takes what changes.
    case told
    /// It could not take something: it is told anew once it can.
    case missed
  }
}

extension Reactor {
  /// How long reports are gathered; the node gathers those of all reactors once more.
  private static var reportDelay: Duration { .milliseconds(25) }
  private static var mostStations: Int { 100 }

  // MARK: Reporting

  /// The subscription is made. Everybody who listens is a member, but for the owners' and programs' `account:` channels.
  func arrived(_ subscriber: Subscriber, _ wanted: PendingSubscription, _ session: ListeningSession) {
    let channel = subscriber.channel
    guard !subscriber.hasLeft, channel.name.kind != .account, let caller = session.caller else { return }
    let key = PresenceKey(channel: channel.text, connection: session.identifier)
    subscriber.presence.isMember = true
    subscriber.presence.stations = wanted.stations
    report(
      .arrived(
        PresenceMember(key: key, user: caller.userID, role: caller.role, stations: wanted.stations, since: .now())))
    guard wanted.wantsPresence else { return }
    subscriber.presence.news = .asked
    channel.presenceWatchers += 1
    report(.watches(key, reactor: index))
  }

  func departed(_ subscriber: Subscriber, _ session: ListeningSession) {
    let channel = subscriber.channel
    guard subscriber.presence.isMember else { return }
    report(.departed(PresenceKey(channel: channel.text, connection: session.identifier)))
    guard subscriber.presence.news != .unwanted else { return }
    channel.presenceWatchers -= 1
    if channel.presenceWatchers == 0 { report(.watchesNoMore(channel: channel.text, reactor: index)) }
  }

  private func report(_ change: PresenceChange) {
    presenceChanges.append(change)
    guard presenceChanges.count == 1 else { return }
    loop.schedule(after: Self.reportDelay) { [unowned self] in
      self.assumeIsolated { reactor in
        let changes = reactor.presenceChanges
        reactor.presenceChanges = []
        let presence = reactor.node.presence
        // On the loop of the node's presence, in the order in which these are made.
        Task(executorPreference: presence.tasks) { await presence.take(changes) }
      }
    }
  }

  // MARK: Telling

  func tell(_ news: PresenceNews) {
    guard let channel = ChannelName(news.channel).flatMap({ channels[$0] }), channel.presenceWatchers > 0 else {
      return
    }
    for subscriber in channel.subscribers where subscriber.presence.news != .unwanted {
      let connection = subscriber.connection
      if let newcomers = news.newcomers {
        guard let session = connection.session, newcomers.contains(session.identifier) else { continue }
        subscriber.presence.news = .told
      }
      guard subscriber.presence.news == .told else { continue }
      guard subscriber.subscription.state == .live else {
        subscriber.presence.news = .missed
        continue
      }
      if connection.outbound.count > node.configuration.limits.sendQueueBytes {
        subscriber.presence.news = .missed
        connection.hasLagging = true
        continue
      }
      for message in news.messages { write(frame(of: message, for: connection), to: connection) }
    }
  }

  /// The subscriber is live or its connection has drained: what it was not told meanwhile is asked for as a whole.
  func askForPresence(_ subscriber: Subscriber) {
    guard subscriber.presence.news == .missed, subscriber.subscription.state == .live,
      let session = subscriber.connection.session
    else { return }
    subscriber.presence.news = .asked
    report(.watches(PresenceKey(channel: subscriber.channel.text, connection: session.identifier), reactor: index))
  }

  // MARK: Asking

  /// `presence` and `stations` of an address.
  func addPresence(from query: QueryParameters, to wanted: inout PendingSubscription) throws(Problem) {
    switch query["presence"] {
    case nil, "false": break
    case "true": wanted.wantsPresence = true
    default: throw .badRequest("presence is true or false.", code: "invalid_query")
    }
    let stations = query["stations"]?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    wanted.stations = try stations.map { texts throws(Problem) in try self.stations(texts) }
  }

  /// The stations that a screen says it shows; whether there are such is nobody's question here.
  func stations(_ texts: [String]) throws(Problem) -> [Identifier] {
    let stations = texts.compactMap { Identifier($0) }
    guard stations.count == texts.count, (1...Self.mostStations).contains(stations.count) else {
      throw .badRequest("stations are 1 to \(Self.mostStations) ids of stations.", code: "invalid_stations")
    }
    return stations
  }
}
