// The checker can fail: what was shown and is not in the log, snapshots that are not the fold, holes in the log itself.
import Check
import Testing

@Suite struct AuditTests {
  private static let base = Document(#"{"tickets":[],"out_of_stock":[],"all_day":[]}"#) ?? .null

  private static func ticket(_ id: String, _ status: String, isOpen: Bool) -> Document {
    Document(
      #"""
      {"id":"\#(id)","order_id":"o","status":"\#(status)","open":\#(isOpen),
       "items":[{"id":"i","product_id":"p","quantity":2,"status":"new"}]}
      """#) ?? .null
  }

  private static let log = [
    LogEntry(
      offset: 1, id: "a", name: "ticket.created", at: "2026-01-01T00:00:01Z", data: ticket("t", "new", isOpen: true)),
    LogEntry(
      offset: 2, id: "b", name: "ticket.started", at: "2026-01-01T00:00:02Z", data: ticket("t", "started", isOpen: true)
    ),
    LogEntry(
      offset: 3, id: "c", name: "ticket.served", at: "2026-01-01T00:00:03Z", data: ticket("t", "served", isOpen: false)),
  ]

  /// What the audit says when subscribers were shown these snapshots and events.
  private func audit(
    snapshots: [(Int64, String)] = [], events: [(Int64, Int)] = [], log: [LogEntry] = log, head: Int64 = 3
  ) -> Breaches {
    var ledger = Ledger()
    for (offset, text) in snapshots {
      var place = Place("kitchen:1", owner: "subscriber 1")
      place.subscribed(at: offset, recovered: false, asked: nil, snapshot: Document(text), &ledger)
    }
    for (offset, digest) in events {
      var place = Place("kitchen:1", owner: "subscriber 1")
      place.subscribed(at: offset - 1, recovered: false, asked: nil, snapshot: nil, &ledger)
      place.received(offset, digest: digest, &ledger)
    }
    #expect(ledger.breaches.total == 0)
    var audit = ChannelAudit("kitchen:1", base: Self.base, at: 0, ledger)
    for entry in log { audit.take(entry) }
    audit.finish(head: head)
    return audit.breaches
  }

  private static let open = #"""
    {"tickets":[{"id":"t","order_id":"o","status":"started","open":true,
     "items":[{"id":"i","product_id":"p","quantity":2,"status":"new"}]}],
     "out_of_stock":[],"all_day":[{"product_id":"p","name":"Steak","quantity":2}]}
    """#

  @Test func whatAgreesIsNoBreach() {
    let found = audit(
      snapshots: [(2, Self.open), (3, #"{"tickets":[],"out_of_stock":[],"all_day":[]}"#)],
      events: [(1, Self.log[0].digest), (2, Self.log[1].digest), (2, Self.log[1].digest)])
    #expect(found.total == 0, "\(found.examples)")
  }

  @Test func anEventOtherThanTheLogsIsAPhantom() {
    #expect(audit(events: [(1, Self.log[1].digest)])[.phantom] == 1)
    // Whoever was shown the right one is not counted.
    #expect(audit(events: [(2, Self.log[1].digest), (2, 7), (2, 7)])[.phantom] == 2)
    #expect(audit(events: [(2, 7), (2, Self.log[1].digest)])[.phantom] == 1)
  }

  @Test func anEventBeyondTheLogIsAPhantom() {
    #expect(audit(events: [(4, 4)])[.phantom] == 1)
  }

  @Test func aSnapshotThatIsNotTheFoldIsCounted() {
    // A ticket that is served already, one that is not there, a wrong count.
    #expect(audit(snapshots: [(3, Self.open)])[.snapshot] == 1)
    #expect(audit(snapshots: [(2, #"{"tickets":[],"out_of_stock":[],"all_day":[]}"#)])[.snapshot] == 1)
    let wrong = Self.open.replacing(#""name":"Steak","quantity":2"#, with: #""name":"Steak","quantity":3"#)
    #expect(audit(snapshots: [(2, wrong)])[.snapshot] == 1)
    #expect(audit(snapshots: [(9, Self.open)])[.snapshot] == 1)
  }

  @Test func aHoleInTheLogIsCounted() {
    #expect(audit(log: [Self.log[0], Self.log[2]])[.log] == 1)
    #expect(audit(head: 5)[.log] == 1)
  }
}
