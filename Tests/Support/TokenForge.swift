// Makes tokens with a hub's secret, and against its rules: other claims, other algorithms, other keys. SHA-256 (FIPS
// 180-4) and HMAC (RFC 2104) are written out here, so that a fault of the production code cannot hide itself.
import Foundation

package struct TokenForge: Sendable {
  package let secret: [UInt8]

  package init(secretFile: String) throws {
    guard let data = FileManager.default.contents(atPath: secretFile) else {
      throw SupportError("no secret in \(secretFile)")
    }
    secret = Array(data)
  }

  package init(secret: [UInt8]) { self.secret = secret }

  /// The claims of a good access token, to be changed at will.
  package static func claims(
    role: String, restaurants: [String] = [], user: String = UUID().uuidString.lowercased(), lifetime: Int = 600
  ) -> [String: Any] {
    let now = Int(Date().timeIntervalSince1970)
    return [
      "iss": "hub", "aud": "hub", "typ": "access", "sub": user, "role": role, "restaurants": restaurants,
      "iat": now, "nbf": now, "exp": now + lifetime,
    ]
  }

  /// A good access token.
  package func token(role: String, restaurants: [String] = [], user: String? = nil, lifetime: Int = 600) throws
    -> String
  {
    let user = user ?? UUID().uuidString.lowercased()
    return try sign(Self.claims(role: role, restaurants: restaurants, user: user, lifetime: lifetime))
  }

  /// Signs the claims with HMAC-SHA256, whatever the header says.
  package func sign(_ claims: [String: Any], header: String = #"{"alg":"HS256","typ":"JWT"}"#) throws -> String {
    let signed = try Self.unsigned(claims, header: header)
    return signed + "." + Self.base64URL(Self.authenticationCode(Array(signed.utf8), key: secret))
  }

  /// Header and claims without a signature.
  package static func unsigned(_ claims: [String: Any], header: String) throws -> String {
    let body = try JSONSerialization.data(withJSONObject: claims)
    return base64URL(Array(header.utf8)) + "." + base64URL(Array(body))
  }

  package static func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
      .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
  }

  package static func authenticationCode(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    let key = key.count > 64 ? sha256(key) : key
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    return sha256(padded.map { $0 ^ 0x5C } + sha256(padded.map { $0 ^ 0x36 } + message))
  }

  package static func sha256(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [
      0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]
    var bytes = message + [0x80]
    while bytes.count % 64 != 56 { bytes.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8((message.count * 8) >> shift & 255)) }
    for block in stride(from: 0, to: bytes.count, by: 64) {
      var words = (0..<16).map { word in
        (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[block + word * 4 + $1]) }
      }
      for index in 16..<64 {
        let (old, new) = (words[index - 15], words[index - 2])
        let small = turn(old, 7) ^ turn(old, 18) ^ old >> 3
        words.append(words[index - 16] &+ small &+ words[index - 7] &+ (turn(new, 17) ^ turn(new, 19) ^ new >> 10))
      }
      var w = state
      for index in 0..<64 {
        let choice = w[4] & w[5] ^ ~w[4] & w[6]
        let first =
          w[7] &+ (turn(w[4], 6) ^ turn(w[4], 11) ^ turn(w[4], 25)) &+ choice &+ constants[index] &+ words[index]
        let majority = w[0] & w[1] ^ w[0] & w[2] ^ w[1] & w[2]
        let second = (turn(w[0], 2) ^ turn(w[0], 13) ^ turn(w[0], 22)) &+ majority
        w = [first &+ second, w[0], w[1], w[2], w[3] &+ first, w[4], w[5], w[6]]
      }
      state = zip(state, w).map { $0 &+ $1 }
    }
    return state.flatMap { word in (0..<4).map { UInt8(word >> (24 - 8 * UInt32($0)) & 255) } }
  }

  private static func turn(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }

  /// The first 32 bits of the fractions of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2), worked out exactly:
  /// ⌊2³² ∛p⌋ is the largest integer whose cube is at most 2⁹⁶ p.
  private static let constants: [UInt32] = {
    var primes: [UInt32] = []
    var candidate: UInt32 = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      var root: UInt64 = 0
      for bit in stride(from: UInt64(35), through: 0, by: -1) {
        let next = root | 1 << bit
        let square = UInt128(next) * UInt128(next)
        let (cube, overflow) = square.multipliedReportingOverflow(by: UInt128(next))
        if !overflow, cube <= UInt128(prime) << 96 { root = next }
      }
      return UInt32(truncatingIfNeeded: root)
    }
  }()
}
