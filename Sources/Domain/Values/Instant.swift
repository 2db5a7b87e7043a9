// A moment as clients write it, in the bounds and cursors of lists. It is not read here: the database knows calendars and
// zones; this says only whether the text may be handed to it.

/// Whether the text is a moment that is safe to hand to Postgres, which knows many more ways to write one: an RFC 3339
/// date-time with its offset, or a date alone. What is left, such as an hour of 25, Postgres refuses itself.
package func isInstant(_ text: some StringProtocol) -> Bool {
  guard LocalDate(text.prefix(10)) != nil else { return false }
  let time = text.dropFirst(10)
  guard !time.isEmpty else { return true }
  let isZoned = time.hasSuffix("Z") || time.dropLast(5).last.map { $0 == "+" || $0 == "-" } == true
  return time.hasPrefix("T") && isZoned && time.utf8.count <= 22
    && time.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: ":")).contains($0) || "T.+-Z".utf8.contains($0) }
}
