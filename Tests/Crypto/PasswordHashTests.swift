// Argon2id with the least cost that libsodium allows, since the tests are about the rules and not about the cost.
import Crypto
import Testing

struct PasswordHashTests {
  static func hasher() throws -> PasswordHasher { try PasswordHasher(operations: 1, memoryBytes: 8192) }

  @Test func `A password is verified by its own hash only`() throws {
    let hasher = try PasswordHashTests.hasher()
    let hash = try hasher.hash("demo-demo-demo")
    #expect(hash.hasPrefix("$argon2id$v=19$m=8,t=1,p=1$"))
    #expect(hasher.verify("demo-demo-demo", against: hash))
    #expect(!hasher.verify("demo-demo-dem", against: hash))
    #expect(!hasher.verify("", against: hash))
    #expect(!hasher.verify("demo-demo-demo\u{0}", against: hash))
  }

  @Test func `RFC 9106, a hash made elsewhere is verified`() throws {
    // Made by the reference implementation: `password`, salt `somesalt`, t=2, m=64 KiB, p=1.
    let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    #expect(try PasswordHashTests.hasher().verify("password", against: hash))
    #expect(try !PasswordHashTests.hasher().verify("Password", against: hash))
  }

  @Test func `Two hashes of a password differ by their salts`() throws {
    let hasher = try PasswordHashTests.hasher()
    #expect(try hasher.hash("same") != hasher.hash("same"))
  }

  @Test func `A password may be any text`() throws {
    let hasher = try PasswordHashTests.hasher()
    for password in ["", "пароль", "a\u{0}b", String(repeating: "long", count: 1_000)] {
      #expect(hasher.verify(password, against: try hasher.hash(password)))
    }
    #expect(!hasher.verify("a", against: try hasher.hash("a\u{0}b")))
  }

  @Test(arguments: [nil, "", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "\u{0}"])
  func `No account and a broken hash verify nothing`(hash: String?) throws {
    let hasher = try PasswordHashTests.hasher()
    #expect(!hasher.verify("", against: hash))
    #expect(!hasher.verify("anything", against: hash))
  }

  @Test func `An account that does not exist costs as much as one that does`() throws {
    let hasher = try PasswordHasher(operations: 3, memoryBytes: 8 << 20)
    let hash = try hasher.hash("right")
    let clock = ContinuousClock()
    let known = (0..<5).map { _ in clock.measure { _ = hasher.verify("wrong", against: hash) } }.min() ?? .zero
    let unknown = (0..<5).map { _ in clock.measure { _ = hasher.verify("wrong", against: nil) } }.min() ?? .zero
    #expect(unknown > known / 3, "a quick refusal tells that there is no such account")
  }

  @Test func `A hash of another cost asks to be made anew`() throws {
    let hash = try PasswordHashTests.hasher().hash("demo")
    #expect(try !PasswordHashTests.hasher().needsRehash(hash))
    #expect(try PasswordHasher(operations: 2, memoryBytes: 8192).needsRehash(hash))
  }

  @Test func `A cost outside the algorithm's range is refused`() {
    #expect(throws: PasswordHashError.outOfMemory) { try PasswordHasher(operations: 0, memoryBytes: 8192) }
    #expect(throws: PasswordHashError.outOfMemory) { try PasswordHasher(operations: 1, memoryBytes: 1) }
  }
}
