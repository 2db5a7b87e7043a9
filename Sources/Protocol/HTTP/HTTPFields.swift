// Header fields in their order, looked up without regard to case (RFC 9110 §5).

package struct HTTPField: Equatable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

package struct HTTPFields: Equatable, Sendable {
  package private(set) var all: [HTTPField]

  package init(_ all: [HTTPField] = []) {
    self.all = all
  }

  package var count: Int { all.count }

  /// The first value of `name`; setting replaces every field of that name, nil removes them.
  package subscript(name: String) -> String? {
    get { all.first { HTTPSyntax.equalsIgnoringCase($0.name, name) }?.value }
    set {
      all.removeAll { HTTPSyntax.equalsIgnoringCase($0.name, name) }
      if let newValue { all.append(HTTPField(name, newValue)) }
    }
  }

  package mutating func append(_ name: String, _ value: String) {
    all.append(HTTPField(name, value))
  }

  /// Every value of `name`, in order.
  package func values(_ name: String) -> [String] {
    all.filter { HTTPSyntax.equalsIgnoringCase($0.name, name) }.map(\.value)
  }

  /// All values of `name` as one, joined as RFC 9110 §5.3 says; nil when there is none.
  package func combined(_ name: String) -> String? {
    let values = values(name)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// The members of a list field (RFC 9110 §5.6.1), trimmed, empty ones left out; a comma in quotes does not divide.
  package func list(_ name: String) -> [String] {
    var members: [String] = []
    for value in values(name) {
      var member: [UInt8] = []
      var isQuoted = false
      var isEscaped = false
      for byte in value.utf8 {
        if byte == UInt8(ascii: ","), !isQuoted {
          Self.appendTrimmed(member, to: &members)
          member = []
          continue
        }
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\"") {
          isQuoted.toggle()
        } else if byte == UInt8(ascii: "\\"), isQuoted {
          isEscaped = true
        }
        member.append(byte)
      }
      Self.appendTrimmed(member, to: &members)
    }
    return members
  }

  /// Whether a list field has `token` among its members, whatever its case: `Connection: keep-alive, Upgrade`.
  package func hasToken(_ token: String, in name: String) -> Bool {
    list(name).contains { HTTPSyntax.equalsIgnoringCase($0, token) }
  }

  private static func appendTrimmed(_ bytes: [UInt8], to members: inout [String]) {
    let start = bytes.firstIndex { !HTTPSyntax.isWhitespace($0) } ?? bytes.endIndex
    let end = bytes.lastIndex { !HTTPSyntax.isWhitespace($0) }.map { $0 + 1 } ?? start
    if start < end { members.append(String(decoding: bytes[start..<end], as: UTF8.self)) }
  }
}
