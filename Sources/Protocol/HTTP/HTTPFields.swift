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

  package mutating func reserveCapacity(_ count: Int) { all.reserveCapacity(count) }

  package mutating func append(_ name: String, _ value: String) {
    all.append(HTTPField(name, value))
  }

  /// Every value of `name`, in order.
  package func values(_ name: String) -> [String] {
    var values: [String] = []
    for field in all where HTTPSyntax.equalsIgnoringCase(field.name, name) { values.append(field.value) }
    return values
  }

  /// All values of `name` as one, joined as RFC 9110 §5.3 says; nil when there is none.
  package func combined(_ name: String) -> String? {
    let values = values(name)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// The members of a list field (RFC 9110 §5.6.1), trimmed, empty ones left out; a comma in quotes does not divide.
  package func list(_ name: String) -> [String] {
    var members: [String] = []
    for field in all where HTTPSyntax.equalsIgnoringCase(field.name, name) {
      Self.forEachMember(of: field.value) { members.append(String(decoding: $0, as: UTF8.self)) }
    }
    return members
  }

  /// Whether a list field has `token` among its members, whatever its case: `Connection: keep-alive, Upgrade`.
  package func hasToken(_ token: String, in name: String) -> Bool {
    var isThere = false
    for field in all where HTTPSyntax.equalsIgnoringCase(field.name, name) {
      Self.forEachMember(of: field.value) { member in
        if HTTPSyntax.equalsIgnoringCase(member, token.utf8) { isThere = true }
      }
    }
    return isThere
  }

  private static func forEachMember(of value: String, _ body: (Slice<UnsafeBufferPointer<UInt8>>) -> Void) {
    value.utf8Span.span.withUnsafeBufferPointer { bytes in
      var start = 0
      var isQuoted = false
      var isEscaped = false
      func end(_ end: Int) {
        let member = HTTPSyntax.trimmed(bytes[start..<end])
        if !member.isEmpty { body(member) }
      }
      for (offset, byte) in bytes.enumerated() {
        if byte == UInt8(ascii: ","), !isQuoted {
          end(offset)
          start = offset + 1
        } else if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\"") {
          isQuoted.toggle()
        } else if byte == UInt8(ascii: "\\"), isQuoted {
          isEscaped = true
        }
      }
      end(bytes.count)
    }
  }
}
