// The name of a channel, `kind:id` (wire.md §1). What a name means and who may listen is decided in Domain and Hub.

/// The kinds of channel that exist.
package enum ChannelKind: String, CaseIterable, Sendable {
  case restaurant, kitchen, pos, payments, ramp, account, platform

  /// What the id behind the colon must be.
  package enum IdentifierForm: Sendable { case uuid, integer, none }

  /// Where it stands among all kinds.
  package var position: Int {
    switch self {
    case .restaurant: 0
    case .kitchen: 1
    case .pos: 2
    case .payments: 3
    case .ramp: 4
    case .account: 5
    case .platform: 6
    }
  }

  package var identifierForm: IdentifierForm {
    switch self {
    case .restaurant, .kitchen, .pos, .payments, .ramp: .uuid
    case .account: .integer
    case .platform: .none
    }
  }
}

package struct ChannelName: Hashable, Sendable, CustomStringConvertible {
  package let kind: ChannelKind
  /// The id behind the colon, in lower case; empty for `platform`.
  package let id: String

  /// Reads `kind:id`; nil when the kind is unknown or the id has not the kind's form.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let kind = ChannelKind(rawValue: String(parts[0])) else { return nil }
    self.init(kind, parts.count == 2 ? String(parts[1]) : nil)
  }

  package init?(_ kind: ChannelKind, _ id: String?) {
    switch kind.identifierForm {
    case .none:
      guard id == nil else { return nil }
      self.id = ""
    case .integer:
      guard let id, let number = Int64(id), String(number) == id else { return nil }
      self.id = id
    case .uuid:
      guard let id, Self.isUUID(id) else { return nil }
      self.id = id.lowercased()
    }
    self.kind = kind
  }

  package var description: String { kind == .platform ? "platform" : "\(kind.rawValue):\(id)" }

  private static func isUUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    for (index, byte) in bytes.enumerated() {
      switch index {
      case 8, 13, 18, 23: if byte != UInt8(ascii: "-") { return false }
      default:
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
          UInt8(ascii: "A")...UInt8(ascii: "F"):
          break
        default: return false
        }
      }
    }
    return true
  }
}
