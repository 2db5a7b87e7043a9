import Testing

@testable import Protocol

@Suite("Web origins")
struct HTTPOriginTests {
  static let origins: [(String, String?)] = [
    ("https://pos.example", "https://pos.example"), ("HTTPS://POS.Example", "https://pos.example"),
    ("https://pos.example:443", "https://pos.example"), ("http://pos.example:80", "http://pos.example"),
    ("http://pos.example:443", "http://pos.example:443"), ("http://[::1]:8080", "http://[::1]:8080"),
    ("http://[::80]", "http://[::80]"),
    ("https://pos.example/", nil), ("https://pos.example/a", nil), ("https://pos.example:", nil), ("https://", nil),
    ("https://a b", nil), ("https://me@pos.example", nil), ("pos.example", nil), ("*", nil), ("null", nil), ("", nil),
    ("https://*.example/", nil), ("file:///", nil), ("chrome-extension://abc", nil), ("https://a, https://b", nil),
  ]

  @Test("RFC 6454 §6.2: an origin is a scheme, a host and a port that is not the scheme's own", arguments: origins)
  func normalised(_ text: String, _ expected: String?) {
    #expect(HTTPOrigin.normalised(text) == expected)
  }
}
