// Pages of other origins: the preflight, the answer they may read, the WebSocket they may open.
import Protocol
import Testing

@testable import Hub

@Suite struct CrossOriginTests {
  private let listed = CrossOrigin(allowed: ["https://pos.example", "http://pos.example:8080"])
  private let none = CrossOrigin(allowed: [])

  private func head(_ method: String, host: String? = "hub.example", _ fields: [(String, String)]) -> HTTPRequestHead {
    var head = HTTPRequestHead(method: method, target: "/", path: "/", authority: host)
    for (name, value) in fields { head.fields.append(name, value) }
    return head
  }

  private func values(_ headers: [(String, String)], _ name: String) -> [String] {
    headers.filter { $0.0 == name }.map(\.1)
  }

  @Test(
    arguments: [
      ("https://pos.example", true), ("http://pos.example:8080", true), ("http://pos.example", false),
      ("https://pos.example:8443", false), ("https://pos.example.evil.test", false), ("https://POS.example", false),
      ("https://hub.example", false), ("null", false), ("*", false), ("", false),
    ])
  func onlyPagesOfNamedOriginsMayReadAnswers(_ origin: String, _ isAllowed: Bool) {
    let head = head("GET", [("Origin", origin)])
    let headers = listed.headers(for: head)
    #expect(values(headers, "Access-Control-Allow-Origin") == (isAllowed ? [origin] : []))
    #expect(values(headers, "Access-Control-Expose-Headers").isEmpty == !isAllowed)
    // Caches are told in any case; cookies are never spoken of.
    #expect(values(headers, "Vary") == ["Origin"])
    #expect(values(headers, "Access-Control-Allow-Credentials").isEmpty)
    #expect(none.headers(for: head).isEmpty)
  }

  @Test func twoOriginsAreNone() {
    let twice = head("GET", [("Origin", "https://pos.example"), ("Origin", "https://pos.example")])
    #expect(values(listed.headers(for: twice), "Access-Control-Allow-Origin").isEmpty)
    #expect(!listed.mayConnect(twice))
  }

  @Test func aProblemCanBeReadAsWell() throws {
    let head = head("POST", [("Origin", "https://pos.example")])
    let headers = listed.headers(for: head)
    let bytes = HTTPAnswer.problem(.unauthorized()).serialised(
      for: head, crossOrigin: headers, requestID: .given("r-1"), date: HTTPDate(seconds: 0), closing: false)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("\r\nAccess-Control-Allow-Origin: https://pos.example\r\n"))
    let exposed = try #require(values(headers, "Access-Control-Expose-Headers").first)
    #expect(text.contains("\r\nAccess-Control-Expose-Headers: \(exposed)\r\n"))
    for name in ["Hub-Offsets", "ETag", "Retry-After", "Idempotent-Replayed", "X-Request-Id"] {
      #expect(exposed.contains(name))
    }
  }

  @Test func aPreflightIsAnsweredForNamedOriginsOnly() throws {
    let fields = [("Origin", "https://pos.example"), ("Access-Control-Request-Method", "PUT")]
    let answer = try #require(listed.preflight(head("OPTIONS", fields)))
    #expect(answer.status == 204 && answer.body.isEmpty)
    #expect(values(answer.headers, "Access-Control-Allow-Methods") == ["DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"])
    #expect(values(answer.headers, "Access-Control-Max-Age") == ["3600"])
    let names = try #require(values(answer.headers, "Access-Control-Allow-Headers").first)
    for name in ["Authorization", "Content-Type", "Idempotency-Key"] { #expect(names.contains(name)) }
    #expect(none.preflight(head("OPTIONS", fields))?.status == 403)
    let evil = [("Origin", "https://evil.test"), ("Access-Control-Request-Method", "PUT")]
    #expect(listed.preflight(head("OPTIONS", evil))?.status == 403)
    // An OPTIONS of a program, and any other method, is no preflight.
    #expect(listed.preflight(head("OPTIONS", [("Origin", "https://pos.example")])) == nil)
    #expect(listed.preflight(head("OPTIONS", [("Access-Control-Request-Method", "PUT")])) == nil)
    #expect(listed.preflight(head("PUT", fields)) == nil)
  }

  @Test(
    arguments: [
      (nil, "hub.example", true), ("https://pos.example", "hub.example", true),
      ("http://hub.example", "hub.example", true), ("https://hub.example", "HUB.example:443", true),
      ("http://hub.example:8080", "hub.example:8080", true), ("http://hub.example", "hub.example:8080", false),
      ("https://evil.test", "hub.example", false), ("null", "hub.example", false), ("http://", "", false),
      ("http://hub.example", nil, false),
    ] as [(String?, String?, Bool)])
  func aWebSocketIsForTheHubsOwnPagesAndNamedOnes(_ origin: String?, _ host: String?, _ isAllowed: Bool) {
    let head = head("GET", host: host, origin.map { [("Origin", $0)] } ?? [])
    #expect(listed.mayConnect(head) == isAllowed)
  }
}
