// HMAC-SHA256 (RFC 2104, FIPS 198-1), by OpenSSL. The key schedule is done once a key; each message works on a copy of
// that context, so one key serves all threads and a short message costs about two blocks of SHA-256.
import COpenSSL

/// A key for HMAC-SHA256; its bytes live only inside OpenSSL, which wipes them.
package final class HMACKey: Sendable {
  // Only ever read after init: EVP_MAC_CTX_dup takes it as const.
  nonisolated(unsafe) private let template: OpaquePointer

  package init(_ key: borrowing RawSpan) {
    template = HMACKey.makeTemplate(key)
  }

  deinit {
    EVP_MAC_CTX_free(template)
  }

  /// The 32-byte authentication code of a whole message.
  package func authenticationCode(for message: borrowing RawSpan) -> InlineArray<32, UInt8> {
    let context = MACContext(copyOf: template)
    var code = InlineArray<32, UInt8>(repeating: 0)
    context.finish(message, into: &code)
    return code
  }

  /// Whether the code belongs to the message, without telling by its time how much of it is right.
  package func isValid(_ code: borrowing RawSpan, for message: borrowing RawSpan) -> Bool {
    constantTimeEqual(code, authenticationCode(for: message).span.bytes)
  }

  private static func makeTemplate(_ key: borrowing RawSpan) -> OpaquePointer {
    guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil), let context = EVP_MAC_CTX_new(algorithm) else {
      preconditionFailure("OpenSSL has no HMAC")
    }
    EVP_MAC_free(algorithm)
    let done = key.withUnsafeBytes { key in
      hub_hmac_sha256_init(context, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count)
    }
    precondition(done == 1, "OpenSSL could not set an HMAC key")
    return context
  }
}

/// One computation; owns its context.
private struct MACContext: ~Copyable {
  private let pointer: OpaquePointer

  init(copyOf template: OpaquePointer) {
    guard let copy = EVP_MAC_CTX_dup(template) else { preconditionFailure("OpenSSL has no memory") }
    pointer = copy
  }

  deinit {
    EVP_MAC_CTX_free(pointer)
  }

  func finish(_ message: borrowing RawSpan, into code: inout InlineArray<32, UInt8>) {
    var written = 0
    let done = message.withUnsafeBytes { message in
      var output = code.mutableSpan
      return output.withUnsafeMutableBufferPointer { output in
        EVP_MAC_update(pointer, message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count) == 1
          && EVP_MAC_final(pointer, output.baseAddress, &written, output.count) == 1
      }
    }
    precondition(done && written == 32, "OpenSSL could not compute an HMAC")
  }
}
