// Percent-encoding (RFC 3986 §2.1) and the query parameters that browsers and tools make of it.

package enum PercentEncoding {
  /// The decoded text; nil when an escape is malformed, or the bytes are not UTF-8 or hold a NUL.
  package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    var output: [UInt8] = []
    output.reserveCapacity(text.utf8.count)
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.next().flatMap(HTTPSyntax.hexValue), let low = rest.next().flatMap(HTTPSyntax.hexValue),
          high | low != 0
        else { return nil }
        output.append(high << 4 | low)
      } else {
        output.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(validating: output, as: UTF8.self)
  }

  /// Encodes all but the unreserved characters of RFC 3986 §2.3, fit for a path segment or a query value.
  package static func encode(_ text: some StringProtocol) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var output: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        output.append(byte)
      default:
        output.append(UInt8(ascii: "%"))
        output.append(digits[Int(byte >> 4)])
        output.append(digits[Int(byte & 15)])
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}

/// `a=1&b=x%20y` in its order; a name without "=" has the empty value, "+" is a space.
package struct QueryParameters: Equatable, Sendable {
  package struct Parameter: Equatable, Sendable {
    package let name: String
    package let value: String
  }

  package let all: [Parameter]

  /// Nil when an escape is malformed or there are more than 100 parameters.
  package init?(_ query: String?) {
    var all: [Parameter] = []
    for pair in (query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true),
        let value = PercentEncoding.decode(parts.count == 2 ? parts[1] : "", plusIsSpace: true), all.count < 100
      else { return nil }
      all.append(Parameter(name: name, value: value))
    }
    self.all = all
  }

  /// The first value of `name`.
  package subscript(name: String) -> String? {
    all.first { $0.name == name }?.value
  }

  package func values(_ name: String) -> [String] {
    all.filter { $0.name == name }.map(\.value)
  }
}
