// Every statement about who listens. The rows' meaning is in SQL/0008-presence.sql.
import Channels
import Domain
import EventLoop
import Postgres
import Protocol

enum PresenceQueries {
  /// A member as clients see it, of a row called p.
  static let member = """
    jsonb_build_object('connection', p.connection, 'user', p.user_id, 'role', p.role, 'device', p.device_id,
      'name', nullif(p.name, ''), 'stations', to_jsonb(p.stations), 'since', hub.instant(p.since))
    """

  /// Answers whether there was no lease, and how many members the node has.
  static func renewLease(_ node: String) -> Statement {
    Statement("SELECT is_new, members FROM hub.renew_lease($1)", [.text(node)])
  }

  static let endLeases = Statement("SELECT hub.end_leases()")

  static func endLease(_ node: String) -> Statement { Statement("SELECT hub.end_lease($1)", [.text(node)]) }

  /// Answers false when the node has no lease.
  static func write(
    _ changes: PresenceRoster<PresenceKey, PresenceMember>.Changes, node: String, now: MonotonicTime
  ) -> Statement {
    let departed = JSON.array(changes.departed.map(\.document))
    let arrived = JSON.array(changes.arrived.map { $0.document(now: now) })
    return Statement(
      "SELECT hub.write_presence($1, $2::jsonb, $3::jsonb)",
      [.text(node), .json(departed.serialised()), .json(arrived.serialised())])
  }

  /// Channel, connection and member of all that are there, also of a node whose lease is over and not yet ended: whether
  /// it is gone for good is known when it is ended.
  static func members(of channels: [String]) -> Statement {
    Statement(
      """
      SELECT p.channel, p.connection, \(member) FROM hub.presence AS p
      WHERE p.channel = ANY($1::text[]) ORDER BY p.channel, p.since, p.connection
      """, [.textArray(channels)])
  }
}
