// permessage-deflate on `hub echo` (RFC 7692): what is agreed on, what is restored, what is refused. The client has a zlib
// of its own and follows the answer to the letter.
import Foundation
import Testing
import TestSupport

/// One echoing hub a setting, for all suites of compression.
enum EchoHubs {
  private static let shared = Result { try HubUnderTest.echo(arguments: ["--reactors", "1"]) }
  private static let takeover = Result { try HubUnderTest.echo(arguments: ["--compression", "takeover"]) }
  private static let off = Result { try HubUnderTest.echo(arguments: ["--compression", "off"]) }
  private static let isRegistered = atexit { EchoHubs.stop() } == 0

  static func hub(_ setting: String) throws -> HubUnderTest {
    guard isRegistered else { throw SupportError("atexit") }
    switch setting {
    case "shared": return try shared.get()
    case "takeover": return try takeover.get()
    default: return try off.get()
    }
  }

  static func socket(_ setting: String, _ offer: String, violatesContext: Bool = false) throws -> DeflateSocket {
    try DeflateSocket(
      port: try hub(setting).port, path: "/", extensions: offer, violatesContext: violatesContext)
  }

  private static func stop() {
    for hub in [shared, takeover, off] { _ = try? hub.get().stop(with: SIGKILL) }
  }
}

/// Bytes that look like the hub's messages, `count` of them.
func prose(_ count: Int) -> [UInt8] {
  let words = Array(#"{"type":"event","channel":"kitchen","name":"Café crème","quantity":12,"note":"no onion"},"#.utf8)
  var bytes: [UInt8] = []
  var number = 7
  while bytes.count < count {
    number = (number &* 1_103_515_245 &+ 12345) & 0x7FFF_FFFF
    bytes += words.dropFirst(number % 2) + Array(String(number).utf8)
  }
  // Cut where a character ends.
  var end = count
  while end > 0, end < bytes.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
  return Array(bytes[..<end])
}

@Suite struct CompressionAgreementTests {
  static let both = "server_no_context_takeover; client_no_context_takeover"

  /// Setting, offer, answer without the name; nil for none.
  static let rows: [(String, String, String?)] = [
    ("shared", "permessage-deflate", both),
    ("shared", "permessage-deflate; client_max_window_bits", both),
    ("shared", "permessage-deflate; server_no_context_takeover", both),
    ("shared", "permessage-deflate; server_max_window_bits=\"10\"", both + "; server_max_window_bits=10"),
    ("shared", "permessage-deflate; server_max_window_bits=8", nil),
    ("shared", "permessage-deflate; server_max_window_bits=8, permessage-deflate", both),
    ("shared", "permessage-deflate; level=9, x-webkit-deflate-frame", nil),
    ("takeover", "permessage-deflate", ""),
    ("takeover", "permessage-deflate; client_max_window_bits", ""),
    (
      "takeover", "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
      "server_max_window_bits=9; client_max_window_bits=9"
    ),
    ("takeover", "permessage-deflate; client_no_context_takeover", "client_no_context_takeover"),
    ("takeover", "permessage-deflate; server_no_context_takeover", "server_no_context_takeover"),
    ("takeover", "permessage-deflate; server_no_context_takeover=1", nil),
    ("off", "permessage-deflate", nil),
  ]

  @Test(arguments: rows) func `RFC 7692 §7.1: what is answered`(setting: String, offer: String, answer: String?) throws
  {
    let socket = try EchoHubs.socket(setting, offer)
    #expect(socket.answer == answer.map { $0.isEmpty ? "permessage-deflate" : "permessage-deflate; " + $0 })
    // And it speaks on, with or without.
    if socket.answer != nil { try socket.send(prose(700)) } else { try socket.webSocket.send("plain") }
    #expect(try socket.next().payload == (socket.answer != nil ? prose(700) : Array("plain".utf8)))
  }

  @Test(arguments: ["shared", "takeover", "off"])
  func `RFC 6455 §9.1: a list against the grammar fails the handshake`(setting: String) throws {
    let port = try EchoHubs.hub(setting).port
    for field in ["permessage-deflate;", "permessage-deflate; a b", "a;b=\"", "\"permessage-deflate\""] {
      let answer = try RawHandshake(path: "/", headers: ["Sec-WebSocket-Extensions": field]).send(to: port)
      #expect(answer.status == 400, "\(field)")
    }
  }

  @Test func `Several header fields are one list`() throws {
    let socket = try RawSocket(port: try EchoHubs.hub("shared").port)
    // Without the empty line at the end, which is one Character.
    let request = RawHandshake(path: "/").text.dropLast(1)
    let fields = ["permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=9"]
    try socket.send(request + fields.map { "Sec-WebSocket-Extensions: \($0)\r\n" }.joined() + "\r\n")
    let answer = try socket.answer()
    #expect(answer.header("Sec-WebSocket-Extensions")?.hasSuffix("; server_max_window_bits=9") == true)
  }
}

@Suite struct CompressionEchoTests {
  /// Every pair of windows that can be agreed on, and every choice of contexts, at both settings.
  static let offers: [String] =
    (9...15).flatMap { bits in
      [8, 9, 12, 15].map { "permessage-deflate; server_max_window_bits=\(bits); client_max_window_bits=\($0)" }
    }
    + ["", "; server_no_context_takeover", "; client_no_context_takeover"].flatMap { first in
      ["", "; client_no_context_takeover; server_no_context_takeover"].map {
        "permessage-deflate" + (first.isEmpty ? $0 : first)
      }
    }

  @Test(arguments: ["shared", "takeover"])
  func `Whatever is agreed on, what is sent comes back`(setting: String) throws {
    for offer in Set(Self.offers).sorted() {
      let socket = try EchoHubs.socket(setting, offer)
      #expect(socket.answer != nil, "\(offer)")
      for size in [0, 1, 5, 255, 256, 300, 4000, 33_000, 70_000] {
        for opcode in [1, 2] as [UInt8] {
          try socket.send(prose(size), opcode: opcode)
          let message = try socket.next()
          #expect(message.payload == prose(size) && message.opcode == opcode, "\(offer), \(size) bytes")
          #expect(message.isCompressed || size < 256, "\(offer), \(size) bytes")
        }
      }
    }
  }

  @Test func `RFC 7692 §7.1.1: contexts are taken over in both directions, or in neither`() throws {
    let text = (0..<400).map { _ in UInt8.random(in: 0x21...0x7E) }
    for (setting, repeats) in [("takeover", true), ("shared", false)] {
      let socket = try EchoHubs.socket(setting, "permessage-deflate")
      var sizes: [(Int, Int)] = []
      for _ in 0..<3 {
        let compressed = try socket.compress(text)
        try socket.send(compressed: compressed)
        let message = try socket.next()
        #expect(message.payload == text && message.isCompressed)
        sizes.append((compressed.count, message.sentBytes))
      }
      #expect(sizes.allSatisfy { $0.0 > 200 && $0.1 > 200 } == !repeats, "\(setting) \(sizes)")
      if repeats { #expect(sizes[2].0 < 40 && sizes[2].1 < 40, "\(sizes)") }
    }
  }

  @Test func `A context lives through messages that are not compressed, pings and fragments`() throws {
    let socket = try EchoHubs.socket("takeover", "permessage-deflate")
    for round in 0..<20 {
      let text = prose(200 + round * 37)
      try socket.send(text, fragments: 1 + round % 4, between: RawWebSocket.frame(opcode: 9, [UInt8(round)]))
      try socket.webSocket.send("plain \(round)")
      #expect(try socket.next().payload == text)
      #expect(try socket.next().payload == Array("plain \(round)".utf8))
    }
  }

  @Test(arguments: ["shared", "takeover"])
  func `RFC 7692 §6.1: fragments of a compressed message with pings between them, in pieces of any size`(
    setting: String
  ) throws {
    let socket = try EchoHubs.socket(setting, "permessage-deflate")
    for fragments in [2, 3, 17, 400] {
      let text = prose(20_000)
      try socket.send(text, fragments: fragments, between: RawWebSocket.frame(opcode: 9, Array("between".utf8)))
      var pongs = 0
      while true {
        let frame = try socket.webSocket.receiveFrame()
        if frame.opcode == 10 {
          #expect(frame.payload == Array("between".utf8) && frame.reserved == 0)
          pongs += 1
          continue
        }
        #expect(frame.opcode == 1 && frame.reserved == 4 && frame.isFinal)
        #expect(pongs == fragments - 1, "\(fragments) fragments")
        break
      }
      // The frame was read past the socket's inflater; a context must not miss it.
      if setting == "takeover" { return }
    }
  }

  @Test func `RFC 7692 §7.2.3: the RFC's own messages, and empty ones`() throws {
    let hello = Array("Hello".utf8)
    let messages: [([UInt8], [UInt8])] = [
      ([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello),
      ([0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00], hello),
      ([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00], hello),
      ([0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00], hello),
      ([0x00], []), ([0x02, 0x00], []),
    ]
    for setting in ["shared", "takeover"] {
      let socket = try EchoHubs.socket(setting, "permessage-deflate")
      for (compressed, text) in messages {
        for fragments in 1...compressed.count {
          try socket.send(compressed: compressed, fragments: fragments)
          #expect(try socket.next().payload == text)
        }
      }
    }
  }

  @Test func `Sixteen mebibytes are restored and sent back`() throws {
    for setting in ["shared", "takeover"] {
      let socket = try EchoHubs.socket(setting, "permessage-deflate")
      let text = prose(16 << 20)
      try socket.send(text)
      let message = try socket.next()
      #expect(message.isCompressed && message.payload == text)
    }
  }
}
