// What a hostile peer can do with permessage-deflate: bombs, garbage, marks where none may be, contexts that it promised
// not to keep. Each is refused with its close code, and others that share the hub's streams notice nothing.
import Foundation
import Testing
import TestSupport

@Suite struct CompressionRefusalTests {
  private static func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 4
  ) -> [UInt8] {
    RawWebSocket.frame(opcode: opcode, payload, isFinal: final, reserved: reserved)
  }

  private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

  /// Sends bytes on a connection of its own and expects a close frame as the last thing, then the end.
  private func expect(
    _ code: Int, _ name: String, _ setting: String, _ bytes: [UInt8], before answers: Int = 0,
    offer: String = "permessage-deflate"
  ) throws {
    let socket = try EchoHubs.socket(setting, offer)
    try socket.socket.send(bytes)
    for _ in 0..<answers { #expect(try socket.next().payload == Array("Hello".utf8), "\(name)") }
    let close = try socket.webSocket.receiveClose()
    #expect(close.closeCode == code, "\(setting): \(name)")
    #expect(try socket.socket.endsHere(), "\(setting): \(name)")
  }

  @Test(arguments: ["shared", "takeover"])
  func `RFC 7692 §6: marks where none may be`(setting: String) throws {
    let rows: [(String, [UInt8])] = [
      ("a marked continuation", Self.frame(1, Self.hello, final: false) + Self.frame(0)),
      ("a marked continuation of a plain message", Self.frame(1, final: false, reserved: 0) + Self.frame(0)),
      ("a marked ping", Self.frame(9)), ("a marked pong", Self.frame(10)), ("a marked close", Self.frame(8)),
      ("RSV2", Self.frame(1, Self.hello, reserved: 2)), ("RSV1 and RSV3", Self.frame(1, Self.hello, reserved: 5)),
    ]
    for (name, bytes) in rows { try expect(1002, name, setting, bytes) }
    // What came before is answered first.
    try expect(1002, "behind a message", setting, Self.frame(1, Self.hello) + Self.frame(9), before: 1)
  }

  @Test(arguments: [("shared", "x-other"), ("off", "permessage-deflate"), ("takeover", "permessage-deflate; a")])
  func `RFC 6455 §5.2: a mark without agreement`(setting: String, offer: String) throws {
    try expect(1002, "RSV1", setting, Self.frame(1, Self.hello), offer: offer)
  }

  @Test(arguments: ["shared", "takeover"])
  func `RFC 7692 §7.2.2: what is not DEFLATE, or not all of it`(setting: String) throws {
    let rows: [(String, [UInt8])] = [
      ("noise", [0xFF, 0xFE, 0xFD]), ("a reserved block", [0x07, 0x00]), ("cut short", [0xF2, 0x48, 0xCD]),
      ("a stored block cut short", [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48]),
      ("a stored block with a wrong check", [0x00, 0x05, 0x00, 0x00, 0x00, 0x48]),
      ("a reference behind the beginning", [0xF2, 0x00, 0x11, 0x00, 0x00]),
    ]
    for (name, bytes) in rows {
      try expect(1007, name, setting, Self.frame(1, bytes))
      // Behind another message the last of them refers into the context, where there is one.
      if setting == "takeover", bytes == rows.last?.1 { continue }
      try expect(1007, name, setting, Self.frame(1, Self.hello) + Self.frame(2, bytes), before: 1)
    }
  }

  @Test(arguments: ["shared", "takeover"])
  func `RFC 6455 §8.1: a compressed text is UTF-8 once it is restored`(setting: String) throws {
    let deflater = try RawZlib(deflating: true, keepsContext: false)
    for text in [[0x61, 0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xE2, 0x82]]
      as [[UInt8]]
    {
      let compressed = try deflater.message(text)
      try expect(1007, "\(text)", setting, Self.frame(1, compressed))
      let half = compressed.count / 2
      let fragments =
        Self.frame(1, Array(compressed[..<half]), final: false) + Self.frame(0, Array(compressed[half...]), reserved: 0)
      try expect(1007, "\(text) in fragments", setting, fragments)
    }
  }

  @Test func `RFC 7692 §7.1.1.2: a context that was not to be kept, and the others on the same stream`() throws {
    let bystander = try EchoHubs.socket("shared", "permessage-deflate")
    let text = prose(600)
    for _ in 0..<3 {
      let socket = try EchoHubs.socket("shared", "permessage-deflate", violatesContext: true)
      try socket.send(text)
      #expect(try socket.next().payload == text)
      try bystander.send(prose(900))
      #expect(try bystander.next().payload == prose(900))
      try socket.send(text)
      #expect(try socket.webSocket.receiveClose().closeCode == 1007)
      try bystander.send(text)
      #expect(try bystander.next().payload == text)
    }
  }

  @Test(arguments: ["shared", "takeover"])
  func `A bomb is refused with 1009 and never held`(setting: String) throws {
    let hub = try EchoHubs.hub(setting)
    let deflater = try RawZlib(deflating: true, keepsContext: true, level: 9)
    let chunk = [UInt8](repeating: 0x20, count: 8 << 20)
    var bomb: [UInt8] = []
    // A mebibyte that would grow to a gibibyte.
    let first = try deflater.message(chunk)
    let again = try deflater.message(chunk)
    while bomb.count < 1 << 20 { bomb += (bomb.isEmpty ? first : again) + [0, 0, 255, 255] }
    let message = Self.frame(1, Array(bomb.dropLast(4)))
    try expect(1009, "warming up", setting, message)
    let before = hub.residentMemory
    for _ in 0..<5 { try expect(1009, "a bomb", setting, message) }
    // Whatever it kept at once or after: below what one bomb within the limit of 16 MiB would take.
    #expect(hub.residentMemory - before < 8 * 1024, "from \(before) KiB to \(hub.residentMemory) KiB")
  }

  @Test(arguments: ["shared", "takeover"])
  func `A message within the limit may be as repetitive as it likes up to a mebibyte`(setting: String) throws {
    let socket = try EchoHubs.socket(setting, "permessage-deflate")
    let text = [UInt8](repeating: 0x61, count: 1 << 20)
    try socket.send(text)
    #expect(try socket.next().payload == text)
    try socket.send(text + [0x61])
    #expect(try socket.webSocket.receiveClose().closeCode == 1009)
  }
}
