// What services may use besides the database: who makes tokens, ids and password hashes. Sendable, so a request carries it.
package import Crypto
package import Domain
package import EventLoop
import Synchronization

package struct Services: Sendable {
  package let tokens: TokenIssuer
  package let passwords: PasswordWorker

  package init(tokens: TokenIssuer, passwords: PasswordWorker) {
    self.tokens = tokens
    self.passwords = passwords
  }

  /// A fresh UUIDv7.
  package func newIdentifier() -> Identifier { .fresh() }

  /// Seconds since 1970.
  package var now: Int64 { wallClockMicroseconds() / 1_000_000 }
}

extension Identifier {
  /// A new UUIDv7 by this machine's clock.
  package static func fresh() -> Identifier {
    version7(milliseconds: UInt64(wallClockMicroseconds() / 1000), random: SecureRandom.pooledWords())
  }
}

/// Hashes and checks passwords on a thread of its own: one check costs tens of milliseconds of CPU, which no reactor has.
package actor PasswordWorker {
  /// Checks that may wait; more are refused, since the last would wait for seconds.
  private static let maximumWaiting = 64

  private nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private let hasher: PasswordHasher
  private nonisolated let waiting = Atomic<Int>(0)

  /// `loop` must be started and belongs to this worker.
  package init(loop: EventLoop, hasher: PasswordHasher) {
    self.loop = loop
    self.hasher = hasher
  }

  package func hash(_ password: String) throws(PasswordHashError) -> String { try hasher.hash(password) }

  /// Whether the password made the hash; without a hash it takes as long and is false. 429 when too many wait.
  package nonisolated func verify(_ password: String, against hash: String?) async throws(Problem) -> Bool {
    defer { waiting.subtract(1, ordering: .relaxed) }
    guard waiting.add(1, ordering: .relaxed).newValue <= Self.maximumWaiting else {
      throw Problem(
        429, "too_many_sign_ins", "Many people sign in just now; try again in a moment.",
        headers: [("Retry-After", "2")])
    }
    return await check(password, hash)
  }

  private func check(_ password: String, _ hash: String?) -> Bool { hasher.verify(password, against: hash) }
}
