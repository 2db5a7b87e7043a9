// One reactor's share of permessage-deflate. Connections that keep no context from message to message, which is what the
// hub asks of them, share one inflater and a deflater for each window size: an idle one costs nothing. Only a connection
// that keeps its context (`--compression takeover`) has streams of its own, made at its first compressed message.
import Compression
import Protocol
import Telemetry

/// What a connection's messages are sent as.
enum MessageForm: Equatable {
  /// As they are: nothing was agreed on.
  case plain
  /// Compressed, each by itself, so that a frame serves every connection of the same window.
  case shared(windowBits: UInt8)
  /// Compressed by the connection's own stream; the order of compressing is the order of sending.
  case own(windowBits: UInt8)
  /// As events of Server-Sent Events; the same bytes serve every stream.
  case eventStream
}

/// Whether a socket may be sent a channel's events without a look at its connection, and in which form.
struct FanOutReadiness: Equatable {
  /// The window of the shared compressed form; 2 for events of a stream, 1 for plain messages, 0 for no.
  let windowBits: UInt8

  static let no = FanOutReadiness(windowBits: 0)
  static let plain = FanOutReadiness(windowBits: 1)
  static let eventStream = FanOutReadiness(windowBits: 2)

  private init(windowBits: UInt8) { self.windowBits = windowBits }

  init(_ form: MessageForm) {
    switch form {
    case .plain: self = .plain
    case .shared(let bits): windowBits = bits
    case .own: self = .no
    case .eventStream: self = .eventStream
    }
  }
}

/// A deflating stream; with a gauge it is one connection's own and counted while it lives.
final class DeflateContext {
  var deflater: MessageDeflater
  private let gauge: Gauge?

  init(windowBits: UInt8, gauge: Gauge? = nil) throws(CompressionError) {
    // Level 3 takes half the time of the usual 6 and 5 % more bytes (a snapshot of 64 KiB: 1.0 ms instead of 1.8).
    deflater = try MessageDeflater(windowBits: Int(windowBits), keepsContext: gauge != nil, level: 3)
    self.gauge = gauge
    gauge?.add()
  }

  deinit { gauge?.subtract() }
}

/// One connection's own inflating stream.
final class InflateContext {
  var inflater: MessageInflater
  private let gauge: Gauge

  init(windowBits: UInt8, gauge: Gauge) throws(CompressionError) {
    // A window of 8 bits is inflated by any larger one.
    inflater = try MessageInflater(windowBits: max(9, Int(windowBits)), keepsContext: true)
    self.gauge = gauge
    gauge.add()
  }

  deinit { gauge.subtract() }
}

final class Compressor {
  /// Messages below are sent as they are: one of 256 bytes would save about 60 and takes 8 µs.
  static let worthwhileBytes = 256
  /// The same with a context, where short messages repeat each other.
  static let worthwhileBytesInContext = 64
  /// How much memory is kept between messages.
  private static let keptBytes = 256 * 1024

  private let counters: ServerCounters
  private var deflaters = [DeflateContext?](repeating: nil, count: 16)
  private var inflater: MessageInflater?
  /// The message compressed last.
  private var deflated: [UInt8] = []
  /// Memory for the message inflated next.
  private var spare: [UInt8] = []

  init(_ counters: ServerCounters) { self.counters = counters }

  // MARK: Compressing

  /// A frame with the message compressed; nil when that is not shorter.
  func frame(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, windowBits: UInt8) -> [UInt8]? {
    deflated.removeAll(keepingCapacity: true)
    guard let context = context(windowBits),
      (try? context.deflater.append(payload.bytes, to: &deflated)) != nil
    else { return nil }
    counters.compressions.add()
    return deflated.count < payload.count ? frame(opcode) : nil
  }

  /// A frame with the message compressed by a connection's own stream; nil when there is no memory for it. It must be
  /// sent: later messages refer to it.
  func frame(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, by context: DeflateContext) -> [UInt8]? {
    deflated.removeAll(keepingCapacity: true)
    guard (try? context.deflater.append(payload.bytes, to: &deflated)) != nil else { return nil }
    counters.compressions.add()
    return frame(opcode)
  }

  /// A frame with a message whose middle is compressed once for all that are sent it: `start` and `end` are stored.
  func frame(start: [UInt8], _ middle: Snapshot, end: [UInt8], windowBits: UInt8) -> [UInt8]? {
    guard let context = context(windowBits) else { return nil }
    let part = middle.forms.bytes(as: .shared(windowBits: windowBits)) {
      var part: [UInt8] = []
      counters.compressions.add()
      return (try? context.deflater.appendPart(middle.bytes.span.bytes, to: &part)) == nil ? [] : part
    }
    guard !part.isEmpty else { return nil }
    deflated.removeAll(keepingCapacity: true)
    DeflatedMessage.appendStored(start.span.bytes, to: &deflated)
    deflated.append(contentsOf: part)
    DeflatedMessage.appendStored(end.span.bytes, to: &deflated)
    DeflatedMessage.appendEnd(to: &deflated)
    return deflated.count < start.count + middle.bytes.count + end.count ? frame(.text) : nil
  }

  func ownDeflater(windowBits: UInt8) -> DeflateContext? {
    try? DeflateContext(windowBits: windowBits, gauge: counters.contexts)
  }

  private func context(_ windowBits: UInt8) -> DeflateContext? {
    let slot = Int(windowBits & 15)
    if deflaters[slot] == nil { deflaters[slot] = try? DeflateContext(windowBits: windowBits) }
    return deflaters[slot]
  }

  private func frame(_ opcode: WebSocketOpcode) -> [UInt8] {
    var frame: [UInt8] = []
    frame.reserveCapacity(WebSocketEncoder.maximumByteCount(of: deflated.count))
    deflated.withUnsafeBytes { WebSocketEncoder.append(opcode, $0, to: &frame, rsv1: true) }
    if deflated.capacity > Self.keptBytes { deflated = [] }
    return frame
  }

  // MARK: Inflating

  /// The message restored; `giveBack` its memory when it has been read.
  func inflate(_ message: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
    if inflater == nil { inflater = try MessageInflater(keepsContext: false) }
    var text = takeSpare()
    try inflater?.append(message, to: &text, limit: limit)
    return text
  }

  func inflate(
    _ message: RawSpan, by context: InflateContext, limit: Int
  ) throws(CompressionError) -> [UInt8] {
    var text = takeSpare()
    try context.inflater.append(message, to: &text, limit: limit)
    return text
  }

  func ownInflater(windowBits: UInt8) throws(CompressionError) -> InflateContext {
    try InflateContext(windowBits: windowBits, gauge: counters.contexts)
  }

  func giveBack(_ text: consuming [UInt8]) {
    if text.capacity <= Self.keptBytes { spare = text }
  }

  private func takeSpare() -> [UInt8] {
    var text = spare
    spare = []
    text.removeAll(keepingCapacity: true)
    return text
  }
}
