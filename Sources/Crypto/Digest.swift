// SHA-1 and SHA-256 (FIPS 180-4) of whole buffers, by OpenSSL. The algorithm is fetched once: OpenSSL 3's one-shot
// calls look it up by name on each call, which costs more than hashing a short message. SHA-1 is for the WebSocket
// handshake only (RFC 6455 §4.2.2), where it protects nothing.
import COpenSSL

package enum SHA1 {
  /// The 20-byte digest.
  package static func hash(_ bytes: borrowing RawSpan) -> InlineArray<20, UInt8> {
    var digest = InlineArray<20, UInt8>(repeating: 0)
    algorithm.hash(bytes, into: &digest)
    return digest
  }

  private static let algorithm = DigestAlgorithm(name: "SHA1")
}

package enum SHA256 {
  /// The 32-byte digest.
  package static func hash(_ bytes: borrowing RawSpan) -> InlineArray<32, UInt8> {
    var digest = InlineArray<32, UInt8>(repeating: 0)
    algorithm.hash(bytes, into: &digest)
    return digest
  }

  private static let algorithm = DigestAlgorithm(name: "SHA256")
}

/// An algorithm of the OpenSSL library, kept for the life of the process.
private struct DigestAlgorithm: Sendable {
  // An EVP_MD is immutable and counted atomically; any thread may use it.
  nonisolated(unsafe) private let pointer: OpaquePointer

  init(name: String) {
    // Only a broken installation of OpenSSL lacks these; no input reaches this.
    guard let pointer = EVP_MD_fetch(nil, name, nil) else { preconditionFailure("OpenSSL has no \(name)") }
    self.pointer = pointer
  }

  func hash<let size: Int>(_ bytes: borrowing RawSpan, into digest: inout InlineArray<size, UInt8>) {
    let done = bytes.withUnsafeBytes { input in
      var output = digest.mutableSpan
      return output.withUnsafeMutableBufferPointer { output in
        EVP_Digest(input.baseAddress, input.count, output.baseAddress, nil, pointer, nil)
      }
    }
    precondition(done == 1, "OpenSSL could not compute a digest")
  }
}
