// One frame header (RFC 6455 §5.2): lengths have one form only, so a header that is accepted is written again byte for
// byte; before it is whole more is asked for; what follows it changes nothing.
import Protocol

extension FuzzTarget {
  static let frameHeader = FuzzTarget("frame-header") { input in
    let whole = WebSocketFrameHeader.parse(input.span.bytes)
    switch whole {
    case .needsMore:
      try require(
        input.count < 2 || input.count < WebSocketFrameHeader.byteCount(secondByte: input[1]),
        "a whole header is not enough")
    case .violation:
      let extended = input + [0, 0xFF, 0, 0xFF]
      try requireEqual(WebSocketFrameHeader.parse(extended.span.bytes), whole, "a violation went away")
    case .header(let header, let byteCount):
      try require(byteCount <= WebSocketFrameHeader.maximumByteCount, "the header is longer than any")
      var written: [UInt8] = []
      header.append(to: &written)
      try requireEqual(written, Array(input.prefix(byteCount)), "the header is written otherwise")
      try require(!header.opcode.isControl || header.isFinal && header.payloadLength <= 125, "RFC 6455 §5.5")
      for count in 0..<byteCount {
        let part = Array(input.prefix(count))
        try requireEqual(WebSocketFrameHeader.parse(part.span.bytes), .needsMore, "\(count) bytes were enough")
      }
    }
  }
}
