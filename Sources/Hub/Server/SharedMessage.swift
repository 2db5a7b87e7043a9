// What many connections are sent: encoded once, and compressed once for each window size that one of them agreed on, by
// whichever reactor comes first. The others wait for it, which takes no longer than doing it again would.
import Protocol
import Synchronization

/// The further forms of some bytes, each made when it is first asked for.
package final class FurtherForms: Sendable {
  private let forms = Mutex<[(form: MessageForm, bytes: [UInt8])]>([])

  func bytes(as form: MessageForm, made make: () -> [UInt8]) -> [UInt8] {
    forms.withLock { forms in
      if let made = forms.first(where: { $0.form == form }) { return made.bytes }
      let bytes = make()
      forms.append((form, bytes))
      return bytes
    }
  }
}

/// One text message for any number of connections.
package struct SharedMessage: Sendable {
  /// The whole frame, not compressed.
  package let frame: [UInt8]
  private let headerBytes: Int
  private let forms = FurtherForms()
  /// What an event stream calls it.
  private let name: String
  /// Of an event of the log.
  private let offset: Int64?

  package init(_ text: [UInt8], name: String, offset: Int64? = nil) {
    self.name = name
    self.offset = offset
    frame = webSocketText(text)
    headerBytes = frame.count - text.count
  }

  /// The message itself.
  var text: ArraySlice<UInt8> { frame[headerBytes...] }

  /// The whole frame for connections that agreed on a window and on no context; not compressed where that does not pay.
  func frame(windowBits: UInt8, by compressor: Compressor) -> [UInt8] {
    guard text.count >= Compressor.worthwhileBytes else { return frame }
    return forms.bytes(as: .shared(windowBits: windowBits)) {
      text.withUnsafeBytes { compressor.frame(.text, $0, windowBits: windowBits) } ?? frame
    }
  }
}

extension SharedMessage {
  /// The whole event for event streams.
  func streamEvent(epoch: @autoclosure () -> String) -> [UInt8] {
    forms.bytes(as: .eventStream) {
      let id = offset.map { ServerSentEvents.eventID(epoch: epoch(), offset: $0) }
      return text.withUnsafeBytes { serverSentEvent(name, id: id, $0.bytes) }
    }
  }
}

/// A channel's state as of an offset, in JSON.
struct Snapshot: SharedValue {
  let offset: Int64
  /// The head of access:log as of the same moment: whoever is given this must be known to have its rights until there.
  let accessHead: Int64
  let bytes: [UInt8]
  /// The parts of a message that hold it: what stands around it differs from one subscriber to the next.
  let forms = FurtherForms()

  var byteCount: Int { bytes.count + 256 }
}

/// Of which channel, in which log.
struct SnapshotKey: Hashable, Sendable {
  let channel: String
  let epoch: String
}

/// One text frame around a message.
func webSocketText(_ message: [UInt8]) -> [UInt8] {
  var frame: [UInt8] = []
  frame.reserveCapacity(WebSocketEncoder.maximumByteCount(of: message.count))
  WebSocketEncoder.append(.text, message.span.bytes, to: &frame)
  return frame
}

/// One event of an event stream around a message.
func serverSentEvent(_ name: String, id: String?, _ message: RawSpan) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(message.byteCount + name.utf8.count + 48)
  ServerSentEvents.append(name: name, id: id, data: message, to: &bytes)
  return bytes
}
