// Masking (RFC 6455 §5.3): payload byte i is XORed with key byte i mod 4; the same act masks and unmasks.
// In the same pass it is found out whether all bytes are ASCII, since that is what nearly every text message is and it
// spares the UTF-8 validation.

package enum WebSocketMask {
  /// XORs `count` bytes with `key`, 32 at a time, and says whether the result is ASCII only.
  ///
  /// `key` is as it lies in memory and already turned so that its lowest byte belongs to the first byte here.
  @inlinable @inline(__always)
  package static func apply(_ key: UInt32, to memory: UnsafeMutableRawPointer, count: Int) -> Bool {
    let key64 = UInt64(key.littleEndian) << 32 | UInt64(key.littleEndian)
    // Lanes of 64 bits: Swift 6.3 turns logic on 32 lanes of 8 bits into a loop over single bytes.
    let wide = SIMD4<UInt64>(repeating: key64)
    var highBits = SIMD4<UInt64>(repeating: 0)
    var offset = 0
    while count &- offset >= 32 {
      let block = memory.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self) ^ wide
      memory.storeBytes(of: block, toByteOffset: offset, as: SIMD4<UInt64>.self)
      highBits |= block
      offset &+= 32
    }
    var seen = (highBits[0] | highBits[1]) | (highBits[2] | highBits[3])
    while count &- offset >= 8 {
      let word = memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ key64
      memory.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      seen |= word
      offset &+= 8
    }
    var rest = key
    while offset < count {
      let byte = memory.load(fromByteOffset: offset, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
      memory.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      seen |= UInt64(byte)
      rest = rest >> 8 | rest << 24
      offset &+= 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  /// Whether `count` bytes are all ASCII.
  @inlinable @inline(__always)
  package static func isASCII(_ memory: UnsafeRawPointer, count: Int) -> Bool {
    var highBits = SIMD4<UInt64>(repeating: 0)
    var offset = 0
    while count &- offset >= 32 {
      highBits |= memory.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
      offset &+= 32
    }
    var seen = (highBits[0] | highBits[1]) | (highBits[2] | highBits[3])
    while count &- offset >= 8 {
      seen |= memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < count {
      seen |= UInt64(memory.load(fromByteOffset: offset, as: UInt8.self))
      offset &+= 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  /// The key for the payload's rest after `byteCount` bytes were masked with `key`.
  @inlinable
  package static func turned(_ key: UInt32, by byteCount: Int) -> UInt32 {
    let bits = UInt32(truncatingIfNeeded: byteCount & 3) &* 8
    return bits == 0 ? key : key &>> bits | key &<< (32 &- bits)
  }
}
