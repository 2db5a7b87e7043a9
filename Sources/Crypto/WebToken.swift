// JSON Web Tokens in the compact form with HS256 (RFC 7515, RFC 7518 §3.2, RFC 8725). The algorithm is ours, never the
// token's: the header must say HS256, or the token is refused before its signature is looked at. The claims go in and
// come out as JSON bytes; reading them, and `exp`, `nbf`, `iss`, `aud`, is the business of the caller, who has a clock.

/// Why a token is not to be believed.
package enum WebTokenError: Error, Hashable, Sendable {
  /// Longer than any token that we sign.
  case tooLong
  /// Not three segments.
  case malformed
  /// A segment is not strict base64url.
  case badEncoding
  /// The header is not a flat JSON object of strings, or has a member twice, or `crit`.
  case badHeader
  /// The header names `none` or any algorithm but HS256, or none at all.
  case algorithmNotAllowed
  /// `typ` is there and not `JWT`.
  case typeNotAllowed
  case badSignature
}

package enum WebToken {
  package static let maximumBytes = 8192

  private static let header = Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)
  private static let encodedHeader = Array(Base64URL.encode(header.span.bytes).utf8)
  private static let point = UInt8(ascii: ".")

  /// Signs the claims, a JSON object.
  package static func sign(claims: borrowing RawSpan, with key: HMACKey) -> String {
    var token = encodedHeader
    token.append(point)
    Base64URL.append(claims, to: &token)
    let code = key.authenticationCode(for: token.span.bytes)
    token.append(point)
    Base64URL.append(code.span.bytes, to: &token)
    return String(decoding: token, as: UTF8.self)
  }

  /// Checks header and signature and returns the claims' bytes, which were signed by the key's holder but say nothing
  /// yet about time, issuer or audience.
  package static func verify(_ token: borrowing RawSpan, with key: HMACKey) throws(WebTokenError) -> [UInt8] {
    guard token.byteCount <= maximumBytes else { throw .tooLong }
    var points: [Int] = []
    for index in 0..<token.byteCount where token.unsafeLoad(fromByteOffset: index, as: UInt8.self) == point {
      guard points.count < 2 else { throw .malformed }
      points.append(index)
    }
    guard points.count == 2 else { throw .malformed }
    try checkHeader(token.extracting(0..<points[0]))
    guard let claims = Base64URL.decode(token.extracting(points[0] + 1..<points[1])),
      let code = Base64URL.decode(token.extracting(points[1] + 1..<token.byteCount))
    else { throw .badEncoding }
    guard key.isValid(code.span.bytes, for: token.extracting(0..<points[1])) else { throw .badSignature }
    return claims
  }

  private static func checkHeader(_ segment: borrowing RawSpan) throws(WebTokenError) {
    guard let bytes = Base64URL.decode(segment) else { throw .badEncoding }
    if bytes == header { return }
    guard let members = FlatHeader.parse(bytes) else { throw .badHeader }
    guard members["alg"] == "HS256" else { throw .algorithmNotAllowed }
    // RFC 7519 §5.1: a media type without its `application/`, so its case does not matter.
    if let type = members["typ"], type.uppercased() != "JWT" { throw .typeNotAllowed }
  }
}
