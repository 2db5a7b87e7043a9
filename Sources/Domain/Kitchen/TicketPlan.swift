// Which tickets an order needs when it is confirmed: one a station, in the order in which the stations first appear,
// with their lines in the order's order. Lines without a station (a bottle, a gift card) need no kitchen and make no
// ticket; an order of such lines only has none, and people move it on by hand (see OrderProgress).

/// One ticket to be made.
package struct PlannedTicket: Hashable, Sendable {
  package let station: Identifier
  /// Positions of its lines in the order.
  package let lines: [Int]
}

package enum TicketPlan {
  /// The tickets for lines made at these stations.
  package static func tickets(forLinesAt stations: [Identifier?]) -> [PlannedTicket] {
    var order: [Identifier] = []
    var lines: [Identifier: [Int]] = [:]
    for (index, station) in stations.enumerated() {
      guard let station else { continue }
      if lines[station] == nil { order.append(station) }
      lines[station, default: []].append(index)
    }
    return order.map { PlannedTicket(station: $0, lines: lines[$0, default: []]) }
  }
}
