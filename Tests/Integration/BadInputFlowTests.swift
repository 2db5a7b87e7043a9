// Requests that come together, in pieces, half, or without a reader: each is answered in its order, costs no more than
// its share, and leaves nothing behind.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct BadInputFlowTests {
  private func request(_ method: String, _ path: String, _ house: RestHouse, id: String, body: String? = nil) -> String
  {
    let content =
      body.map { "Content-Type: application/json\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)" } ?? "\r\n"
    return "\(method) \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\nX-Request-Id: \(id)\r\n"
      + content
  }

  /// Requests of every kind, some answered at once and some by the database, with their statuses.
  private func mixture(_ house: RestHouse) -> [(text: String, status: Int)] {
    let order = house.orderBody([house.wine])
    let kinds: [(String, String, String?, Int)] = [
      ("GET", "/health", nil, 200), ("POST", "/api/v1/orders", order, 201), ("GET", "/ready", nil, 200),
      ("GET", "/api/v1/orders", nil, 200), ("GET", "/nothing", nil, 404), ("POST", "/api/v1/orders", "{", 400),
      ("DELETE", "/api/v1/orders/7", nil, 404), ("GET", "/ws", nil, 426), ("HEAD", "/health", nil, 200),
    ]
    return (0..<36).map { number in
      let (method, path, body, status) = kinds[number % kinds.count]
      return (request(method, path, house, id: "n\(number)", body: body), status)
    }
  }

  private func expectAnswers(_ mixture: [(text: String, status: Int)], on socket: RawSocket) throws {
    for (number, row) in mixture.enumerated() {
      let answer = try socket.answer(toHead: row.text.hasPrefix("HEAD"))
      #expect(answer.status == row.status && answer.header("X-Request-Id") == "n\(number)", "\(answer.text)")
    }
    #expect(socket.received.isEmpty)
  }

  @Test func `Pipelined requests are answered in their order, also to a peer that has ended its side`() throws {
    let bystander = try Bystander()
    let mixture = mixture(try RestHouse(at: BadInputHub.shared))
    let all = mixture.map(\.text).joined()
    let open = try RawSocket(port: bystander.port)
    try open.send(all)
    try expectAnswers(mixture, on: open)
    #expect(try open.request("GET", "/health").status == 200)
    let ended = try RawSocket(port: bystander.port)
    try ended.send(all)
    shutdown(ended.descriptor, Int32(SHUT_WR))
    try expectAnswers(mixture, on: ended)
    #expect(try ended.endsHere())
    try bystander.expectUndisturbed("pipelined requests")
  }

  @Test(arguments: [1, 2, 7, 100]) func `Requests that come in pieces are the same requests`(size: Int) throws {
    let bystander = try Bystander()
    let house = try RestHouse(at: BadInputHub.shared)
    let mixture = Array(mixture(house).prefix(9))
    let bytes = Array(mixture.map(\.text).joined().utf8)
    let socket = try RawSocket(port: bystander.port)
    for start in stride(from: 0, to: bytes.count, by: size) {
      try socket.send(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    try expectAnswers(mixture, on: socket)
    let chunks =
      "5\r\n{\"ord\r\n1;x=y\r\ne\r\n\(String(house.orderBody([house.wine]).utf8.count - 6, radix: 16))\r\n"
      + house.orderBody([house.wine]).dropFirst(6) + "\r\n0\r\nA: b\r\n\r\n"
    let chunked = Array(
      "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)"
        .utf8)
    for start in stride(from: 0, to: chunked.count, by: size) {
      try socket.send(Array(chunked[start..<min(start + size, chunked.count)]))
    }
    let answer = try socket.answer()
    #expect(answer.status == 201, "\(answer.text)")
    try bystander.expectUndisturbed("pieces of \(size)")
  }

  @Test func `Expect: 100-continue is told to go on, or refused before the body is sent`() throws {
    let bystander = try Bystander()
    let house = bystander.house
    func head(_ length: Int) -> String {
      "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(house.manager)\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
    }
    let body = house.orderBody([house.wine])
    let socket = try RawSocket(port: bystander.port)
    for _ in 0..<2 {
      try socket.send(head(body.utf8.count))
      #expect(try socket.answer().status == 100)
      try socket.send(body)
      #expect(try socket.answer().status == 201)
    }
    // A client that does not wait, and one that sends no body at all.
    try socket.send(head(body.utf8.count) + body)
    var answer = try socket.answer()
    if answer.status == 100 { answer = try socket.answer() }
    #expect(answer.status == 201)
    try socket.send(head(0))
    #expect(try socket.answer().status == 422)
    try socket.send(head(2_000_000))
    expectProblem(try socket.answer(), 413)
    #expect(try socket.endsHere())
    try bystander.expectUndisturbed("expectations")
  }

  @Test func `After Connection: close nothing more is answered`() throws {
    let bystander = try Bystander()
    for last in [
      "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "GET /api/v1/auth/me HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "nonsense\r\n\r\n",
    ] {
      let socket = try RawSocket(port: bystander.port)
      try socket.send(last + String(repeating: "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", count: 20_000))
      #expect(try socket.answer().header("Connection") == "close")
      #expect(try socket.endsHere())
      try bystander.expectUndisturbed(last)
    }
  }

  @Test func `A peer that asks on and on without reading costs its share, and gets every answer when it reads`() throws
  {
    // A hub of its own, so that nobody else's work counts.
    let bystander = try Bystander(at: SharedHub(arguments: ["--reactors", "1"]))
    let hub = bystander.house.hub
    let path = "/clients/js/hub.js"
    let length = try hub.request("GET", path).body.count
    try #require(length > 5000, "an answer much larger than its request")
    let before = hub.residentMemory
    let peers = try (0..<20).map { _ in try RawSocket(port: hub.port) }
    let count = 4000
    let sending = peers.map { peer in
      // As much as the hub takes from it; the thread ends when the connection does.
      Worker("a peer") { [peer = Unshared(peer)] in
        try? peer.value.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
      }
    }
    for round in 0..<100 { try bystander.expectUndisturbed("a peer that does not read, \(round)") }
    // Without a bound it would be 20 × 4,000 answers of over 5,000 bytes.
    #expect(hub.residentMemory - before < 64 * 1024, "KiB more than before")
    for _ in 0..<count {
      let answer = try peers[0].answer()
      try #require(answer.status == 200 && answer.body.count == length)
    }
    #expect(try peers[0].request("GET", "/health").status == 200)
    for peer in peers.dropFirst() { peer.cut() }
    for worker in sending { try worker.wait(within: 20) }
    try bystander.expectUndisturbed("peers that are gone")
  }

  @Test func `Peers that close without reading, or do nothing at all, leave no connection behind`() throws {
    let bystander = try Bystander(at: SharedHub())
    let hub = bystander.house.hub
    func gauge(_ name: String) throws -> Int {
      let line = try hub.request("GET", "/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
      return line.flatMap { Int($0.split(separator: " ")[1]) } ?? -1
    }
    var kept: [RawSocket] = []
    for _ in 0..<10 {
      // Asks for much, says goodbye and does not read: the hub must not wait for it for ever.
      let socket = try bystander.house.socket()
      for _ in 0..<500 { try socket.send(#"{"type":"ping","id":"\#(String(repeating: "x", count: 60))"}"#) }
      try socket.socket.send(RawWebSocket.frame(opcode: 8, [3, 232]))
      kept.append(socket.socket)
      let request = try RawSocket(port: hub.port)
      try request.send("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      kept.append(request)
    }
    try eventually("only the bystander and who asks is connected", within: 20) {
      try gauge("hub_websockets") == 1 && gauge("hub_connections") == 2
    }
    try bystander.expectUndisturbed("peers without manners")
    withExtendedLifetime(kept) {}
  }
}

/// A socket that one thread writes to while another reads.
private struct Unshared: @unchecked Sendable {
  let value: RawSocket
  init(_ value: RawSocket) { self.value = value }
}
