// Texts that people type and addresses they sign in with: what is accepted is accepted again unchanged, holds no control
// character and keeps its length.
import Domain

extension FuzzTarget {
  static let texts = FuzzTarget("texts") { input in
    guard let text = String(validating: input, as: UTF8.self) else { return }
    for rule in [PlainText.name, .table, .orderNote] {
      guard let accepted = try? rule.accept(text) else { continue }
      try requireEqual(try rule.accept(accepted), accepted, "a text is not accepted again")
      try require(accepted.unicodeScalars.count <= rule.maximum, "a text over its limit")
      try require(!accepted.utf8.contains { $0 == 0 || $0 == 0x1B || $0 == 0x7F }, "a control character")
    }
    if let address = EmailAddress(text) {
      try requireEqual(EmailAddress(address.description), address, "an address is not accepted again")
      try require(trimming(text).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "an address with other than ASCII")
      try require(address.description.utf8.count <= 254, "an address over its limit")
    }
  }
}
