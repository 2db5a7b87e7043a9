// Groups 1 to 5 of the Autobahn test suite, told as facts in our own words: frames of every length form, pings and pongs,
// reserved bits, reserved opcodes, fragments with control frames between them (RFC 6455 §5).

enum FramingCases {
  private static let hello = "Hello, world!"

  /// §5.2, §5.6: text and binary in every form of the length; the eighth of each in writes of 997 bytes.
  static let lengths: [WireCase] = [UInt8(1), 2].flatMap { opcode in
    zip(1..., [0, 125, 126, 127, 128, 65_535, 65_536, 65_536]).map { number, byteCount in
      WireCase("1.\(opcode).\(number)") {
        let payload = [UInt8](repeating: opcode == 1 ? 0x2A : 0xFE, count: byteCount)
        let frame = Frames.frame(opcode, payload)
        let steps: [WireCase.Step] = [number == 8 ? .chop(frame, by: 997) : .write(frame)]
        return steps.echoed(opcode == 1 ? .text(payload) : .binary(payload))
      }
    }
  }

  /// §5.5.2, §5.5.3.
  static let pings: [WireCase] = {
    let text = Array("Hello, world!".utf8)
    let binary: [UInt8] = [0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF]
    let longest = [UInt8](repeating: 0xFE, count: 125)
    let unasked = Frames.frame(10, Array("unsolicited pong payload".utf8))
    let ten = (0..<10).map { Array("payload-\($0)".utf8) }
    let tenPongs = ten.map { WireCase.Step.expect(.pong($0)) } + [.write(Frames.close(1000)), .expectClose([1000])]
    return [
      WireCase("2.1", .all([Frames.ping()]).echoed(.pong([]))),
      WireCase("2.2", .all([Frames.frame(9, text)]).echoed(.pong(text))),
      WireCase("2.3", .all([Frames.frame(9, binary)]).echoed(.pong(binary))),
      WireCase("2.4", .all([Frames.frame(9, longest)]).echoed(.pong(longest))),
      WireCase("2.5", .all([Frames.frame(9, longest + [0xFE])]).fails(1002)),
      WireCase("2.6", .bytewise([Frames.frame(9, longest)]).echoed(.pong(longest))),
      WireCase("2.7", .all([Frames.frame(10)]).echoed()),
      WireCase("2.8", .all([unasked]).echoed()),
      WireCase("2.9", .all([unasked, Frames.ping("ping payload")]).echoed(.pong("ping payload"))),
      WireCase("2.10", .all(ten.map { Frames.frame(9, $0) }) + tenPongs),
      WireCase("2.11", .bytewise(ten.map { Frames.frame(9, $0) }) + tenPongs),
    ]
  }()

  /// §5.2: RSV1 to RSV3 without an extension; what came before is answered, the ping behind is not.
  static let reservedBits: [WireCase] = {
    func marked(_ opcode: UInt8, _ reserved: UInt8, _ payload: String = hello) -> [UInt8] {
      Frames.frame(opcode, Array(payload.utf8), reserved: reserved)
    }
    let text = Frames.text(hello)
    let ping = Frames.ping()
    return [
      WireCase("3.1", .all([marked(1, 1)]).fails(1002)),
      WireCase("3.2", .all([text, marked(1, 2), ping]).fails(1002, after: .text(hello))),
      WireCase("3.3", .each([text, marked(1, 3), ping]).fails(1002, after: .text(hello))),
      WireCase("3.4", .bytewise([text, marked(1, 4), ping]).fails(1002, after: .text(hello))),
      WireCase("3.5", .all([marked(2, 5)]).fails(1002)),
      WireCase("3.6", .all([marked(2, 6)]).fails(1002)),
      WireCase("3.7", .all([marked(8, 7, "")]).fails(1002)),
    ]
  }()

  /// §5.2: opcodes 3 to 7 (§5.6) and 11 to 15 (§5.5).
  static let opcodes: [WireCase] = zip(["4.1", "4.2"], [UInt8(3), 11]).flatMap { group, first in
    let text = Frames.text(hello)
    let ping = Frames.ping()
    func reserved(_ step: UInt8, _ payload: String = "") -> [UInt8] { Frames.frame(first + step, Array(payload.utf8)) }
    return [
      WireCase("\(group).1", .all([reserved(0)]).fails(1002)),
      WireCase("\(group).2", .all([reserved(1, "reserved opcode payload")]).fails(1002)),
      WireCase("\(group).3", .all([text, reserved(2), ping]).fails(1002, after: .text(hello))),
      WireCase("\(group).4", .all([text, reserved(3, hello), ping]).fails(1002, after: .text(hello))),
      WireCase("\(group).5", .bytewise([text, reserved(4, hello), ping]).fails(1002, after: .text(hello))),
    ]
  }
}
