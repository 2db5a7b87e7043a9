// The whole frame decoder in both roles, with and without compression, limits small and standard: however the bytes are
// cut into reads, it says what a plain model of RFC 6455 (WebSocketModel) says of the whole.
import Protocol

extension FuzzTarget {
  static let webSocket = FuzzTarget("websocket") { input in
    guard let stream = StreamInput(input) else { return }
    let limits = stream.settings & 4 == 0 ? WebSocketLimits(messageBytes: 200, fragments: 4) : WebSocketLimits()
    let model = WebSocketModel(
      role: stream.settings & 1 == 0 ? .server : .client, limits: limits,
      allowsCompression: stream.settings & 2 != 0)
    let expected = model.events(in: stream.bytes)
    for reads in stream.ways {
      var decoder = WebSocketDecoder(
        role: model.role, limits: model.limits, allowsCompression: model.allowsCompression)
      var seen: [WebSocketModel.Event] = []
      for read in reads { feed(read, to: &decoder, &seen) }
      try requireEqual(seen, expected, "\(reads.count) reads are not what the model says")
    }
  }

  private static func feed(_ read: [UInt8], to decoder: inout WebSocketDecoder, _ seen: inout [WebSocketModel.Event]) {
    var buffer = read
    var position = 0
    while true {
      let event = buffer.withUnsafeMutableBytes { decoder.next(in: $0, at: &position) }
      func bytes(_ payload: WebSocketPayload) -> [UInt8] {
        switch payload {
        case .inPlace(let range): Array(buffer[range])
        case .owned(let bytes): bytes
        }
      }
      switch event {
      case .needsMore: return
      case .message(let kind, let payload, let isCompressed):
        seen.append(.message(kind, bytes(payload), isCompressed: isCompressed))
      case .ping(let payload): seen.append(.ping(bytes(payload)))
      case .pong(let payload): seen.append(.pong(bytes(payload)))
      case .close(let code, let reason): seen.append(.close(code, Array(reason.utf8)))
      case .violation(let code, _): seen.append(.violation(code))
      }
    }
  }
}
