// Moments: those that clients send, in a list's bounds and cursors, are nothing that Postgres could take for a word or a
// statement; those that the hub writes are what Foundation reads as the same moment.
import Domain
import Foundation
import Telemetry

extension FuzzTarget {
  static let instants = FuzzTarget("instants") { input in
    if let text = String(validating: input, as: UTF8.self), isInstant(text) {
      try require(10...32 ~= text.utf8.count, "a moment of \(text.utf8.count) bytes")
      try require(LocalDate(text.prefix(10)) != nil, "a moment without a day")
      try require(text.utf8.allSatisfy { "0123456789:.+-TZ".utf8.contains($0) }, "a moment with other characters")
    }
    guard input.count >= 8 else { return }
    let number = input.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    let timestamp = Timestamp(microseconds: Int64(bitPattern: number))
    try require(timestamp.description.hasSuffix("Z"), "a moment without its zone")
    // Four digits of a year end with the year 9999; before 1583 Foundation has the Julian calendar.
    guard -12_212_553_600_000_000..<253_402_300_800_000_000 ~= timestamp.microseconds else { return }
    let written = timestamp.description
    try require(isInstant(written), "our own moment is none")
    let date = Date(timeIntervalSince1970: Double(timestamp.seconds))
    let theirs = date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: false))
    try requireEqual(String(written.prefix(19)), theirs, "Foundation writes otherwise")
  }
}
