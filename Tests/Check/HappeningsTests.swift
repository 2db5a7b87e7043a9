// The checker can fail: commands that are lost or happen twice, transactions that are torn or undone and yet there.
import Check
import Testing

@Suite struct HappeningsTests {
  private func happened(_ events: [(channel: String, name: String, data: String)]) -> Happenings {
    var happenings = Happenings()
    for (index, event) in events.enumerated() {
      let entry = LogEntry(
        offset: Int64(index + 1), id: "\(index)", name: event.name, at: "", data: Document(event.data) ?? .null)
      happenings.take(entry, of: event.channel)
    }
    return happenings
  }

  private func command(_ outcome: Journal.Outcome) -> Journal {
    var journal = Journal()
    journal.commands = [Journal.Command(outcome, "pos:1", "order.confirmed", "o")]
    return journal
  }

  private let confirmed = (channel: "pos:1", name: "order.confirmed", data: #"{"id":"o"}"#)

  @Test func anAcknowledgedCommandMustBeInTheLogOnce() {
    #expect(happened([confirmed]).audit(command(.acknowledged)).total == 0)
    #expect(happened([]).audit(command(.acknowledged))[.lost] == 1)
    #expect(happened([confirmed, confirmed]).audit(command(.acknowledged))[.doubled] == 1)
  }

  @Test func anUnansweredCommandMayBeInTheLogOnceAtMost() {
    #expect(happened([confirmed]).audit(command(.unknown)).total == 0)
    #expect(happened([]).audit(command(.unknown)).total == 0)
    #expect(happened([confirmed, confirmed]).audit(command(.unknown))[.doubled] == 1)
  }

  @Test func anOrderIsKnownByItsNote() {
    var journal = Journal()
    journal.commands = [Journal.Command(.acknowledged, "pos:1", "order.created", "check 1")]
    let created = (channel: "pos:1", name: "order.created", data: #"{"id":"x","note":"check 1"}"#)
    #expect(happened([created]).audit(journal).total == 0)
    #expect(happened([created, created]).audit(journal)[.doubled] == 1)
  }

  private func publication(_ outcome: Journal.Outcome) -> Journal {
    var journal = Journal()
    journal.publications = [Journal.Publication(outcome, ["pos:1", "kitchen:1"], "k")]
    return journal
  }

  private func noted(_ channel: String) -> (channel: String, name: String, data: String) {
    (channel, Happenings.published, #"{"key":"k"}"#)
  }

  @Test func aTransactionIsWholeOrNotThere() {
    let whole = happened([noted("pos:1"), noted("kitchen:1")])
    #expect(whole.audit(publication(.acknowledged)).total == 0)
    #expect(whole.audit(publication(.unknown)).total == 0)
    #expect(whole.audit(publication(.undone))[.undone] == 1)
    #expect(happened([noted("pos:1")]).audit(publication(.unknown))[.torn] == 1)
    #expect(happened([]).audit(publication(.acknowledged))[.lost] == 1)
    let twice = happened([noted("pos:1"), noted("kitchen:1"), noted("pos:1")])
    #expect(twice.audit(publication(.acknowledged))[.doubled] == 1)
  }

  @Test func anAlarmThatStandsIsNotRaisedAgain() {
    let raised = (channel: "pos:1", name: "ticket.unseen", data: #"{"id":"t"}"#)
    let seen = (channel: "pos:1", name: "ticket.seen", data: #"{"id":"t"}"#)
    #expect(happened([raised, seen, raised]).audit(Journal()).total == 0)
    #expect(happened([raised, raised]).audit(Journal())[.alarm] == 1)
  }

  @Test func anEventOnSeveralChannelsCountsOnce() {
    var happenings = Happenings()
    let entry = LogEntry(offset: 1, id: "a", name: "x", at: "", data: .null)
    happenings.take(entry, of: "pos:1")
    happenings.take(entry, of: "kitchen:1")
    #expect(happenings.events == 2 && happenings.differentEvents == 1)
  }
}
