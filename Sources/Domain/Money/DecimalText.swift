// Decimal strings ⇄ scaled integers, for money and rates. One grammar, that of a JSON number without an exponent:
// -?(0|[1-9][0-9]*)(\.[0-9]+)? — so no plus sign, no leading zero, no bare point, no other script's digits.

/// The number scaled by ten to the power of `digits`.
func parseDecimal(_ text: some StringProtocol, digits: Int) throws(MoneyError) -> Int64 {
  var bytes = Array(text.utf8)[...]
  let negative = bytes.first == UInt8(ascii: "-")
  if negative { bytes.removeFirst() }
  let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
  let whole = parts.first ?? []
  let fraction: ArraySlice<UInt8> = parts.count == 2 ? parts[1] : []
  let isNumber = (whole + fraction).allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  guard isNumber, !whole.isEmpty, parts.count == 1 || !fraction.isEmpty,
    whole.count == 1 || whole.first != UInt8(ascii: "0")
  else { throw .malformed }
  guard fraction.count <= digits else { throw .tooPrecise }
  // The number grows downwards when it is negative, so that the lowest Int64 can be read as well.
  var number: Int64 = 0
  let padding = repeatElement(UInt8(ascii: "0"), count: digits - fraction.count)
  for byte in whole + fraction + padding {
    let digit = Int64(byte - UInt8(ascii: "0"))
    let (shifted, shiftOverflow) = number.multipliedReportingOverflow(by: 10)
    let (next, addOverflow) =
      negative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
    guard !shiftOverflow, !addOverflow else { throw .overflow }
    number = next
  }
  return number
}

/// The decimal string of a number scaled by ten to the power of `digits`, with all those digits.
func formatDecimal(_ number: Int64, digits: Int) -> String {
  var text = String(number.magnitude)
  if text.utf8.count <= digits {
    text = String(repeating: "0", count: digits + 1 - text.utf8.count) + text
  }
  if digits > 0 {
    text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
  }
  return number < 0 ? "-" + text : text
}
