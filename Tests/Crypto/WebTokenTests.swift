// RFC 7515's example, and every way in which a token can be wrong.
import Crypto
import Testing

struct WebTokenTests {
  static let key = HMACKey(Array("a key of the test, not of the hub".utf8).span.bytes)

  // RFC 7515 §A.1.1.
  static let example =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
  static let exampleKey = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"

  static func verify(_ token: String, with key: HMACKey = key) throws(WebTokenError) -> String {
    let claims = try WebToken.verify(Array(token.utf8).span.bytes, with: key)
    return String(decoding: claims, as: UTF8.self)
  }

  /// A token with this header and a good signature over it.
  static func token(header: String, claims: String = "{}") -> String {
    let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
    let code = key.authenticationCode(for: Array(signed.utf8).span.bytes)
    return signed + "." + Base64URL.encode(code.span.bytes)
  }

  @Test func `RFC 7515 §A.1, the example verifies`() throws {
    let secret = try #require(base64URL(WebTokenTests.exampleKey))
    let key = HMACKey(secret.span.bytes)
    let claims = try WebTokenTests.verify(WebTokenTests.example, with: key)
    #expect(claims == "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}")
  }

  @Test func `What is signed is verified and comes back as it was`() throws {
    let claims = #"{"sub":"ü","exp":1}"#
    let token = WebToken.sign(claims: Array(claims.utf8).span.bytes, with: WebTokenTests.key)
    #expect(try WebTokenTests.verify(token) == claims)
    #expect(token == WebTokenTests.token(header: #"{"alg":"HS256","typ":"JWT"}"#, claims: claims))
  }

  @Test(arguments: [
    #"{"alg":"HS256"}"#, #" { "typ" : "jwt" , "alg" : "HS256" } "#, #"{"alg":"HS256","kid":"1"}"#,
  ])
  func `Other headers that say HS256 are good`(header: String) throws {
    #expect(try WebTokenTests.verify(WebTokenTests.token(header: header)) == "{}")
  }

  @Test(arguments: [
    (#"{"alg":"none"}"#, WebTokenError.algorithmNotAllowed), (#"{"alg":"None","typ":"JWT"}"#, .algorithmNotAllowed),
    (#"{"alg":"hs256"}"#, .algorithmNotAllowed), (#"{"alg":"RS256"}"#, .algorithmNotAllowed),
    (#"{"alg":"HS512"}"#, .algorithmNotAllowed), (#"{"alg":""}"#, .algorithmNotAllowed),
    (#"{"typ":"JWT"}"#, .algorithmNotAllowed), (#"{"alg":"HS256","typ":"JWE"}"#, .typeNotAllowed),
    (#"{"alg":"HS256","typ":""}"#, .typeNotAllowed), (#"{"alg":"none","alg":"HS256"}"#, .badHeader),
    (#"{"alg":"HS256","alg":"none"}"#, .badHeader), (#"{"alg":"HS256","crit":"exp"}"#, .badHeader),
    (#"{"alg":"HS256","crit":["exp"]}"#, .badHeader), (#"{"alg":"HS256","b64":false}"#, .badHeader),
    (#"{"\u0061lg":"HS256"}"#, .badHeader), (#"{"alg":"HS256"}{}"#, .badHeader), (#"{"alg":"HS256",}"#, .badHeader),
    (#"{"alg":"HS256""#, .badHeader), (#"["HS256"]"#, .badHeader), ("{}", .badHeader), ("", .badHeader),
    ("\"HS256\"", .badHeader), ("{\"alg\":\"HS256\u{0}\"}", .badHeader),
  ])
  func `RFC 8725 §3.1, another header is refused though its signature is good`(header: String, error: WebTokenError) {
    #expect(throws: error) { try WebTokenTests.verify(WebTokenTests.token(header: header)) }
  }

  @Test func `A wrong signature is refused, wherever the change is`() throws {
    let token = WebTokenTests.token(header: #"{"alg":"HS256"}"#, claims: #"{"role":"till"}"#)
    let parts = token.split(separator: ".").map(String.init)
    let other = WebTokenTests.token(header: #"{"alg":"HS256"}"#, claims: #"{"role":"owner"}"#)
    let otherParts = other.split(separator: ".").map(String.init)
    for wrong in [
      "\(parts[0]).\(otherParts[1]).\(parts[2])", "\(parts[0]).\(parts[1]).\(otherParts[2])",
      "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1]).\(parts[2].dropLast(3))",
    ] {
      #expect(throws: WebTokenError.badSignature) { try WebTokenTests.verify(wrong) }
    }
    let stranger = HMACKey(Array("another key".utf8).span.bytes)
    #expect(throws: WebTokenError.badSignature) { try WebTokenTests.verify(token, with: stranger) }
  }

  @Test func `A token that is not three strict segments is refused`() {
    let token = WebTokenTests.token(header: #"{"alg":"HS256"}"#)
    let rows: [(String, WebTokenError)] = [
      ("", .malformed), ("a", .malformed), ("a.b", .malformed), ("\(token).", .malformed), ("\(token).x", .malformed),
      ("....", .malformed), ("..", .badHeader), ("\(token)=", .badEncoding), ("\(token)\n", .badEncoding),
      (" \(token)", .badEncoding), (token.replacing(".", with: ".="), .badEncoding),
      (String(repeating: "a", count: WebToken.maximumBytes + 1), .tooLong),
    ]
    for (text, error) in rows {
      #expect(throws: error, "\(text.prefix(80))") { try WebTokenTests.verify(text) }
    }
  }
}
