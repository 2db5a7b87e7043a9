// permessage-deflate on a connection (RFC 7692): agreed on in the handshake, undone in front of the messages, done behind
// them. Nothing of it is on the way of a message that is not compressed.
import Channels
import Compression
import Protocol
import Telemetry

extension Reactor {
  // MARK: Agreeing

  /// Takes the client's offer up, if it can be, and answers what to say to it.
  func agree(on offer: WebSocketHandshake.Offer, _ session: WebSocketSession, _ connection: Connection) -> String? {
    guard let policy = node.configuration.compression.policy,
      let (agreement, answer) = PermessageDeflate.accept(offer.extensions, policy: policy)
    else { return nil }
    session.decoder = WebSocketDecoder(
      role: .server, limits: node.configuration.limits.webSocket, allowsCompression: true)
    session.ownInflaterBits = agreement.clientKeepsContext ? agreement.clientWindowBits : nil
    let bits = agreement.serverWindowBits
    connection.form = agreement.serverKeepsContext ? .own(windowBits: bits) : .shared(windowBits: bits)
    return answer
  }

  // MARK: Receiving

  /// One whole compressed message, in one frame or assembled from several.
  func receiveCompressed(
    _ kind: WebSocketMessageKind, _ payload: WebSocketPayload, in bytes: UnsafeMutableRawBufferPointer,
    _ session: WebSocketSession, _ connection: Connection
  ) {
    let text: [UInt8]
    do throws(CompressionError) {
      switch payload {
      case .inPlace(let range): text = try inflate(UnsafeRawBufferPointer(rebasing: bytes[range]).bytes, session)
      case .owned(let message): text = try inflate(message.span.bytes, session)
      }
    } catch {
      switch error {
      case .tooLarge: fail(session, connection, 1009, "a message is too long, or grows too much")
      case .corrupt: fail(session, connection, 1007, "a message is not compressed as agreed")
      case .outOfMemory, .invalidSetting: fail(session, connection, 1011, "there is no memory to read this message")
      }
      return
    }
    text.withUnsafeBytes { text in
      // Text is checked whole, since it was restored whole: at most `messageBytes` of it.
      if kind == .text, let base = text.baseAddress, !WebSocketDecoder.isUTF8(base, count: text.count) {
        fail(session, connection, 1007, "a text is not UTF-8")
      } else {
        receive(kind, text, session, connection)
      }
    }
    compressor.giveBack(text)
  }

  private func inflate(_ message: RawSpan, _ session: WebSocketSession) throws(CompressionError) -> [UInt8] {
    let limit = node.configuration.limits.messageBytes
    guard let bits = session.ownInflaterBits else { return try compressor.inflate(message, limit: limit) }
    if session.inflater == nil { session.inflater = try compressor.ownInflater(windowBits: bits) }
    guard let context = session.inflater else { throw .outOfMemory }
    return try compressor.inflate(message, by: context, limit: limit)
  }

  /// The peer broke a rule that only the message's contents show.
  private func fail(_ session: WebSocketSession, _ connection: Connection, _ code: UInt16, _ reason: String) {
    node.counters.violations.add()
    _ = session.decoder.violation(code, reason)
    close(connection, code: code, reason: reason)
  }

  // MARK: Sending

  /// Writes a message to one connection, compressed where that was agreed on and pays.
  @inline(__always)
  func writeMessage(_ kind: WebSocketMessageKind, _ payload: UnsafeRawBufferPointer, to connection: Connection) {
    if connection.form != .plain, let frame = compressedFrame(kind, payload, for: connection) {
      write(frame, to: connection)
    } else {
      write(kind.opcode, payload, to: connection)
    }
  }

  /// nil when the message goes out as it is. One that a context knows of must be sent, in the order of these calls.
  private func compressedFrame(
    _ kind: WebSocketMessageKind, _ payload: UnsafeRawBufferPointer, for connection: Connection
  ) -> [UInt8]? {
    switch connection.form {
    case .plain:
      return nil
    case .shared(let bits):
      guard payload.count >= Compressor.worthwhileBytes else { return nil }
      return compressor.frame(kind.opcode, payload, windowBits: bits)
    case .own(let bits):
      guard payload.count >= Compressor.worthwhileBytesInContext, let session = connection.webSocket else { return nil }
      guard let context = session.deflater ?? compressor.ownDeflater(windowBits: bits) else { return nil }
      session.deflater = context
      return compressor.frame(kind.opcode, payload, by: context)
    case .eventStream:
      return streamEvent(payload, to: connection)
    }
  }

  /// The frame of a shared message to one connection; it must be sent.
  func frame(of message: SharedMessage, for connection: Connection) -> [UInt8] {
    switch connection.form {
    case .plain: message.frame
    case .shared(let bits): message.frame(windowBits: bits, by: compressor)
    case .own: message.text.withUnsafeBytes { compressedFrame(.text, $0, for: connection) } ?? message.frame
    case .eventStream: message.streamEvent(epoch: node.feedState.epoch)
    }
  }

  /// Writes `subscribed` with a snapshot, which is compressed once for all that get it.
  func writeSubscribed(_ snapshot: Snapshot, id: MessageID?, _ channel: LocalChannel, to connection: Connection) {
    func append(_ bytes: RawSpan, to output: inout [UInt8]) {
      ServerMessageEncoder.appendSubscribed(
        id: id, channel: channel.text, epoch: node.feedState.epoch, offset: snapshot.offset, recovered: false,
        snapshot: bytes, to: &output)
    }
    if case .eventStream(let stream) = connection.phase {
      writeSnapshot(snapshot, stream, connection) { append(snapshot.bytes.span.bytes, to: &$0) }
      return
    }
    if case .shared(let bits) = connection.form, snapshot.bytes.count >= Compressor.worthwhileBytes,
      let session = connection.webSocket, !session.isClosing
    {
      // The snapshot is the last member: around it stand everything up to here and a brace.
      var start: [UInt8] = []
      append(RawSpan(), to: &start)
      let end = Array(start.suffix(1))
      start.removeLast()
      if let frame = compressor.frame(start: start, snapshot, end: end, windowBits: bits) {
        write(frame, to: connection)
        return
      }
    }
    reply(to: connection) { append(snapshot.bytes.span.bytes, to: &$0) }
  }
}

/// A run of events on its way to the subscribers of a channel: the bytes of each form are put together once.
struct FanOutBlock {
  private let run: ArraySlice<Delivery>
  let plain: [UInt8]
  private var shared: [(windowBits: UInt8, bytes: [UInt8])] = []
  private var streamed: [UInt8]?

  init(_ run: ArraySlice<Delivery>) {
    self.run = run
    plain = if let first = run.first, run.count == 1 { first.frame } else { run.flatMap(\.frame) }
  }

  /// What event streams are sent.
  mutating func streamEvents(epoch: @autoclosure () -> String) -> [UInt8] {
    if let events = streamed { return events }
    let events = run.flatMap { $0.message.streamEvent(epoch: epoch()) }
    streamed = events
    return events
  }

  /// What connections of this window are sent.
  mutating func bytes(windowBits: UInt8, by compressor: Compressor) -> [UInt8] {
    if let form = shared.first(where: { $0.windowBits == windowBits }) { return form.bytes }
    let bytes = run.flatMap { $0.message.frame(windowBits: windowBits, by: compressor) }
    shared.append((windowBits, bytes))
    return bytes
  }
}
