// JSON as it was read, to be walked by names and indices. What is not there is null, so a test fails at its expectation
// and not on the way to it.
import Foundation

package struct Document: CustomStringConvertible {
  private let value: Any?

  package init(_ value: Any?) { self.value = value is NSNull ? nil : value }

  package init(_ bytes: [UInt8]) {
    self.init(try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed))
  }

  package subscript(name: String) -> Document { Document((value as? [String: Any])?[name]) }

  package subscript(index: Int) -> Document {
    let array = value as? [Any] ?? []
    return Document(array.indices.contains(index) ? array[index] : nil)
  }

  package var string: String? { value as? String }
  package var integer: Int? { isBoolean ? nil : value as? Int }
  package var boolean: Bool? { isBoolean ? value as? Bool : nil }
  package var isNull: Bool { value == nil }
  /// The elements of an array; none of anything else.
  package var array: [Document] { (value as? [Any] ?? []).map { Document($0) } }
  /// The names of an object's members, also of those that are null.
  package var names: Set<String> { Set((value as? [String: Any] ?? [:]).keys) }

  private var isBoolean: Bool { (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? (value is Bool) }

  /// The same JSON with its members in order, so that two can be compared.
  package var description: String {
    guard let value else { return "null" }
    let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }
}

extension RawAnswer {
  package var document: Document { Document(body) }
  /// The stable code of a problem document.
  package var code: String { document["code"].string ?? "" }
  /// The codes of its faults by field, as `items[0].quantity invalid_quantity`.
  package var faults: [String] {
    document["errors"].array.map { "\($0["field"].string ?? "?") \($0["code"].string ?? "?")" }
  }
}

extension RawWebSocket {
  /// A field of the handshake's answer.
  package func header(_ name: String) -> String? { RawAnswer(status: 101, head: head, body: []).header(name) }

  /// The next message that is no heartbeat, which may come at any time, as a document.
  package func next() throws -> Document {
    let end = Date(timeIntervalSinceNow: socket.patience)
    while Date() < end {
      let message = Document(try receive())
      if message["type"].string != "heartbeat" { return message }
    }
    throw SupportError("nothing but heartbeats within \(socket.patience) s")
  }

  /// The next message of a type; others are passed over.
  package func next(_ type: String) throws -> Document { Document(try receive(type) as [String: Any]) }
}
