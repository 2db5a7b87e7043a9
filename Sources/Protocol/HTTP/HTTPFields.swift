// Header fields in their order, looked up without regard to case (RFC 9110 §5). They are the bytes of a head and where
// in it each name and value lies: a server asks for few of the fields that it is sent, so text is made of a value when
// somebody asks for it, and most questions are answered from the bytes.

package struct HTTPField: Equatable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

package struct HTTPFields: Sendable {
  /// Where a field lies among the bytes.
  struct Place: Sendable {
    let name: Range<Int>
    let value: Range<Int>
  }

  private(set) var bytes: [UInt8]
  private(set) var places: [Place]

  package init(_ all: [HTTPField] = []) {
    bytes = []
    places = []
    for field in all { append(field.name, field.value) }
  }

  /// The fields of a head that was read; every place lies inside it.
  init(head: [UInt8], places: [Place]) {
    bytes = head
    self.places = places
  }

  package var count: Int { places.count }

  package var all: [HTTPField] { places.map { HTTPField(text($0.name), text($0.value)) } }

  /// The first value of `name`; setting replaces every field of that name, nil removes them.
  package subscript(name: String) -> String? {
    get {
      for place in places where isNamed(place, name) { return text(place.value) }
      return nil
    }
    set {
      places = places.filter { !isNamed($0, name) }
      if let newValue { append(name, newValue) }
    }
  }

  package mutating func append(_ name: String, _ value: String) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    let middle = bytes.count
    bytes.append(contentsOf: value.utf8)
    places.append(Place(name: start..<middle, value: middle..<bytes.count))
  }

  /// The value of `name` if there is exactly one such field.
  package func single(_ name: String) -> String? {
    var found: Place?
    for place in places where isNamed(place, name) {
      if found != nil { return nil }
      found = place
    }
    return found.map { text($0.value) }
  }

  /// Every value of `name`, in order.
  package func values(_ name: String) -> [String] {
    var values: [String] = []
    for place in places where isNamed(place, name) { values.append(text(place.value)) }
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
    for place in places where isNamed(place, name) {
      forEachMember(of: place.value) { members.append(text($0)) }
    }
    return members
  }

  /// Whether a list field has `token` among its members, whatever its case: `Connection: keep-alive, Upgrade`.
  package func hasToken(_ token: String, in name: String) -> Bool {
    var isThere = false
    for place in places where isNamed(place, name) {
      forEachMember(of: place.value) { if isEqual($0, token) { isThere = true } }
    }
    return isThere
  }

  // MARK: Bytes

  func isNamed(_ place: Place, _ name: String) -> Bool { isEqual(place.name, name) }

  private func isEqual(_ range: Range<Int>, _ text: String) -> Bool {
    // The count first: it alone tells most names apart.
    range.count == text.utf8.count
      && HTTPSyntax.equalsIgnoringCase(bytes.span.extracting(range), text.utf8Span.span)
  }

  private func text(_ range: Range<Int>) -> String { HTTPSyntax.text(bytes[range]) }

  private func forEachMember(of value: Range<Int>, _ body: (Range<Int>) -> Void) {
    var start = value.lowerBound
    var isQuoted = false
    var isEscaped = false
    func end(_ end: Int) {
      let member = HTTPSyntax.trimmed(start..<end, of: bytes.span)
      if !member.isEmpty { body(member) }
    }
    for offset in value {
      let byte = bytes[offset]
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
    end(value.upperBound)
  }
}

extension HTTPFields: Equatable {
  package static func == (left: HTTPFields, right: HTTPFields) -> Bool { left.all == right.all }
}
