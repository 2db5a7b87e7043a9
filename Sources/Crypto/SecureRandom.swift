// Randomness for ids, tokens and keys from OpenSSL's generator, and the comparison of secrets in constant time.
import COpenSSL
import Synchronization

package enum SecureRandom {
  /// That many random bytes as a fixed array: `let seed: InlineArray<10, UInt8> = SecureRandom.bytes()`.
  package static func bytes<let count: Int>() -> InlineArray<count, UInt8> {
    var bytes = InlineArray<count, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    span.withUnsafeMutableBufferPointer { fill($0) }
    return bytes
  }

  /// That many random bytes.
  package static func bytes(count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// 128 random bits for what need not stay secret, such as ids: drawn from the generator in portions, because a call of
  /// it costs most of a microsecond, whatever the number of bytes.
  package static func pooledWords() -> (UInt64, UInt64) {
    pool.withLock { words in
      // An even number, so that two are left whenever any is.
      if words.isEmpty { words = Self.words(count: 128) }
      return (words.removeLast(), words.removeLast())
    }
  }

  private static let pool = Mutex<[UInt64]>([])

  private static func words(count: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableBufferPointer(rebasing: buffer[..<count]).withMemoryRebound(to: UInt8.self) { fill($0) }
      initialized = count
    }
  }

  private static func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>) {
    guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
    // Predictable ids and tokens would be worse than no process at all.
    precondition(RAND_bytes(base, Int32(buffer.count)) == 1, "the random generator is not seeded")
  }
}

/// Whether two secrets are equal; the time depends on their lengths only.
package func constantTimeEqual(_ left: borrowing RawSpan, _ right: borrowing RawSpan) -> Bool {
  guard left.byteCount == right.byteCount else { return false }
  return left.withUnsafeBytes { left in
    right.withUnsafeBytes { right in
      guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
      return CRYPTO_memcmp(leftBase, rightBase, left.count) == 0
    }
  }
}
