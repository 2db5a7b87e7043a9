// Digests of the API's own, as hexadecimal text.
import Crypto

/// SHA-256 as bytes.
func sha256(_ bytes: [UInt8]) -> [UInt8] {
  let digest = SHA256.hash(bytes.span.bytes)
  return digest.indices.map { digest[$0] }
}

extension API {
  static func digest(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in sha256(bytes) { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
