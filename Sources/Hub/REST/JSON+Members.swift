// JSON documents of the hub's own, made from pairs in the order they are to be read.
package import Protocol

extension JSON {
  package init(members: [(String, JSON)]) {
    self = .object(JSONObject(members.map { JSONMember($0.0, $0.1) }))
  }

  package static func integer(_ value: Int64) -> JSON { .number(JSONNumber(value)) }
}
