// What a check measures beside what it counts as wrong.
import EventLoop

/// Times in microseconds, in buckets an eighth of their size wide.
package struct Histogram: Sendable {
  private var buckets = [Int](repeating: 0, count: 64 * 8)
  package private(set) var count = 0
  package private(set) var largest: Int64 = 0

  package init() {}

  package mutating func add(_ microseconds: Int64) {
    let value = max(0, microseconds)
    buckets[Self.bucket(of: value)] += 1
    count += 1
    largest = max(largest, value)
  }

  /// The upper end of the bucket in which so many of a thousand are reached.
  package func value(perMille: Int) -> Int64 {
    let wanted = (count * perMille + 999) / 1000
    var sum = 0
    for (index, number) in buckets.enumerated() {
      sum += number
      if sum >= wanted, sum > 0 { return min(Self.end(of: index), largest) }
    }
    return largest
  }

  private static func bucket(of value: Int64) -> Int {
    if value < 8 { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return min((exponent - 2) * 8 + Int((value >> Int64(exponent - 3)) & 7), 64 * 8 - 1)
  }

  private static func end(of bucket: Int) -> Int64 {
    if bucket < 8 { return Int64(bucket) }
    let exponent = bucket / 8 + 2
    guard exponent < 62 else { return .max }
    return (Int64(8 + bucket % 8 + 1) << Int64(exponent - 3)) - 1
  }
}

package struct Figures: Sendable {
  package var delivered = 0
  package var connections = 0
  package var recoveries = 0
  package var snapshots = 0
  package var heartbeats = 0
  package var receipts = 0
  package var renewals = 0
  package var goaways = 0
  /// Close codes and codes of `error` messages, and how often each came.
  package var told: [String: Int] = [:]
  /// Connections given up for the lack of heartbeats.
  package var stale = 0
  package var cuts = 0
  package var halfFrames = 0
  package var pauses = 0
  package var clockJumps = 0
  package var resubscriptions = 0
  /// From the event's time in the database to its arrival at a reader that was up to date.
  package var latency = Histogram()
  /// The longest that a subscriber was without a live subscription, in microseconds.
  package var longestAbsence: Int64 = 0

  package init() {}
}

/// Microseconds as people read them.
func readable(_ microseconds: Int64) -> String {
  if microseconds >= 10_000_000 { return "\(microseconds / 1_000_000) s" }
  if microseconds >= 1_000_000 { return "\(microseconds / 1_000_000).\(microseconds / 100_000 % 10) s" }
  if microseconds >= 10_000 { return "\(microseconds / 1000) ms" }
  return "\(microseconds / 1000).\(microseconds / 100 % 10) ms"
}

/// Reads an instant such as 2026-11-20T20:43:00.123456Z, in microseconds since 1970; nil when it is none.
package func microseconds(ofInstant text: String) -> Int64? {
  let digits = text.utf8.map { Int64($0) - 48 }
  guard digits.count >= 20, text.hasSuffix("Z") else { return nil }
  func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + $1 } }
  let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
  // Days from civil, after Howard Hinnant: the year begins in March.
  let shifted = month <= 2 ? year - 1 : year
  let era = shifted / 400
  let ofEra = shifted - era * 400
  let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  let days = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
  let seconds = days * 86_400 + number(11..<13) * 3600 + number(14..<16) * 60 + number(17..<19)
  let fraction = digits.dropFirst(20).prefix { 0...9 ~= $0 }.prefix(6)
  let scale = (fraction.count..<6).reduce(Int64(1)) { product, _ in product * 10 }
  return seconds * 1_000_000 + fraction.reduce(0) { $0 * 10 + $1 } * scale
}
