// One case of the table: a number as the Autobahn test suite has it, and a script of what is written and what must come
// back, in that order and nothing beside it. After the last step the hub must end the stream.

struct WireCase: Sendable, CustomStringConvertible {
  let number: String
  /// Made when the case runs: some hold 16 MiB.
  let steps: @Sendable () -> [Step]

  var description: String { number }

  init(_ number: String, _ steps: @escaping @Sendable () -> [Step]) {
    self.number = number
    self.steps = steps
  }

  init(_ number: String, _ steps: [Step]) { self.init(number) { steps } }

  enum Step: Sendable {
    /// These bytes in one write.
    case write([UInt8])
    /// These bytes in writes of so many.
    case chop([UInt8], by: Int)
    /// This is the next thing that comes.
    case expect(Heard)
    /// The hub closes with one of these codes, of which 1005 is none, and ends the stream.
    case expectClose([Int])
    /// Nothing comes for a moment: the hub waits for the rest.
    case expectSilence
  }

  /// What a peer can hear.
  enum Heard: Sendable, Equatable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(Int)
    case end
  }
}

extension WireCase.Heard: CustomStringConvertible {
  var description: String {
    switch self {
    case .text(let bytes): "text of \(bytes.count) bytes \(Self.start(of: bytes))"
    case .binary(let bytes): "binary of \(bytes.count) bytes \(Self.start(of: bytes))"
    case .ping(let bytes): "ping \(Self.start(of: bytes))"
    case .pong(let bytes): "pong \(Self.start(of: bytes))"
    case .close(let code): "close \(code)"
    case .end: "the end of the stream"
    }
  }

  private static func start(of bytes: [UInt8]) -> String {
    let hex = bytes.prefix(24).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return "<\(hex)\(bytes.count > 24 ? "…" : "")>"
  }
}

extension [WireCase.Step] {
  /// Writes all of it at once.
  static func all(_ frames: [[UInt8]]) -> Self { [.write(frames.reduce(into: []) { $0 += $1 })] }

  /// Writes frame by frame.
  static func each(_ frames: [[UInt8]]) -> Self { frames.map { .write($0) } }

  /// Writes byte by byte.
  static func bytewise(_ frames: [[UInt8]]) -> Self { frames.map { .chop($0, by: 1) } }

  /// The same message comes back, then both sides close.
  func echoed(_ message: WireCase.Heard...) -> Self {
    self + message.map { .expect($0) } + [.write(Frames.close(1000)), .expectClose([1000])]
  }

  /// After these answers the hub fails the connection.
  func fails(_ code: Int, after messages: WireCase.Heard...) -> Self {
    self + messages.map { .expect($0) } + [.expectClose([code])]
  }

  func closes(_ codes: Int..., after messages: WireCase.Heard...) -> Self {
    self + messages.map { .expect($0) } + [.expectClose(codes)]
  }
}

extension WireCase.Heard {
  static func text(_ text: String) -> Self { .text(Array(text.utf8)) }
  static func pong(_ text: String) -> Self { .pong(Array(text.utf8)) }
}
