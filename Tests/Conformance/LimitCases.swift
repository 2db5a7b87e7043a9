// Groups 9 and 10 of the Autobahn test suite in our own words: messages up to 16 MiB, up to 65,536 fragments, frames in
// small writes, many round trips. The limits are those of `hub echo`.

enum LimitCases {
  private static let mebibyte = 1 << 20
  private static let textPattern: [UInt8] = Array("BAsd7&jh23".utf8)
  private static let binaryPattern: [UInt8] = [0x00, 0xFE, 0x23, 0xFA, 0xF0]

  /// One frame of 64 KiB to 16 MiB.
  static let sizes: [WireCase] = both("9.1", "9.2") { name, opcode in
    zip(1..., [64 << 10, 256 << 10, mebibyte, 4 * mebibyte, 8 * mebibyte, 16 * mebibyte]).map { number, byteCount in
      WireCase("\(name).\(number)") {
        let payload = Frames.repeated(opcode == 1 ? textPattern : binaryPattern, byteCount: byteCount)
        return .all([Frames.frame(opcode, payload)]).echoed(heard(opcode, payload))
      }
    }
  }

  /// 4 MiB in fragments of 64 bytes to 4 MiB.
  static let fragments: [WireCase] = both("9.3", "9.4") { name, opcode in
    (0..<9).map { step in
      WireCase("\(name).\(step + 1)") {
        let payload = [UInt8](repeating: opcode == 1 ? 0x2A : 0xFE, count: 4 * mebibyte)
        return Frames.equalFragments(opcode, payload, size: 64 << (2 * step)).echoed(heard(opcode, payload))
      }
    }
  }

  /// A frame of 1 MiB in writes of 64 to 2,048 bytes.
  static let chops: [WireCase] = both("9.5", "9.6") { name, opcode in
    (0..<6).map { step in
      WireCase("\(name).\(step + 1)") {
        let payload = Frames.repeated(opcode == 1 ? textPattern : binaryPattern, byteCount: mebibyte)
        let steps: [WireCase.Step] = [.chop(Frames.frame(opcode, payload), by: 64 << step)]
        return steps.echoed(heard(opcode, payload))
      }
    }
  }

  /// A thousand messages one after the other, each of 0 to 4,096 bytes.
  static let roundTrips: [WireCase] = both("9.7", "9.8") { name, opcode in
    zip(1..., [0, 16, 64, 256, 1024, 4096]).map { number, byteCount in
      WireCase("\(name).\(number)") {
        let payload = [UInt8](repeating: opcode == 1 ? 0x2A : 0xFE, count: byteCount)
        let frame = Frames.frame(opcode, payload)
        let trip: [WireCase.Step] = [.write(frame), .expect(heard(opcode, payload))]
        return Array(repeating: trip, count: 1000).flatMap { $0 }.echoed()
      }
    }
  }

  /// A text that its sender cut into fragments of 1,300 bytes by itself.
  static let automatic: [WireCase] = [
    WireCase("10.1.1") {
      let payload = [UInt8](repeating: 0x2A, count: 65_536)
      return .all(Frames.fragments(1, payload, size: 1300)).echoed(.text(payload))
    }
  ]

  private static func both(_ text: String, _ binary: String, _ cases: (String, UInt8) -> [WireCase]) -> [WireCase] {
    cases(text, 1) + cases(binary, 2)
  }

  private static func heard(_ opcode: UInt8, _ payload: [UInt8]) -> WireCase.Heard {
    opcode == 1 ? .text(payload) : .binary(payload)
  }
}

extension Frames {
  /// A payload of one byte over and over in fragments of `size`, which divides it, in one write.
  static func equalFragments(_ opcode: UInt8, _ payload: [UInt8], size: Int) -> [WireCase.Step] {
    let part = Array(payload[..<size])
    let count = payload.count / size
    guard count > 1 else { return [.write(frame(opcode, payload))] }
    let middle = frame(0, part, isFinal: false)
    return [
      .write(
        frame(opcode, part, isFinal: false) + repeated(middle, byteCount: middle.count * (count - 2)) + frame(0, part))
    ]
  }
}
