// The keys that session tickets are sealed with (RFC 8446 §4.6.1, RFC 5077). All contexts of a process share them, so a
// ticket is good on every reactor, for every certificate, and after certificates were read anew. They are never written
// anywhere. A key seals for two hours and opens for two more, as long as a ticket lives: an attacker who takes the
// process's memory learns no session that is older.
import COpenSSL
import Glibc
import Synchronization

package final class TLSTicketKeys: Sendable {
  /// How long a ticket may be used, and how long a key seals, in seconds.
  package static let lifetime = 2 * 3600

  struct Key {
    let name: InlineArray<16, UInt8>
    let cipher: InlineArray<32, UInt8>
    let code: InlineArray<32, UInt8>
    let madeAt: Int

    init(at second: Int) {
      name = SecureRandom.bytes()
      cipher = SecureRandom.bytes()
      code = SecureRandom.bytes()
      madeAt = second
    }
  }

  private struct Ring {
    var current: Key
    var previous: Key?
  }

  private let ring: Mutex<Ring>
  private let clock: @Sendable () -> Int

  /// `clock` answers seconds that never go back.
  package init(clock: @escaping @Sendable () -> Int = monotonicSeconds) {
    self.clock = clock
    ring = Mutex(Ring(current: Key(at: clock()), previous: nil))
  }

  /// The key that seals now.
  func current() -> Key {
    let now = clock()
    return ring.withLock { ring in
      Self.turn(&ring, now)
      return ring.current
    }
  }

  /// The key of that name, and whether a fresh ticket should replace the one that it opens; nil when it is gone.
  func key(named name: borrowing RawSpan) -> (key: Key, isOld: Bool)? {
    let now = clock()
    return ring.withLock { ring in
      Self.turn(&ring, now)
      if constantTimeEqual(name, ring.current.name.span.bytes) { return (ring.current, false) }
      guard let previous = ring.previous, constantTimeEqual(name, previous.name.span.bytes) else { return nil }
      return (previous, true)
    }
  }

  private static func turn(_ ring: inout Ring, _ now: Int) {
    let age = now - ring.current.madeAt
    guard age >= lifetime else { return }
    ring.previous = age < 2 * lifetime ? ring.current : nil
    ring.current = Key(at: now)
  }
}

/// Seconds of the monotonic clock.
package func monotonicSeconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec
}

/// OpenSSL's call when it seals (`isEncrypting` 1) or opens a ticket. 0: not ours, make a full handshake; 1: go on;
/// 2: go on and give a fresh ticket; -1: broken.
func sealTicket(
  _ session: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ vector: UnsafeMutablePointer<UInt8>?,
  _ cipher: OpaquePointer?, _ code: OpaquePointer?, _ isEncrypting: Int32
) -> Int32 {
  guard let session, let name, let vector,
    let context = SSL_get_SSL_CTX(session), let raw = SSL_CTX_get_ex_data(context, 0)
  else { return -1 }
  let keys = Unmanaged<TLSTicketKeys>.fromOpaque(raw).takeUnretainedValue()
  let key: TLSTicketKeys.Key
  var answer: Int32 = 1
  if isEncrypting == 1 {
    key = keys.current()
    for index in key.name.indices { name[index] = key.name[index] }
    guard RAND_bytes(vector, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 else { return -1 }
  } else {
    guard let found = keys.key(named: UnsafeRawBufferPointer(start: name, count: 16).bytes) else { return 0 }
    key = found.key
    if found.isOld { answer = 2 }
  }
  var codeKey = key.code
  let done = key.cipher.span.withUnsafeBufferPointer { cipherKey in
    var code32 = codeKey.mutableSpan
    return code32.withUnsafeMutableBufferPointer { codeKey in
      hub_tls_key_ticket(
        cipher, code, vector, cipherKey.baseAddress, codeKey.baseAddress, codeKey.count, isEncrypting)
    }
  }
  return done == 1 ? answer : -1
}
