// HTTP answers as bytes: dates, lengths, compression, and what must not travel.
import Foundation
import Protocol
import Testing

@testable import Hub

@Suite struct HTTPDateTests {
  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
    (1_795_222_980, "Sat, 21 Nov 2026 01:03:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func aDateIsWrittenAsRFC9110Section5_6_7Says(_ seconds: Int64, _ text: String) {
    #expect(HTTPDate(seconds: seconds).text == text)
  }
}

@Suite struct HTTPAnswerTests {
  private func head(_ method: String = "GET", minorVersion: Int = 1, _ fields: [(String, String)] = [])
    -> HTTPRequestHead
  {
    var head = HTTPRequestHead(method: method, target: "/", path: "/", minorVersion: minorVersion)
    for (name, value) in fields { head.fields.append(name, value) }
    return head
  }

  private func serialise(_ answer: HTTPAnswer, for head: HTTPRequestHead, closing: Bool = false) -> (
    fields: [String], body: [UInt8]
  ) {
    let bytes = answer.serialised(for: head, requestID: .given("r-1"), date: HTTPDate(seconds: 0), closing: closing)
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return ([text], []) }
    let count = text[..<end.upperBound].utf8.count
    return (text[..<end.lowerBound].split(separator: "\r\n").map(String.init), Array(bytes.dropFirst(count)))
  }

  @Test func anAnswerCarriesWhatEveryAnswerCarries() {
    let (fields, body) = serialise(.text("hello"), for: head())
    #expect(fields[0] == "HTTP/1.1 200 OK")
    for field in [
      "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Content-Length: 5", "X-Request-Id: r-1",
      "X-Content-Type-Options: nosniff",
    ] {
      #expect(fields.contains(field), "\(field) is missing in \(fields)")
    }
    #expect(body == Array("hello".utf8))
  }

  @Test(
    arguments: [
      (1, false, nil), (1, true, "Connection: close"), (0, false, "Connection: keep-alive"),
      (0, true, "Connection: close"),
    ] as [(Int, Bool, String?)])
  func theConnectionFieldSaysWhatIsNotUnderstood(_ minorVersion: Int, _ closing: Bool, _ field: String?) {
    let (fields, _) = serialise(.text("x"), for: head(minorVersion: minorVersion), closing: closing)
    #expect(fields.first { $0.hasPrefix("Connection:") } == field)
  }

  @Test func anAnswerToHEADHasTheLengthButNotTheContent() {
    let (fields, body) = serialise(.text("hello"), for: head("HEAD"))
    #expect(fields.contains("Content-Length: 5") && body.isEmpty)
  }

  @Test(arguments: [204, 304])
  func statusesWithoutContentHaveNoLengthAndNoContent(_ status: Int) {
    let answer = HTTPAnswer(status: status, type: nil, body: Array("never".utf8))
    let (fields, body) = serialise(answer, for: head())
    #expect(!fields.contains { $0.hasPrefix("Content-Length") } && body.isEmpty)
  }

  @Test(arguments: [
    (1024, "gzip", false), (1025, "gzip", true), (5000, "deflate, gzip;q=0.5", true), (5000, "gzip;q=0", false),
    (5000, "gzip;q=0.0", false), (5000, "gzip; q=0.001", true), (5000, "br", false), (5000, "", false),
    (5000, "gzipped", false),
  ])
  func contentOverOneKiBIsGzippedForWhoAcceptsIt(_ count: Int, _ accepts: String, _ isGzipped: Bool) {
    let answer = HTTPAnswer.text(String(repeating: "a", count: count))
    let (fields, body) = serialise(answer, for: head("GET", [("Accept-Encoding", accepts)]))
    #expect(fields.contains("Content-Encoding: gzip") == isGzipped)
    #expect(fields.contains("Content-Length: \(body.count)"))
    #expect(body.starts(with: [0x1F, 0x8B]) == isGzipped)
    #expect(isGzipped ? body.count < 200 : body.count == count)
  }

  @Test func aProblemIsAProblemDocument() {
    let (fields, _) = serialise(.problem(.notFound()), for: .unread)
    #expect(fields[0] == "HTTP/1.1 404 Not Found")
    #expect(fields.contains("Content-Type: application/problem+json"))
  }

  @Test(arguments: ["a\r\nSet-Cookie: x=1", "a\nb", "a\u{0}b"])
  func aHeaderThatWouldSplitTheAnswerIsNotSent(_ value: String) {
    var answer = HTTPAnswer.text("hello")
    answer.headers = [("Location", value)]
    let (fields, _) = serialise(answer, for: head())
    #expect(fields[0] == "HTTP/1.1 500 Internal Server Error")
    #expect(!fields.contains { $0.hasPrefix("Set-Cookie") })
  }

  @Test func offsetsOfACommandGoIntoAHeader() {
    let result = APIResult(
      Answer(status: 201, body: Array("{}".utf8)), offsets: [("kitchen:a", 42), ("pos:a", 17)])
    let (fields, _) = serialise(HTTPAnswer(result), for: head("POST"))
    #expect(fields.contains("Hub-Offsets: kitchen:a=42, pos:a=17"))
    #expect(fields.contains("Content-Type: application/json") && fields.contains("Cache-Control: no-store"))
  }
}
