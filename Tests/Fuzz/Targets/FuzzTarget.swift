// One parser of outside bytes with what must hold for any input. The same body runs under libFuzzer (Tests/Fuzz/Driver)
// and in `make test`, which replays the seeds (Tests/Fuzz/Replay). A target throws when an oracle disagrees; a trap or a
// sanitizer's report is a finding by itself.

package struct FuzzTarget: Sendable {
  /// Also the name of its folder in Tests/Fuzz/Seeds.
  package let name: String
  package let run: @Sendable ([UInt8]) throws -> Void

  init(_ name: String, _ run: @escaping @Sendable ([UInt8]) throws -> Void) {
    self.name = name
    self.run = run
  }

  package static let all: [FuzzTarget] = [
    .httpRequest, .httpResponse, .frameHeader, .webSocket, .utf8, .inflate, .gzip, .handshake, .extensions, .json,
    .clientMessage, .percentEncoding, .webToken, .base64, .channelName, .identifiers, .decimals, .texts, .instants,
    .eventStream,
  ]
}

/// What an oracle found wrong.
package struct FuzzFailure: Error, CustomStringConvertible {
  package let description: String
}

/// Throws unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(FuzzFailure) {
  guard condition else { throw FuzzFailure(description: message()) }
}

/// Throws unless both are equal; says what they are.
func requireEqual<Value: Equatable>(_ left: Value, _ right: Value, _ message: String) throws(FuzzFailure) {
  guard left == right else { throw FuzzFailure(description: "\(message):\n  \(left)\n  \(right)") }
}
