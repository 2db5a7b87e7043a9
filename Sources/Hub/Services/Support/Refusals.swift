// What Domain refuses, as problems (wire.md §5): its faults become one 422, a move that a state machine does not have
// becomes a 409 that names both states, and a version that is no longer the newest a 409 with the current document.
// Which status belongs to what is decided here once for all services.
import Domain
import Protocol

extension Problem {
  /// 422 with every fault; `more` are those that were found before Domain was asked.
  static func validation(_ faults: Faults, after more: [FieldFault] = []) -> Problem {
    .validation(more + faults.all.map { FieldFault(field: $0.field, code: $0.code.rawValue, detail: $0.detail) })
  }

  /// 409 for a move that the state machine of `what` does not have.
  static func transition(_ refused: InvalidTransition, of what: String) -> Problem {
    let detail =
      refused.from == refused.to
      ? "\(what) is \(refused.from) already." : "\(what) is \(refused.from) and cannot become \(refused.to)."
    return .conflict(
      "invalid_status_transition", detail, members: [("from", .string(refused.from)), ("to", .string(refused.to))])
  }

  /// 409 for a version that is no longer the newest, with the current state.
  static func stale(_ what: String, current: [UInt8]) -> Problem {
    .conflict(
      "stale_version", "\(what) has changed since you saw it.",
      members: [("current", (try? JSON.parse(current)) ?? .null)])
  }
}
