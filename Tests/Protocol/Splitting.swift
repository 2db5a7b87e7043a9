// Ways to cut a byte sequence: a decoder must give the same events however the network cuts its input.

enum Splitting {
  /// Whole, byte by byte, and, for what is short, every cut in two.
  static func ways(_ bytes: [UInt8]) -> [[[UInt8]]] {
    var ways = [[bytes], bytes.map { [$0] }]
    if bytes.count <= 300 {
      for index in 1..<max(1, bytes.count) { ways.append([Array(bytes[..<index]), Array(bytes[index...])]) }
    }
    return ways
  }
}

/// Bytes from hexadecimal digits, spaces ignored.
func hex(_ text: String) -> [UInt8] {
  let digits = text.utf8.filter { $0 != 0x20 }.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
