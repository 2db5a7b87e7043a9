// JSON → bytes: the shortest text of a value, appended to a buffer, and the pieces with which the envelope is written
// by hand. Only what RFC 8259 §7 demands is escaped.

package enum JSONWriter {
  /// Appends text that is JSON already.
  @inline(__always)
  package static func append(literal: StaticString, to output: inout [UInt8]) {
    output.append(contentsOf: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Appends bytes that are JSON already.
  package static func append(raw bytes: RawSpan, to output: inout [UInt8]) {
    bytes.withUnsafeBytes { output.append(contentsOf: $0) }
  }

  /// Appends a string with its quotes.
  package static func append(string: String, to output: inout [UInt8]) {
    var string = string
    output.append(UInt8(ascii: "\""))
    string.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0), to: &output) }
    output.append(UInt8(ascii: "\""))
  }

  package static func append(string: String?, to output: inout [UInt8]) {
    if let string { append(string: string, to: &output) } else { append(literal: "null", to: &output) }
  }

  package static func append(integer: Int64, to output: inout [UInt8]) {
    output.append(contentsOf: String(integer).utf8)
  }

  package static func append(_ value: JSON, to output: inout [UInt8]) {
    switch value {
    case .null: append(literal: "null", to: &output)
    case .bool(let value): append(literal: value ? "true" : "false", to: &output)
    case .number(let number): output.append(contentsOf: number.text.utf8)
    case .string(let string): append(string: string, to: &output)
    case .array(let elements):
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        append(element, to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .object(let object):
      output.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        append(string: member.name, to: &output)
        output.append(UInt8(ascii: ":"))
        append(member.value, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    }
  }

  private static func appendEscaped(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var start = 0
    for offset in 0..<text.count {
      let byte = text[offset]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<offset]))
      start = offset + 1
      appendEscape(byte, to: &output)
    }
    output.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
  }

  private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): append(literal: #"\""#, to: &output)
    case UInt8(ascii: "\\"): append(literal: #"\\"#, to: &output)
    case 0x08: append(literal: #"\b"#, to: &output)
    case 0x09: append(literal: #"\t"#, to: &output)
    case 0x0A: append(literal: #"\n"#, to: &output)
    case 0x0C: append(literal: #"\f"#, to: &output)
    case 0x0D: append(literal: #"\r"#, to: &output)
    default:
      append(literal: byte < 0x10 ? #"\u000"# : #"\u001"#, to: &output)
      let digit = byte & 15
      output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}

extension JSON {
  /// The value as bytes.
  package func serialised() -> [UInt8] {
    var output: [UInt8] = []
    JSONWriter.append(self, to: &output)
    return output
  }
}
