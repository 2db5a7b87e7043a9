// Reads the members of a request's body one by one and remembers every fault, so that all are reported together
// (wire.md §5). A member that is absent and one that is null read alike; where they differ, as in a PATCH, ask `names`.
// Members that nobody reads are ignored (wire.md §2).
import Domain
import Protocol

struct Fields {
  private let body: JSON
  private(set) var faults: [FieldFault] = []

  init(_ body: JSON) { self.body = body }

  /// Whether the body has the member, be it null.
  func names(_ field: String) -> Bool { body[field] != nil }

  mutating func refuse(_ field: String, _ code: String, _ detail: String) {
    faults.append(FieldFault(field: field, code: code, detail: detail))
  }

  /// Throws 422 with all faults found so far.
  func check() throws(Problem) {
    guard faults.isEmpty else { throw .validation(faults) }
  }

  // MARK: Members

  /// Any text, not looked at further.
  mutating func text(_ field: String) -> String? {
    guard let member = member(field) else { return nil }
    if let text = member.string { return text }
    refuse(field, "invalid_type", "A text is needed.")
    return nil
  }

  /// Text by a rule; nil when it is absent, empty or at fault.
  mutating func text(_ field: String, _ rule: PlainText) -> String? {
    guard let text = text(field) else { return nil }
    do {
      let accepted = try rule.accept(text)
      return accepted.isEmpty ? nil : accepted
    } catch {
      refuse(field, error, rule)
      return nil
    }
  }

  /// A name, which cannot be empty; a fault when it is absent and `required`.
  mutating func name(_ field: String, required: Bool) -> String? {
    guard names(field) || required else { return nil }
    let faultsBefore = faults.count
    let name = text(field, .name)
    if name == nil, faults.count == faultsBefore { refuse(field, FaultCode.textMissing, .name) }
    return name
  }

  mutating func boolean(_ field: String) -> Bool? {
    guard let member = member(field) else { return nil }
    if let boolean = member.bool { return boolean }
    refuse(field, "invalid_type", "true or false is needed.")
    return nil
  }

  mutating func integer(_ field: String, in range: ClosedRange<Int64>) -> Int64? {
    guard let member = member(field) else { return nil }
    guard let integer = member.int64, range.contains(integer) else {
      refuse(field, "invalid_number", "A whole number from \(range.lowerBound) to \(range.upperBound).")
      return nil
    }
    return integer
  }

  mutating func identifier(_ field: String) -> Identifier? {
    guard let member = member(field) else { return nil }
    if let id = member.string.flatMap({ Identifier($0) }) { return id }
    refuse(field, "invalid_id", "A UUID is needed.")
    return nil
  }

  /// A price, as a decimal string with at most the currency's digits.
  mutating func price(_ field: String, in currency: Currency) -> Money? {
    guard let text = text(field) else { return nil }
    guard let money = try? Money(text, in: currency), !money.isNegative else {
      refuse(field, "invalid_amount", "A decimal string from 0, with at most \(currency.minorDigits) decimals.")
      return nil
    }
    return money
  }

  /// A rate, as a decimal string such as `0.2000`.
  mutating func rate(_ field: String) -> Rate? {
    guard let text = text(field) else { return nil }
    if let rate = try? Rate(text) { return rate }
    refuse(field, "invalid_rate", "A decimal string from 0 to 9.9999, with at most four decimals.")
    return nil
  }

  /// The version that the client has seen, where it sends one.
  mutating func version() -> Int64? { integer("version", in: 1...Int64(Int32.max)) }

  private func member(_ field: String) -> JSON? {
    guard let member = body[field], member != .null else { return nil }
    return member
  }

  private mutating func refuse(_ field: String, _ code: FaultCode, _ rule: PlainText) {
    let detail =
      switch code {
      case .textMissing: "A text is needed."
      case .textTooLong: "At most \(rule.maximum) characters."
      default: "Control characters are not allowed."
      }
    refuse(field, code.rawValue, detail)
  }
}
