// The streaming UTF-8 validator (RFC 3629 §4) beside the standard library's: after every piece it says whether the text
// so far can still become valid, and at the end whether it is.
import Protocol

extension FuzzTarget {
  static let utf8 = FuzzTarget("utf8") { input in
    guard let stream = StreamInput(input) else { return }
    let isValid = String(validating: stream.bytes, as: UTF8.self) != nil
    for pieces in stream.ways {
      var validator = UTF8Validator()
      let isAccepted = pieces.allSatisfy { validator.accepts($0.span.bytes) }
      try requireEqual(isAccepted && validator.isComplete, isValid, "validity in \(pieces.count) pieces")
      try requireEqual(isAccepted, WebSocketModel.canBecomeText(stream.bytes), "hope in \(pieces.count) pieces")
    }
  }
}
