// A number of JSON as it was written (RFC 8259 §6). Its text is all there is; what is read from it is exact or nil.

package struct JSONNumber: Equatable, Sendable {
  /// As it stood in the document: two numbers are equal when their texts are, so 1 is not 1.0.
  package let text: String

  package init(_ value: Int64) {
    text = String(value)
  }

  /// Nil when the text is not a number of JSON.
  package init?(_ text: String) {
    let isNumber = Array(text.utf8).span.bytes.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes)
      return parser.isNumberAlone()
    }
    guard isNumber else { return nil }
    self.text = text
  }

  /// `text` was checked by the parser.
  init(checked text: String) {
    self.text = text
  }

  /// The exact integer: `3`, `3.0` and `3e0` are 3; nil with a fraction or outside 64 bits.
  package var int64: Int64? { Int64(text) ?? scaled(by: 0) }

  /// The nearest binary fraction; for what is approximate by nature only.
  package var double: Double? { Double(text) }

  /// The number times ten to the power of `digits` as an exact integer, nil if it is none: `2.5` scaled by 2 is 250.
  package func scaled(by digits: Int) -> Int64? {
    var coefficient: [UInt8] = []
    var exponent = digits
    var isNegative = false
    var isInFraction = false
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "-"): isNegative = true
      case UInt8(ascii: "."): isInFraction = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        let written = Substring(rest)
        rest = rest[rest.endIndex...]
        // An exponent too long to read makes any number but zero too large or a fraction.
        let isZero = coefficient.allSatisfy { $0 == 0 }
        guard let value = Int(written), -1_000_000...1_000_000 ~= value else { return isZero ? 0 : nil }
        exponent += value
      default:
        coefficient.append(byte - UInt8(ascii: "0"))
        if isInFraction { exponent -= 1 }
      }
    }
    while coefficient.last == 0 {
      coefficient.removeLast()
      exponent += 1
    }
    if coefficient.isEmpty { return 0 }
    // Without trailing zeros a negative exponent means a fraction; with more than 18 positive it does not fit.
    guard exponent >= 0, exponent < 19 else { return nil }
    var value: Int64 = 0
    for digit in coefficient + Array(repeating: 0, count: exponent) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let signed = isNegative ? -Int64(digit) : Int64(digit)
      let (sum, overflowAgain) = product.addingReportingOverflow(signed)
      if overflow || overflowAgain { return nil }
      value = sum
    }
    return value
  }
}
