// Frames against the rules of RFC 6455 §5 and §7, made byte by byte, each on a signed-in and subscribed socket of its own.
import Foundation
import Testing
import TestSupport

@Suite struct BadInputFrameTests {
  private typealias Row = (name: String, bytes: [UInt8], code: Int)

  private static func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 0, mask: [UInt8]? = [1, 2, 3, 4]
  ) -> [UInt8] {
    RawWebSocket.frame(opcode: opcode, payload, isFinal: final, reserved: reserved, mask: mask)
  }

  private static func close(_ code: Int, _ reason: [UInt8] = []) -> [UInt8] {
    frame(8, [UInt8(code >> 8), UInt8(code & 255)] + reason)
  }

  /// A masked header that says a length in the given bytes, and no payload.
  private static func header(_ first: UInt8, _ length: [UInt8]) -> [UInt8] {
    [first, 0x80 | length[0]] + length.dropFirst() + [0, 0, 0, 0]
  }

  private static let text = Array("a text".utf8)

  private func check(_ rows: [Row]) throws {
    let bystander = try Bystander()
    for row in rows {
      let socket = try bystander.house.socket("/ws/kitchen/\(bystander.house.id)")
      _ = try socket.next("subscribed")
      try socket.socket.send(row.bytes)
      let close = try socket.receiveClose()
      #expect(close.closeCode == row.code, "\(row.name)")
      #expect(close.payload.count <= 125, "\(row.name)")
      // The hub's answer to a rule that was broken ends the stream; nothing follows the close frame (§5.5.1).
      if row.code == 1002 || row.code == 1007 || row.code == 1009 {
        #expect(try socket.socket.endsHere(), "\(row.name)")
      }
      try bystander.expectUndisturbed(row.name)
    }
  }

  @Test func `§5.2, §5.3: headers`() throws {
    var rows: [Row] = [
      ("an unmasked text", Self.frame(1, Self.text, mask: nil), 1002),
      ("an unmasked ping", Self.frame(9, mask: nil), 1002),
      ("an unmasked close", Self.frame(8, [3, 232], mask: nil), 1002),
      ("16 bits for a short length", Self.header(0x81, [126, 0, 5]), 1002),
      ("16 bits for 125", Self.header(0x81, [126, 0, 125]), 1002),
      ("64 bits for a short length", Self.header(0x81, [127, 0, 0, 0, 0, 0, 0, 0, 5]), 1002),
      ("64 bits for 65,535", Self.header(0x81, [127, 0, 0, 0, 0, 0, 0, 255, 255]), 1002),
      ("a length with the highest bit", Self.header(0x81, [127, 128, 0, 0, 0, 0, 0, 0, 0]), 1002),
      ("a length of 2⁶³ − 1", Self.header(0x81, [127, 127, 255, 255, 255, 255, 255, 255, 255]), 1009),
      ("a length of a tebibyte", Self.header(0x82, [127, 0, 0, 1, 0, 0, 0, 0, 0]), 1009),
    ]
    for bit in [1, 2, 4, 7] as [UInt8] {
      rows.append(("reserved bits \(bit)", Self.frame(1, Self.text, reserved: bit), 1002))
      rows.append(("reserved bits \(bit) on a ping", Self.frame(9, reserved: bit), 1002))
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
      rows.append(("opcode \(opcode)", Self.frame(opcode, Self.text), 1002))
      rows.append(
        (
          "empty opcode \(opcode) after a message", Self.frame(1, Array(#"{"type":"ping"}"#.utf8)) + Self.frame(opcode),
          1002
        ))
    }
    try check(rows)
  }

  @Test func `§5.4, §5.5: fragments and control frames`() throws {
    try check([
      ("a fragmented ping", Self.frame(9, final: false), 1002),
      ("a fragmented close", Self.frame(8, [3, 232], final: false), 1002),
      ("a fragmented pong", Self.frame(10, final: false), 1002),
      ("a ping of 126 bytes", Self.frame(9, [UInt8](repeating: 0, count: 126)), 1002),
      ("a close of 126 bytes", Self.frame(8, [UInt8](repeating: 3, count: 126)), 1002),
      ("a ping of 70,000 bytes", Self.frame(9, [UInt8](repeating: 0, count: 70_000)), 1002),
      ("a continuation of nothing", Self.frame(0, Self.text), 1002),
      ("a continuation of nothing, not the last", Self.frame(0, Self.text, final: false), 1002),
      ("a continuation after a whole message", Self.frame(1, Self.text) + Self.frame(0, Self.text), 1002),
      ("a text inside a message", Self.frame(1, Self.text, final: false) + Self.frame(1, Self.text), 1002),
      ("a binary inside a message", Self.frame(1, Self.text, final: false) + Self.frame(2, Self.text), 1002),
      (
        "too many fragments", Self.frame(1, final: false) + (0..<1100).flatMap { _ in Self.frame(0, final: false) },
        1008
      ),
    ])
  }

  @Test func `§5.6, §8.1: text that is not UTF-8`() throws {
    var rows: [Row] = []
    for (name, bytes) in [
      ("a lone byte", [0x61, 0xFF]), ("a lone continuation", [0x80]), ("an overlong slash", [0xC0, 0xAF]),
      ("an overlong of three", [0xE0, 0x80, 0x80]), ("a surrogate", [0xED, 0xA0, 0x80]),
      ("beyond Unicode", [0xF4, 0x90, 0x80, 0x80]),
      ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]), ("cut short", [0x61, 0xE2, 0x82]),
    ] as [(String, [UInt8])] {
      rows.append((name, Self.frame(1, bytes), 1007))
      // Fails as soon as it is seen, in whichever fragment, and before the message ends.
      if name != "cut short" {
        rows.append(
          ("\(name) in a fragment", Self.frame(1, Self.text, final: false) + Self.frame(0, bytes, final: false), 1007))
      }
      rows.append(
        (
          "\(name) over two",
          Self.frame(1, Array(bytes.prefix(1)), final: false) + Self.frame(0, Array(bytes.dropFirst()) + [0x61]), 1007
        ))
    }
    rows.append(("a close reason", Self.close(1000, [0xFF]), 1007))
    try check(rows)
  }

  @Test func `§7.4: close codes that may not be sent, and those that are answered alike`() throws {
    let forbidden = [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535]
    try check(forbidden.map { ("code \($0)", Self.close($0), 1002) } + [("half a code", Self.frame(8, [3]), 1002)])
    let good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    try check(
      good.map { ("code \($0)", Self.close($0, Array("bye, café".utf8)), $0) } + [("no code", Self.frame(8), 1005)])
    try check([("a message after the close", Self.close(1000) + Self.frame(1, [0xFF]), 1000)])
  }

  @Test func `A message of 64 KiB is taken, one byte more is not, in one frame or in many`() throws {
    let limit = 64 * 1024
    func padded(_ count: Int) -> [UInt8] {
      let start = #"{"type":"ping","id":1,"pad":""#
      return Array((start + String(repeating: "x", count: count - start.utf8.count - 2) + #""}"#).utf8)
    }
    func fragments(_ bytes: [UInt8]) -> [UInt8] {
      let size = bytes.count / 7 + 1
      let starts = Array(stride(from: 0, to: bytes.count, by: size))
      return starts.flatMap { start in
        Self.frame(
          start == 0 ? 1 : 0, Array(bytes[start..<min(start + size, bytes.count)]), final: start + size >= bytes.count)
          // Control frames may come in between (§5.4).
          + (start == size ? Self.frame(9, Array("between".utf8)) : [])
      }
    }
    let bystander = try Bystander()
    let socket = try bystander.house.socket()
    for bytes in [Self.frame(1, padded(limit)), fragments(padded(limit))] {
      try socket.socket.send(bytes)
      #expect(try socket.next()["type"].string == "pong")
    }
    try check([
      ("one byte more", Self.frame(1, padded(limit + 1)), 1009),
      ("one byte more in fragments", fragments(padded(limit + 1)), 1009),
      ("a megabyte of binary", Self.frame(2, [UInt8](repeating: 0, count: 1 << 20)), 1009),
    ])
  }

  @Test func `A frame that comes byte by byte is the same frame`() throws {
    let bystander = try Bystander()
    let socket = try bystander.house.socket()
    for byte in Self.frame(1, Array(#"{"type":"#.utf8), final: false) + Self.frame(9, [1])
      + Self.frame(0, Array(#""ping","id":"é"}"#.utf8))
    {
      try socket.socket.send([byte])
    }
    // The standard orders neither before the other (§5.5.3).
    let answers = try [socket.receiveFrame(), socket.receiveFrame()]
    #expect(answers.contains { $0.opcode == 10 && $0.payload == [1] })
    #expect(answers.contains { $0.opcode == 1 && Document($0.payload)["id"].string == "é" })
    try bystander.expectUndisturbed("single bytes")
  }
}
