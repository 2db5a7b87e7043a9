// Tokens (RFC 7515, RFC 8725): nobody without the key makes one that is believed, a header that is believed says HS256
// to another JSON reader too, and any claims that were signed come back as they were.
import Crypto
import Foundation
import Protocol

extension FuzzTarget {
  static let webToken = FuzzTarget("web-token") { input in
    let key = HMACKey(Array("the fuzzer does not know this key".utf8).span.bytes)
    try require((try? WebToken.verify(input.span.bytes, with: key)) == nil, "a token was forged")

    let signed = Array(WebToken.sign(claims: input.span.bytes, with: key).utf8)
    if signed.count <= WebToken.maximumBytes {
      try requireEqual(try WebToken.verify(signed.span.bytes, with: key), input, "the claims changed")
    }

    // The input as a header, under a signature that is right.
    var token = Array(Base64URL.encode(input.span.bytes).utf8) + Array(".e30".utf8)
    let code = key.authenticationCode(for: token.span.bytes)
    token += Array(".\(Base64URL.encode(code.span.bytes))".utf8)
    guard let claims = try? WebToken.verify(token.span.bytes, with: key) else { return }
    try requireEqual(claims, Array("{}".utf8), "the claims changed")
    let header = try JSONSerialization.jsonObject(with: Data(input)) as? [String: String]
    try requireEqual(header?["alg"], "HS256", "a header was misread")
    try require(header?["crit"] == nil, "a critical extension was ignored")
  }
}
