// The key that tokens are signed with: 32 random bytes in a file that only its owner may read.
package import Crypto
import EventLoop
import Glibc

package struct SecretError: Error, CustomStringConvertible {
  package let description: String
}

package enum Secret {
  private static let bytes = 32

  /// Reads the key; a hub makes it when there is none. Two processes that start together agree on one.
  package static func key(at path: String, creating: Bool = false) throws -> HMACKey {
    if access(path, F_OK) != 0 {
      guard creating else {
        throw SecretError(description: "there is no secret at \(path); a hub makes it at its first start")
      }
      try create(path)
    }
    guard let secret = readFile(path), secret.count >= bytes else {
      throw SecretError(description: "the secret at \(path) cannot be read or is shorter than \(bytes) bytes")
    }
    return HMACKey(secret.span.bytes)
  }

  private static func create(_ path: String) throws {
    if let slash = path.lastIndex(of: "/") { makeFolders(String(path[..<slash])) }
    // Not the process id: in containers many have the same, also the one that was killed halfway.
    let temporary = "\(path).\(SecureRandom.bytes(count: 8).map { String($0, radix: 16) }.joined())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError(call: "open \(temporary)") }
    let secret = SecureRandom.bytes(count: bytes)
    let written = write(descriptor, secret, secret.count)
    fsync(descriptor)
    close(descriptor)
    // link fails if another process was first; then its secret is the one.
    if written == secret.count { link(temporary, path) }
    unlink(temporary)
  }

  private static func makeFolders(_ path: String) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      mkdir(made, 0o755)
    }
  }
}
