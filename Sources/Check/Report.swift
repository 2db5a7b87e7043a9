// What a check says at its end: figures, counts, examples of what is wrong, verdict.

struct Report {
  let figures: Figures
  let findings: Breaches
  let happenings: Happenings
  let journal: Journal
  let seconds: Int
  let plan: Plan

  func write() {
    print("")
    line("different events published", happenings.differentEvents)
    line("events in the channels' logs", happenings.events)
    line("alarms raised", happenings.alarms)
    line("events delivered", figures.delivered)
    line("connections made", figures.connections)
    line("subscriptions resumed", figures.recoveries)
    line("snapshots taken", figures.snapshots)
    line("heartbeats", figures.heartbeats)
    line("receipts sent", figures.receipts)
    line("tokens renewed", figures.renewals)
    line("told to go elsewhere (goaway)", figures.goaways)
    let told = figures.told.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    if !told.isEmpty { line("refused or closed by the hub", told.joined(separator: ", ")) }
    line("given up as stale", figures.stale)
    line("connections cut by the client", figures.cuts)
    line("cut in the middle of a frame", figures.halfFrames)
    line("pauses in reading", figures.pauses)
    line("jumps of a client's clock", figures.clockJumps)
    line("unsubscribed and subscribed again", figures.resubscriptions)
    line("commands", journal.commands.count)
    line("  of these acknowledged", journal.commands.count { $0.outcome == .acknowledged })
    line("  requests sent again", journal.retries)
    line("transactions of programs", journal.publications.count)
    line("  rolled back", journal.rollbacks)
    line("  lost or refused", journal.failures)
    let latency = figures.latency
    let parts = [500, 990, 999].map { readable(latency.value(perMille: $0)) }
    line("commit to socket", "p50 \(parts[0]), p99 \(parts[1]), p99.9 \(parts[2]), most \(readable(latency.largest))")
    line("longest without a subscription", readable(figures.longestAbsence))
    line("time", "\(seconds) s, seed \(plan.seed)")
    print("\nmust be 0:")
    for breach in Breach.allCases { line(breach.rawValue, findings[breach]) }
    for breach in Breach.allCases where findings[breach] > 0 {
      print("\n\(breach.rawValue):")
      for example in findings.examples[breach] ?? [] { print("  \(String(example.prefix(1000)))") }
    }
    print("")
    print(findings.total == 0 ? "check: the promise was kept" : "check: the promise was BROKEN")
  }

  private func line(_ name: String, _ value: some CustomStringConvertible) {
    print("  \(name)\(String(repeating: " ", count: max(1, 42 - name.count)))\(value)")
  }
}
