// RFC 9112, RFC 9110 and RFC 6585, section by section: the table is in the files beside this one.
import Testing

@testable import Protocol

@Suite("HTTP/1.1 requests by section, each in every split")
struct HTTPTableTests {
  @Test("RFC 9112 §2.2: lines end with CRLF and nothing else", arguments: HTTPTable.messages)
  func message(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §2.3, RFC 9110 §15.6.6: the version", arguments: HTTPTable.protocols)
  func version(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §3: the request line", arguments: HTTPTable.requestLines)
  func requestLine(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §3.1: the method", arguments: HTTPTable.methods)
  func method(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §3.2, RFC 9110 §7.2: exactly one valid Host", arguments: HTTPTable.hosts)
  func host(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §3.2.1 to §3.2.4: the forms of the target", arguments: HTTPTable.targets)
  func target(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §5, RFC 9110 §5.5: field lines", arguments: HTTPTable.fields)
  func field(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §6.1: Transfer-Encoding", arguments: HTTPTable.codings)
  func coding(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §6.2, §6.3: Content-Length", arguments: HTTPTable.lengths)
  func length(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §7.1: chunks and their extensions", arguments: HTTPTable.chunks)
  func chunk(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §7.1.2: trailers", arguments: HTTPTable.trailers)
  func trailer(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §8: an incomplete request is none", arguments: HTTPTable.incomplete)
  func incomplete(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §9.3: what keeps a connection alive", arguments: HTTPTable.persistence)
  func persistence(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9112 §9.3.2: pipelined requests", arguments: HTTPTable.pipelines)
  func pipeline(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9110 §7.8: an upgrade", arguments: HTTPTable.upgrades)
  func upgrade(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9110 §10.1.1: Expect", arguments: HTTPTable.expectations)
  func expectation(_ vector: HTTPCase) { vector.check() }

  @Test("RFC 9110 §15.5.14, §15.5.15, RFC 6585 §5: over-long anything", arguments: HTTPTable.tooLong)
  func tooLong(_ vector: HTTPCase) { vector.check() }

  @Test("the table has a row for every rule, and no row twice")
  func size() {
    #expect(HTTPTable.all.count >= 150)
    #expect(Set(HTTPTable.all.map(\.bytes)).count == HTTPTable.all.count)
    for row in HTTPTable.all { #expect(row.bytes.count <= 700, "\(row.name) is cut everywhere: keep it short") }
  }
}
