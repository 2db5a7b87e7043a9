// Two thousand hostile connections, and the hub is afterwards what it was before: running, serving, and of the same size.
import Foundation
import Testing
import TestSupport

@Suite struct BadInputMemoryTests {
  /// What one hostile connection does; all end without a goodbye.
  private enum Malice: CaseIterable {
    case nothing, halfAHead, hugeHead, halfABody, absurdChunks, noise, tlsGreeting, unreadAnswers
    case halfAHandshake, halfAFrame, halfAMessage, unmasked, badMessages, subscribed, abandonedCommands, invalidUTF8
  }

  private func attack(_ malice: Malice, _ house: RestHouse, _ random: inout SeededRandom) throws -> RawSocket {
    let junk = { (count: Int, random: inout SeededRandom) in
      (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    func plain(_ text: String) throws -> RawSocket {
      let socket = try RawSocket(port: house.hub.port)
      try socket.send(text)
      return socket
    }
    func webSocket(_ path: String, _ bytes: [UInt8]) throws -> RawSocket {
      let socket = try RawWebSocket(port: house.hub.port, path: path, token: house.manager)
      // The hub may have closed before all of it was sent.
      try? socket.socket.send(bytes)
      return socket.socket
    }
    let text = Array("{\"type\":\"ping\",\"pad\":\"".utf8) + [UInt8](repeating: 0x78, count: 40_000)
    switch malice {
    case .nothing: return try RawSocket(port: house.hub.port)
    case .halfAHead:
      return try plain("GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "x", count: 15_000))")
    case .hugeHead: return try plain("GET /\(String(repeating: "x", count: 100_000))")
    case .halfABody:
      return try plain(
        "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
          + String(repeating: "x", count: 200_000))
    case .absurdChunks:
      return try plain(
        "POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + String(repeating: "1\r\nx\r\n", count: 5000))
    case .noise:
      let socket = try RawSocket(port: house.hub.port)
      try socket.send(junk(Int.random(in: 1...3000, using: &random), &random))
      return socket
    case .tlsGreeting:
      let socket = try RawSocket(port: house.hub.port)
      try socket.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + junk(500, &random))
      return socket
    case .unreadAnswers: return try plain(String(repeating: "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", count: 100))
    case .halfAHandshake: return try plain(String(RawHandshake(path: "/ws/kitchen/\(house.id)").text.dropLast(3)))
    case .halfAFrame: return try webSocket("/ws", Array(RawWebSocket.frame(opcode: 1, text).prefix(30_000)))
    case .halfAMessage: return try webSocket("/ws", RawWebSocket.frame(opcode: 1, text, isFinal: false))
    case .unmasked: return try webSocket("/ws", RawWebSocket.frame(opcode: 1, text, mask: nil))
    case .badMessages:
      return try webSocket("/ws", (0..<12).flatMap { _ in RawWebSocket.frame(opcode: 1, Array("{".utf8)) })
    case .subscribed: return try webSocket("/ws/kitchen/\(house.id)", junk(100, &random))
    case .abandonedCommands:
      let command = Array(
        #"{"type":"command","id":1,"method":"GET","path":"/api/v1/restaurants/\#(house.id)/menu"}"#.utf8)
      return try webSocket("/ws/pos/\(house.id)", (0..<20).flatMap { _ in RawWebSocket.frame(opcode: 1, command) })
    case .invalidUTF8: return try webSocket("/ws/\(house.id)", RawWebSocket.frame(opcode: 1, text + [0xFF]))
    }
  }

  private func storm(_ count: Int, _ bystander: Bystander, _ random: inout SeededRandom) throws {
    var open: [RawSocket] = []
    for number in 0..<count {
      let malice = Malice.allCases[number % Malice.allCases.count]
      open.append(try attack(malice, bystander.house, &random))
      // A hundred at a time; half of them are cut, half end in order.
      guard open.count == 100 else { continue }
      for (index, socket) in open.enumerated() where index % 2 == 0 { socket.cut() }
      open = []
      try bystander.expectUndisturbed("the storm up to \(number)")
    }
  }

  @Test func `After 2,000 hostile connections the hub runs, serves and has given its memory back`() throws {
    let bystander = try Bystander(at: SharedHub())
    let hub = bystander.house.hub
    var random = SeededRandom()
    let seed = random.seed
    func openConnections() throws -> Int {
      let line = try hub.request("GET", "/metrics").text.split(separator: "\n").first {
        $0.hasPrefix("hub_connections ")
      }
      return line.flatMap { Int($0.split(separator: " ")[1]) } ?? -1
    }
    // The bystander's, and that of who asks.
    let connections = 2
    // What a hub takes once, for its first peers of each kind, is not what it loses with every one.
    try storm(400, bystander, &random)
    try eventually("the first peers are gone") { try openConnections() <= connections }
    let before = hub.residentMemory
    try storm(2000, bystander, &random)
    try eventually("the hostile peers are gone, seed \(seed)") { try openConnections() <= connections }
    let after = hub.residentMemory
    #expect(after - before < 8 * 1024, "\(before) KiB before, \(after) KiB after, seed \(seed)")
    #expect(try hub.request("GET", "/ready").status == 200)
    #expect(try bystander.house.call("POST", "orders", bystander.house.orderBody([bystander.house.wine])).status == 201)
    try bystander.expectUndisturbed("the storm")
    #expect(hub.stop() == 0)
  }
}
