// Base 64 and base64url (RFC 4648), both strict: what is decoded has no other spelling, and Foundation decodes the same.
import Crypto
import Foundation
import Protocol

extension FuzzTarget {
  static let base64 = FuzzTarget("base64") { input in
    try requireEqual(Base64.encode(input), Data(input).base64EncodedString(), "Foundation encodes otherwise")
    try requireEqual(Base64.decode(Base64.encode(input)), input, "base 64 and back")
    let url = Array(Base64URL.encode(input.span.bytes).utf8)
    try requireEqual(Base64URL.decode(url.span.bytes), input, "base64url and back")
    if let bytes = Base64URL.decode(input.span.bytes) {
      try requireEqual(Array(Base64URL.encode(bytes.span.bytes).utf8), input, "two spellings in base64url")
    }
    guard let text = String(validating: input, as: UTF8.self) else { return }
    guard let bytes = Base64.decode(text) else {
      // Foundation overlooks bits that have no meaning; whatever it spells so itself must be read.
      let theirs = Data(base64Encoded: text)
      try require(theirs?.base64EncodedString() != text, "only we refuse this")
      return
    }
    try requireEqual(Base64.encode(bytes), text, "two spellings in base 64")
    try requireEqual(Data(base64Encoded: text), Data(bytes), "Foundation decodes otherwise")
  }
}
