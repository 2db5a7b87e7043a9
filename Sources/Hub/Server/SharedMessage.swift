// What many connections are sent: encoded once, and compressed once for each window size that one of them agreed on, by
// whichever reactor comes first. The others wait for it, which takes no longer than doing it again would.
import Protocol
import Synchronization

/// The compressed forms of some bytes, each made when it is first asked for.
package final class DeflatedForms: Sendable {
  private let forms = Mutex<[(windowBits: UInt8, bytes: [UInt8])]>([])

  func bytes(windowBits: UInt8, made make: () -> [UInt8]) -> [UInt8] {
    forms.withLock { forms in
      if let form = forms.first(where: { $0.windowBits == windowBits }) { return form.bytes }
      let bytes = make()
      forms.append((windowBits, bytes))
      return bytes
    }
  }
}

/// One text message for any number of connections.
package struct SharedMessage: Sendable {
  /// The whole frame, not compressed.
  package let frame: [UInt8]
  private let headerBytes: Int
  private let forms = DeflatedForms()

  package init(_ text: [UInt8]) {
    frame = webSocketText(text)
    headerBytes = frame.count - text.count
  }

  /// The message itself.
  var text: ArraySlice<UInt8> { frame[headerBytes...] }

  /// The whole frame for connections that agreed on a window and on no context; not compressed where that does not pay.
  func frame(windowBits: UInt8, by compressor: Compressor) -> [UInt8] {
    guard text.count >= Compressor.worthwhileBytes else { return frame }
    return forms.bytes(windowBits: windowBits) {
      text.withUnsafeBytes { compressor.frame(.text, $0, windowBits: windowBits) } ?? frame
    }
  }
}

/// A channel's state as of an offset, in JSON.
struct Snapshot: Sendable {
  let offset: Int64
  let bytes: [UInt8]
  /// The parts of a message that hold it: what stands around it differs from one subscriber to the next.
  let forms = DeflatedForms()
}

/// One text frame around a message.
func webSocketText(_ message: [UInt8]) -> [UInt8] {
  var frame: [UInt8] = []
  frame.reserveCapacity(WebSocketEncoder.maximumByteCount(of: message.count))
  WebSocketEncoder.append(.text, message.span.bytes, to: &frame)
  return frame
}
