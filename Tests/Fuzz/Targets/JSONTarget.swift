// JSON (RFC 8259): what is read is written and read again to the same; and what Foundation's reader says of the same
// bytes is the same, but for the differences that are listed here.
import Foundation
import Protocol

extension FuzzTarget {
  static let json = FuzzTarget("json") { input in
    let theirs = try? JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed)
    do {
      let ours = try JSON.parse(input)
      let written = ours.serialised()
      try requireEqual(try JSON.parse(written).serialised(), written, "written and read again")
      try require(written.count <= input.count * 6 + 2, "\(input.count) bytes grew to \(written.count)")
      guard let theirs else {
        try require(hasExtremeNumber(ours) || mayBeGuessedAt(input), "only Foundation refuses this")
        return
      }
      if !mayBeGuessedAt(input) { try compare(ours, theirs) }
    } catch let error as JSONError {
      try require(error.offset <= input.count, "an error behind the end")
      let isDocumented =
        theirs == nil || stricter.contains(error.reason) || mayBeGuessedAt(input)
        || isBehindComma(error.offset, in: input)
      try require(isDocumented, "only we refuse this: \(error.reason) at \(error.offset)")
    }
  }

  /// Where we are stricter than Foundation on purpose: it keeps the last of two members and nests 512 deep.
  private static let stricter: Set = [
    "a member's name is repeated", "values are nested more than \(JSON.maximumDepth) deep",
  ]

  /// Whether a bracket or brace stands at the offset and a comma before it, which Foundation lets pass.
  private static func isBehindComma(_ offset: Int, in bytes: [UInt8]) -> Bool {
    let isEnd = offset < bytes.count && "]}".utf8.contains(bytes[offset])
    return isEnd && bytes[..<offset].last { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: ",")
  }

  /// Whether Foundation may guess at UTF-16 or UTF-32, as it does at a NUL, or drop a byte-order mark, as it does at the
  /// beginning of a text and of every string. RFC 8259 §8.1 has neither.
  private static func mayBeGuessedAt(_ bytes: [UInt8]) -> Bool {
    bytes.contains(0) || bytes.contains([0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFE, 0xFF])
      || bytes.starts(with: [0xFF, 0xFE])
  }

  /// Whether there is a number that Foundation cannot hold as a binary fraction; we keep its text.
  private static func hasExtremeNumber(_ value: JSON) -> Bool {
    switch value {
    case .null, .bool, .string: false
    case .number(let number): number.double.map { !$0.isFinite || $0.isSubnormal || $0 == 0 } ?? true
    case .array(let elements): elements.contains(where: hasExtremeNumber)
    case .object(let object): object.members.contains { hasExtremeNumber($0.value) }
    }
  }

  private static func compare(_ ours: JSON, _ theirs: Any) throws {
    switch ours {
    case .null:
      try require(theirs is NSNull, "null is \(theirs)")
    case .bool(let value):
      try requireEqual(value, theirs as? Bool, "a truth value")
    case .number(let number):
      try check(number)
      guard let theirs = theirs as? NSNumber else { throw FuzzFailure(description: "\(number) is \(theirs)") }
      if let integer = Int64(number.text) { try requireEqual(integer, theirs.int64Value, "an integer") }
    case .string(let string):
      let theirs = (theirs as? String).map { Array($0.unicodeScalars) }
      try requireEqual(Array(string.unicodeScalars), theirs, "a string")
    case .array(let elements):
      let theirs = theirs as? [Any] ?? []
      try requireEqual(elements.count, theirs.count, "an array's length")
      for (ours, theirs) in zip(elements, theirs) { try compare(ours, theirs) }
    case .object(let object):
      let theirs = theirs as? [String: Any] ?? [:]
      try requireEqual(object.count, theirs.count, "an object's length")
      for member in object.members {
        guard let value = theirs[member.name] else { throw FuzzFailure(description: "\(member.name) is missing") }
        try compare(member.value, value)
      }
    }
  }

  /// What is exact must round to what is nearest.
  private static func check(_ number: JSONNumber) throws {
    try require(JSONNumber(number.text) == number, "a number's text is no number")
    if let integer = number.int64 { try requireEqual(Double(integer), number.double, "an integer of \(number.text)") }
    if let cents = number.scaled(by: 2), let double = number.double, abs(cents) < 1 << 50 {
      try require(abs(Double(cents) - double * 100) <= abs(double) * 1e-13, "\(number.text) is \(cents) cents")
    }
  }
}
