// The file with the key: made once, private, agreed on by whoever starts together.
import Crypto
import Foundation
import TestSupport
import Testing

@testable import Hub

@Suite struct SecretTests {
  /// Keys cannot be looked into; two are the same when they sign alike.
  private func code(_ key: HMACKey) -> [UInt8] {
    let code = key.authenticationCode(for: Array("message".utf8).span.bytes)
    return code.indices.map { code[$0] }
  }

  @Test func theFirstStartMakesTheKeyAndLaterOnesReadIt() throws {
    let folder = try TestFolder.make("secret")
    let path = "\(folder)/deep/er/secret"
    let first = code(try Secret.key(at: path, creating: true))
    #expect(code(try Secret.key(at: path, creating: true)) == first)
    let bytes = try #require(readFile(path))
    #expect(bytes.count == 32)
    #expect(first == code(HMACKey(bytes.span.bytes)))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/deep/er") == ["secret"])
  }

  @Test func onlyItsOwnerMayReadTheKey() throws {
    let path = "\(try TestFolder.make("secret"))/secret"
    _ = try Secret.key(at: path, creating: true)
    let mode = try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    #expect(mode == 0o600)
  }

  @Test func whoeverOnlyReadsTheKeyMakesNone() throws {
    let path = "\(try TestFolder.make("secret"))/secret"
    #expect(throws: SecretError.self) { _ = try Secret.key(at: path) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func twoHubsHaveTwoKeys() throws {
    let folder = try TestFolder.make("secret")
    let codes = try ["a", "b"].map { code(try Secret.key(at: "\(folder)/\($0)", creating: true)) }
    #expect(codes[0] != codes[1])
  }

  @Test func whoeverStartsTogetherAgreesOnOneKey() throws {
    let folder = try TestFolder.make("secret")
    for round in 0..<20 {
      let path = "\(folder)/\(round)/secret"
      let codes = SharedCodes()
      try runConcurrently(6) { _ in codes.add(self.code(try Secret.key(at: path, creating: true))) }
      #expect(codes.all.count == 6 && Set(codes.all).count == 1, "round \(round)")
    }
  }

  @Test func aKeyThatIsTooShortOrCannotBeReadIsAnError() throws {
    let folder = try TestFolder.make("secret")
    #expect(FileManager.default.createFile(atPath: "\(folder)/short", contents: Data(count: 31)))
    #expect(throws: SecretError.self) { _ = try Secret.key(at: "\(folder)/short") }
    #expect(throws: SecretError.self) { _ = try Secret.key(at: folder) }
    #expect(throws: (any Error).self) { _ = try Secret.key(at: "\(folder)/short/below/secret") }
  }

  @Test func aKeyThatIsLongerIsTakenAsItIs() throws {
    let path = "\(try TestFolder.make("secret"))/secret"
    let bytes = (0..<64).map { UInt8($0) }
    #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    #expect(code(try Secret.key(at: path, creating: true)) == code(HMACKey(bytes.span.bytes)))
  }
}

private final class SharedCodes: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var codes: [[UInt8]] = []

  func add(_ code: [UInt8]) { lock.withLock { codes.append(code) } }

  var all: [[UInt8]] { lock.withLock { codes } }
}
