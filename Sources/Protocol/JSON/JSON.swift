// A JSON value (RFC 8259) as a tree, with the accessors that reading a document takes. Numbers keep their text, so
// nothing is rounded; objects keep the order of their members.

package enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

package struct JSONMember: Equatable, Sendable {
  package var name: String
  package var value: JSON

  package init(_ name: String, _ value: JSON) {
    self.name = name
    self.value = value
  }
}

/// The members of an object, in order; two objects are equal when they have the same members in the same order.
package struct JSONObject: Equatable, Sendable {
  package var members: [JSONMember]

  package init(_ members: [JSONMember] = []) {
    self.members = members
  }

  package var count: Int { members.count }

  /// The member of that name; setting replaces or appends it, nil removes it.
  package subscript(name: String) -> JSON? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(JSONMember(name, value))
      case (nil, nil): break
      }
    }
  }
}

extension JSON {
  package var isNull: Bool { self == .null }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  package var number: JSONNumber? {
    if case .number(let value) = self { value } else { nil }
  }

  /// The number as an integer, nil when it is another type, has a fraction or does not fit.
  package var int64: Int64? { number?.int64 }

  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  package var array: [JSON]? {
    if case .array(let value) = self { value } else { nil }
  }

  package var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The member of that name of an object; nil when there is none or this is no object.
  package subscript(name: String) -> JSON? { object?[name] }

  /// The element at that index of an array; nil outside it.
  package subscript(index: Int) -> JSON? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(JSONObject(elements.map { JSONMember($0.0, $0.1) }))
  }
}
