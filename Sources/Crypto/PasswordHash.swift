// Password hashes: Argon2id by libsodium (RFC 9106), as the self-describing string `$argon2id$v=19$m=…,t=…,p=1$…`. One
// hash takes tens of milliseconds and tens of megabytes on purpose: call it off the event loops, and bound how many run
// at once. A missing account is verified against a dummy, so that the answer's time does not tell (domain.md §1).
import CSodium

/// The library or the machine could not make a hash.
package enum PasswordHashError: Error, Hashable, Sendable {
  case unavailable
  /// Not enough memory for the settings, or settings outside the algorithm's range.
  case outOfMemory
}

/// Makes and checks hashes with one setting of cost.
package struct PasswordHasher: Sendable {
  package let operations: UInt64
  package let memoryBytes: Int
  /// A hash of the same cost that no known password has.
  private let dummy: String

  /// libsodium's interactive setting unless given: 2 passes over 64 MiB.
  package init(
    operations: UInt64 = UInt64(crypto_pwhash_opslimit_interactive()),
    memoryBytes: Int = crypto_pwhash_memlimit_interactive()
  ) throws(PasswordHashError) {
    guard PasswordHasher.isReady else { throw .unavailable }
    self.operations = operations
    self.memoryBytes = memoryBytes
    let secret = Base64URL.encode(SecureRandom.bytes(count: 32).span.bytes)
    dummy = try PasswordHasher.hash(secret, operations: operations, memoryBytes: memoryBytes)
  }

  /// A new hash with a salt of its own.
  package func hash(_ password: String) throws(PasswordHashError) -> String {
    try PasswordHasher.hash(password, operations: operations, memoryBytes: memoryBytes)
  }

  /// Whether the password made this hash; nil, for an account that does not exist, takes as long and is false.
  package func verify(_ password: String, against hash: String?) -> Bool {
    let matches = PasswordHasher.matches(password, hash ?? dummy)
    return matches && hash != nil
  }

  /// Whether the hash was made with another cost, so that it should be made anew at the next sign-in.
  package func needsRehash(_ hash: String) -> Bool {
    crypto_pwhash_str_needs_rehash(hash, operations, memoryBytes) != 0
  }

  // Safe to call again and from any thread; 1 means that somebody else did.
  private static let isReady = sodium_init() >= 0

  private static func hash(
    _ password: String, operations: UInt64, memoryBytes: Int
  ) throws(PasswordHashError) -> String {
    var text = [CChar](repeating: 0, count: crypto_pwhash_strbytes())
    let password = password.utf8.map { CChar(bitPattern: $0) }
    guard crypto_pwhash_str(&text, password, UInt64(password.count), operations, memoryBytes) == 0 else {
      throw .outOfMemory
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func matches(_ password: String, _ hash: String) -> Bool {
    let password = password.utf8.map { CChar(bitPattern: $0) }
    return crypto_pwhash_str_verify(hash, password, UInt64(password.count)) == 0
  }
}
