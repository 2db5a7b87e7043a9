// What the writers did, as far as they know: commands with their keys, published events with how their transaction ended.
// Laid beside the log: what was acknowledged must stand there once, what was not may stand there once at most.

package struct Journal: Sendable {
  /// How a change ended for whoever made it.
  package enum Outcome: Sendable {
    /// The hub or the database said that it took place.
    case acknowledged
    /// The answer did not come and was not asked for again.
    case unknown
    /// Rolled back, or refused.
    case undone
  }

  /// A command: it must cause the event once on its channel.
  package struct Command: Sendable {
    package let outcome: Outcome
    package let channel: String
    package let event: String
    /// The note of a new order, the id of what was moved.
    package let subject: String

    package init(_ outcome: Outcome, _ channel: String, _ event: String, _ subject: String) {
      self.outcome = outcome
      self.channel = channel
      self.event = event
      self.subject = subject
    }
  }

  /// One event that a program published itself, on one or more channels.
  package struct Publication: Sendable {
    package let outcome: Outcome
    package let channels: [String]
    package let key: String

    package init(_ outcome: Outcome, _ channels: [String], _ key: String) {
      self.outcome = outcome
      self.channels = channels
      self.key = key
    }
  }

  package var commands: [Command] = []
  package var publications: [Publication] = []
  package var breaches = Breaches()
  /// Requests sent again since the answer did not come, and answers that said "not now".
  package var retries = 0
  /// Transactions that the database refused or lost.
  package var failures = 0
  package var rollbacks = 0

  package init() {}

  package mutating func add(_ other: Journal) {
    commands += other.commands
    publications += other.publications
    breaches.add(other.breaches)
    retries += other.retries
    failures += other.failures
    rollbacks += other.rollbacks
  }
}

/// What the log says of all that: how often each thing happened.
package struct Happenings: Sendable {
  /// The event that our own programs publish.
  package static let published = "check.noted"
  /// Events that raise an alarm, and those that take it back.
  private static let alarms = [
    "ticket.unseen": true, "ticket.seen": false, "station.uncovered": true, "station.covered": false,
  ]

  private var commands: [String: Int] = [:]
  private var publications: [String: Int] = [:]
  private var identifiers: Set<String> = []
  private var standing: Set<String> = []
  private var raisedTwice = Breaches()
  package private(set) var events = 0
  package private(set) var alarms = 0

  package init() {}

  /// Different events; one that went to three channels counts once.
  package var differentEvents: Int { identifiers.count }

  package mutating func take(_ entry: LogEntry, of channel: String) {
    events += 1
    identifiers.insert(entry.id)
    if entry.name == Self.published, let key = entry.data["key"]?.text {
      publications["\(channel) \(key)", default: 0] += 1
      return
    }
    if let alarm = Self.alarms[entry.name], let id = entry.data["id"]?.text {
      raise(alarm, "\(channel) \(id)")
      return
    }
    let member = entry.name == "order.created" ? "note" : "id"
    guard let subject = entry.data[member]?.text else { return }
    commands["\(channel) \(entry.name) \(subject)", default: 0] += 1
  }

  /// An alarm stands until it is taken back, however many nodes were killed meanwhile.
  private mutating func raise(_ isRaised: Bool, _ alarm: String) {
    guard isRaised else {
      standing.remove(alarm)
      return
    }
    alarms += 1
    if !standing.insert(alarm).inserted { raisedTwice.add(.alarm, alarm) }
  }

  package func audit(_ journal: Journal) -> Breaches {
    var breaches = journal.breaches
    breaches.add(raisedTwice)
    // Two commands may ask for the same, such as two starts of a ticket that was recalled between.
    var asked: [String: (acknowledged: Int, all: Int)] = [:]
    for command in journal.commands {
      let key = "\(command.channel) \(command.event) \(command.subject)"
      asked[key, default: (0, 0)].all += command.outcome == .undone ? 0 : 1
      asked[key, default: (0, 0)].acknowledged += command.outcome == .acknowledged ? 1 : 0
    }
    for (key, times) in asked {
      let happened = commands[key] ?? 0
      if happened < times.acknowledged { breaches.add(.lost, times.acknowledged - happened, key) }
      if happened > times.all { breaches.add(.doubled, happened - times.all, key) }
    }
    for publication in journal.publications { audit(publication, &breaches) }
    return breaches
  }

  private func audit(_ publication: Journal.Publication, _ breaches: inout Breaches) {
    let times = publication.channels.map { publications["\($0) \(publication.key)"] ?? 0 }
    let most = times.max() ?? 0
    let least = times.min() ?? 0
    let name = "\(publication.key) on \(publication.channels.joined(separator: ", "))"
    if most > 1 { breaches.add(.doubled, most - 1, name) }
    if most > 0, least == 0 { breaches.add(.torn, name) }
    switch publication.outcome {
    case .acknowledged: if most == 0 { breaches.add(.lost, name) }
    case .undone: if most > 0 { breaches.add(.undone, name) }
    case .unknown: break
    }
  }
}
