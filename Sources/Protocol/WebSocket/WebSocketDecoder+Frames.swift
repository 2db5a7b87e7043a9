// The long way through the decoder: frames cut by reads, fragments (RFC 6455 §5.4), control frames (§5.5), compressed
// and over-long messages, and every violation.

extension WebSocketDecoder {
  @usableFromInline @inline(never)
  package mutating func nextFrame(
    in bytes: UnsafeMutableRawBufferPointer, at position: inout Int
  ) -> WebSocketEvent {
    while true {
      switch phase {
      case .ended:
        position = bytes.count
        return .needsMore
      case .idle, .header:
        if let event = readHeader(in: bytes, at: &position) { return event }
      case .payload:
        if let event = readPayload(in: bytes, at: &position) { return event }
      }
    }
  }

  // MARK: Header

  /// Reads one header, from the buffer if it is whole there, and begins its frame; nil means read the payload.
  private mutating func readHeader(
    in bytes: UnsafeMutableRawBufferPointer, at position: inout Int
  ) -> WebSocketEvent? {
    if headerByteCount == 0 {
      switch WebSocketFrameHeader.parse(UnsafeRawBufferPointer(rebasing: bytes[min(position, bytes.count)...])) {
      case .header(let header, let byteCount):
        position += byteCount
        return begin(header)
      case .violation(let reason):
        return violation(1002, reason)
      case .needsMore:
        break
      }
    }
    while position < bytes.count {
      headerBytes[Int(headerByteCount)] = bytes[position]
      headerByteCount += 1
      position += 1
      guard headerByteCount >= 2,
        Int(headerByteCount) == WebSocketFrameHeader.byteCount(secondByte: headerBytes[1])
      else { continue }
      headerByteCount = 0
      switch WebSocketFrameHeader.parse(headerBytes.span.bytes) {
      case .header(let header, _): return begin(header)
      case .violation(let reason): return violation(1002, reason)
      case .needsMore: return violation(1002, "a frame header is incomplete")
      }
    }
    if headerByteCount > 0 { phase = .header }
    return .needsMore
  }

  /// Checks a header against the role, the extensions, the frames before it and the limits.
  private mutating func begin(_ header: WebSocketFrameHeader) -> WebSocketEvent? {
    switch role {
    case .server: if header.maskingKey == nil { return violation(1002, "a client's frame is not masked") }
    case .client: if header.maskingKey != nil { return violation(1002, "a server's frame is masked") }
    }
    if header.rsv1 {
      guard allowsCompression else { return violation(1002, "a reserved bit is set") }
      // RFC 7692 §6: on the first frame of a data message, and there only.
      guard header.opcode == .text || header.opcode == .binary else {
        return violation(1002, "a control or continuation frame is marked as compressed")
      }
    }
    if !header.opcode.isControl, let event = beginData(header) { return event }
    opcode = header.opcode
    isFinalFrame = header.isFinal
    isFrameUntouched = true
    maskingKey = header.maskingKey ?? 0
    remaining = header.payloadLength
    phase = .payload
    return nil
  }

  private mutating func beginData(_ header: WebSocketFrameHeader) -> WebSocketEvent? {
    if header.opcode == .continuation {
      guard isInMessage else { return violation(1002, "a continuation frame continues nothing") }
    } else {
      guard !isInMessage else { return violation(1002, "a message begins inside another") }
      isInMessage = true
      kind = header.opcode == .text ? .text : .binary
      isCompressed = header.rsv1
      validator = UTF8Validator()
      fragments = 0
    }
    fragments += 1
    guard fragments <= limits.fragments else { return violation(1008, "a message has too many fragments") }
    guard header.payloadLength <= limits.messageBytes - message.count else {
      return violation(1009, "a message is longer than \(limits.messageBytes) bytes")
    }
    return nil
  }

  // MARK: Payload

  /// Takes what the buffer has of the frame's payload; nil means that a fragment ended and the next header is due.
  private mutating func readPayload(
    in bytes: UnsafeMutableRawBufferPointer, at position: inout Int
  ) -> WebSocketEvent? {
    let count = min(remaining, bytes.count - position)
    let range = position..<position + count
    let piece = UnsafeRawBufferPointer(rebasing: bytes[range])
    var isASCII = false
    if let base = bytes.baseAddress {
      if role == .server {
        isASCII = WebSocketMask.apply(maskingKey, to: base + position, count: count)
        maskingKey = WebSocketMask.turned(maskingKey, by: count)
      } else {
        isASCII = WebSocketMask.isASCII(base + position, count: count)
      }
    }
    position = range.upperBound
    remaining -= count
    let isWhole = isFrameUntouched && remaining == 0
    if count > 0 { isFrameUntouched = false }
    if opcode.isControl { return takeControl(piece, at: isWhole ? range : nil) }
    if kind == .text, !isCompressed, !(isASCII && validator.isComplete), !validator.accepts(piece) {
      return violation(1007, "a text is not UTF-8")
    }
    return takeData(piece, at: isWhole ? range : nil)
  }

  private mutating func takeData(_ piece: UnsafeRawBufferPointer, at whole: Range<Int>?) -> WebSocketEvent? {
    let endsMessage = remaining == 0 && isFinalFrame
    if endsMessage, kind == .text, !isCompressed, !validator.isComplete {
      return violation(1007, "a text ends inside a character")
    }
    if endsMessage, fragments == 1, let whole { return finishMessage(.inPlace(whole)) }
    if message.isEmpty {
      // One allocation for a frame cut by reads; capped, so that a declared length costs its sender bytes.
      message.reserveCapacity(min(piece.count + remaining, 64 * 1024))
    }
    message.append(contentsOf: piece)
    if endsMessage {
      let owned = message
      return finishMessage(.owned(owned))
    }
    if remaining > 0 { return .needsMore }
    phase = .header
    return nil
  }

  private mutating func finishMessage(_ payload: WebSocketPayload) -> WebSocketEvent {
    isInMessage = false
    message = []
    phase = .idle
    return .message(kind, payload, isCompressed: isCompressed)
  }

  private mutating func takeControl(_ piece: UnsafeRawBufferPointer, at whole: Range<Int>?) -> WebSocketEvent? {
    if whole == nil { control.append(contentsOf: piece) }
    guard remaining == 0 else { return .needsMore }
    let payload = whole.map { WebSocketPayload.inPlace($0) } ?? .owned(control)
    let closing = opcode == .close ? parseClose(piece, isWhole: whole != nil) : nil
    control = []
    phase = isInMessage ? .header : .idle
    switch closing {
    case .close(let code, let reason)?:
      end()
      return .close(code: code, reason: reason)
    case .violation(let code, let reason)?:
      return violation(code, reason)
    case nil:
      return opcode == .ping ? .ping(payload) : .pong(payload)
    }
  }

  private func parseClose(_ piece: UnsafeRawBufferPointer, isWhole: Bool) -> WebSocketCloseCode.Parsed {
    isWhole ? WebSocketCloseCode.parse(piece) : control.withUnsafeBytes { WebSocketCloseCode.parse($0) }
  }
}
