// Ways to cut a byte sequence: a decoder must give the same events however the network cuts its input.

enum Splitting {
  /// Whole, byte by byte, and, for what is short, every cut in two.
  static func ways(_ bytes: [UInt8]) -> [[[UInt8]]] {
    bytes.count <= 300 ? [[bytes]] + everyWay(bytes) : [[bytes], bytes.map { [$0] }]
  }

  /// Byte by byte, and every cut in two.
  static func everyWay(_ bytes: [UInt8]) -> [[[UInt8]]] {
    [bytes.map { [$0] }]
      + (1..<max(1, bytes.count)).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
  }
}

/// Bytes from hexadecimal digits, spaces ignored.
func hex(_ text: String) -> [UInt8] {
  let digits = text.utf8.filter { $0 != 0x20 }.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
