// Feeds a frame decoder read by read and writes down what it says, payloads as bytes wherever they lay. Frames are
// built here by hand, never by the encoder under test.
import Testing

@testable import Protocol

/// An event as tests compare it.
enum Seen: Equatable, CustomStringConvertible {
  case text(String)
  case binary([UInt8])
  case compressed([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?, String)
  case violation(UInt16)

  var description: String {
    switch self {
    case .text(let text): "text(\(text.utf8.count) bytes: \(text.prefix(20)))"
    case .binary(let bytes): "binary(\(bytes.count) bytes)"
    case .compressed(let bytes): "compressed(\(bytes.count) bytes)"
    case .ping(let bytes): "ping(\(bytes))"
    case .pong(let bytes): "pong(\(bytes))"
    case .close(let code, let reason): "close(\(code.map { "\($0)" } ?? "none"), \(reason))"
    case .violation(let code): "violation(\(code))"
    }
  }
}

enum WebSocketFeeding {
  static func server(
    _ pieces: [[UInt8]], limits: WebSocketLimits = WebSocketLimits(), allowsCompression: Bool = false
  ) -> [Seen] {
    var decoder = WebSocketDecoder(role: .server, limits: limits, allowsCompression: allowsCompression)
    return feed(pieces, to: &decoder)
  }

  static func client(_ pieces: [[UInt8]]) -> [Seen] {
    var decoder = WebSocketDecoder(role: .client)
    return feed(pieces, to: &decoder)
  }

  static func feed(_ pieces: [[UInt8]], to decoder: inout WebSocketDecoder) -> [Seen] {
    var seen: [Seen] = []
    for piece in pieces {
      var buffer = piece
      var position = 0
      while true {
        let event = next(&decoder, &buffer, &position)
        guard let event = translate(event, in: buffer) else { break }
        seen.append(event)
      }
    }
    return seen
  }

  private static func next(
    _ decoder: inout WebSocketDecoder, _ buffer: inout [UInt8], _ position: inout Int
  ) -> WebSocketEvent {
    var elements = buffer.mutableSpan
    var bytes = elements.mutableBytes
    return decoder.next(in: &bytes, at: &position)
  }

  private static func translate(_ event: WebSocketEvent, in buffer: [UInt8]) -> Seen? {
    func bytes(_ payload: WebSocketPayload) -> [UInt8] {
      switch payload {
      case .inPlace(let range): Array(buffer[range])
      case .owned(let bytes): bytes
      }
    }
    switch event {
    case .needsMore: return nil
    case .message(.text, let payload, false): return .text(text(bytes(payload)))
    case .message(.binary, let payload, false): return .binary(bytes(payload))
    case .message(_, let payload, true): return .compressed(bytes(payload))
    case .ping(let payload): return .ping(bytes(payload))
    case .pong(let payload): return .pong(bytes(payload))
    case .close(let code, let reason): return .close(code, reason)
    case .violation(let code, _): return .violation(code)
    }
  }
}

/// One frame by hand: `first` is the first byte, the length in its shortest form, masked with a key unless nil.
func frame(_ first: UInt8, _ payload: [UInt8] = [], key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]) -> [UInt8] {
  let mask: UInt8 = key == nil ? 0 : 0x80
  var bytes = [first]
  switch payload.count {
  case 0...125: bytes.append(mask | UInt8(payload.count))
  case 126...0xFFFF: bytes += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
  default: bytes += [mask | 127] + (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 0xFF) }
  }
  guard let key else { return bytes + payload }
  return bytes + key + payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
}

func frame(_ first: UInt8, _ payload: String) -> [UInt8] { frame(first, Array(payload.utf8)) }

/// What a client sent, and what the server must see of it.
struct FrameCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let bytes: [UInt8]
  let expected: [Seen]

  init(_ name: String, _ frames: [[UInt8]], _ expected: [Seen]) {
    testDescription = name
    bytes = frames.flatMap { $0 }
    self.expected = expected
  }
}
