// The client's side of TLS for tests, on a non-blocking descriptor, straight on OpenSSL's C interface and without the
// hub's own Crypto: what the hub gets wrong must show. Each call is one step; RawSocket waits in between.
import COpenSSL
import Foundation
import Glibc

/// What a client wants of a connection.
package struct TLSWish {
  /// PEM file of the authority that the server's certificate must come from; nil: any certificate will do.
  package var authority: String?
  /// The host name that is asked for and checked; nil: none is.
  package var serverName: String? = "localhost"
  /// The only version offered, such as TLS1_2_VERSION.
  package var version: Int32?
  /// Offered by ALPN.
  package var protocols: [String] = []
  /// OpenSSL's list, for TLS 1.2 and older.
  package var ciphers: String?
  package var certificate: CertificateFiles?
  package var ticket: TLSTicket?

  package init(authority: String? = nil) { self.authority = authority }

  /// The same wish with something changed.
  package func with(_ change: (inout TLSWish) -> Void) -> TLSWish {
    var copy = self
    change(&copy)
    return copy
  }
}

/// A session that a server let the client take up again.
package struct TLSTicket: Sendable {
  // As bytes: OpenSSL marks its own objects as used up after one resumption.
  fileprivate let bytes: [UInt8]

  fileprivate init?(_ session: OpaquePointer?) {
    let length = Int(i2d_SSL_SESSION(session, nil))
    guard let session, length > 0 else { return nil }
    bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      var position = buffer.baseAddress
      count = Int(i2d_SSL_SESSION(session, &position))
    }
  }
}

package final class TLSClient {
  package enum Step: Equatable {
    case done(Int)
    case wantsToRead
    case wantsToWrite
    /// close_notify came.
    case ended
    case failed(String)
  }

  private let pointer: OpaquePointer
  private let context: OpaquePointer
  private let descriptor: Int32
  private var sentTicket: TLSTicket?

  /// The descriptor stays the caller's to close.
  package init(_ wish: TLSWish, on descriptor: Int32) throws {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    guard let context = SSL_CTX_new(TLS_client_method()), let pointer = SSL_new(context) else {
      throw SupportError("OpenSSL has no memory")
    }
    self.context = context
    self.pointer = pointer
    self.descriptor = descriptor
    // For versions and ciphers that are asked for in order to be refused.
    SSL_set_security_level(pointer, 0)
    if let version = wish.version {
      _ = SSL_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
      _ = SSL_ctrl(pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
    }
    if let ciphers = wish.ciphers, SSL_set_cipher_list(pointer, ciphers) != 1 {
      throw SupportError("no such ciphers: \(ciphers)")
    }
    if let authority = wish.authority {
      guard SSL_CTX_load_verify_locations(context, authority, nil) == 1 else {
        throw SupportError("no authority in \(authority)")
      }
      SSL_set_verify(pointer, SSL_VERIFY_PEER, nil)
      if let name = wish.serverName { SSL_set1_host(pointer, name) }
    }
    if let name = wish.serverName {
      name.withCString {
        _ = SSL_ctrl(
          pointer, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: $0))
      }
    }
    let protocols = wish.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    if !protocols.isEmpty { SSL_set_alpn_protos(pointer, protocols, UInt32(protocols.count)) }
    if let files = wish.certificate {
      guard SSL_use_certificate_chain_file(pointer, files.certificate) == 1,
        SSL_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1
      else { throw SupportError("the certificate \(files.certificate) cannot be used") }
    }
    if let ticket = wish.ticket {
      let session = ticket.bytes.withUnsafeBufferPointer {
        var position = $0.baseAddress
        return d2i_SSL_SESSION(nil, &position, $0.count)
      }
      SSL_set_session(pointer, session)
      SSL_SESSION_free(session)
    }
    // Tickets of TLS 1.3 come after the handshake, any number of them.
    SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
    let mode = Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL)
    _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, mode, nil)
    SSL_CTX_sess_set_new_cb(context) { pointer, session in
      guard let raw = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(pointer), 0) else { return 0 }
      Unmanaged<TLSClient>.fromOpaque(raw).takeUnretainedValue().sentTicket = TLSTicket(session)
      return 0
    }
    SSL_set_fd(pointer, descriptor)
    SSL_set_connect_state(pointer)
  }

  deinit {
    SSL_free(pointer)
    SSL_CTX_free(context)
  }

  package func handshake() -> Step {
    ERR_clear_error()
    let result = SSL_do_handshake(pointer)
    return result == 1 ? .done(0) : step(result)
  }

  /// One read into `chunk`.
  package func receive(into chunk: inout [UInt8]) -> Step {
    ERR_clear_error()
    var count = 0
    let result = chunk.withUnsafeMutableBytes { SSL_read_ex(pointer, $0.baseAddress, $0.count, &count) }
    return result == 1 ? .done(count) : step(0)
  }

  /// One write; when the socket does not take it, the same bytes must be offered again.
  package func send(_ bytes: ArraySlice<UInt8>) -> Step {
    ERR_clear_error()
    _ = SSL_ctrl(
      pointer, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
    var count = 0
    let result = bytes.withUnsafeBytes { SSL_write_ex(pointer, $0.baseAddress, $0.count, &count) }
    return result == 1 ? .done(count) : step(0)
  }

  /// Says close_notify; the answer to it may be read on for.
  package func shutdown() { _ = SSL_shutdown(pointer) }

  /// Sends a key update that asks the server for its own (RFC 8446 §4.6.3).
  package func updateKeys() -> Step {
    ERR_clear_error()
    guard SSL_key_update(pointer, SSL_KEY_UPDATE_REQUESTED) == 1 else { return .failed(reason()) }
    return handshake()
  }

  private func step(_ result: Int32) -> Step {
    switch SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ: return .wantsToRead
    case SSL_ERROR_WANT_WRITE: return .wantsToWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL: return .failed("the stream broke")
    default: return .failed(reason())
    }
  }

  private func reason() -> String {
    let code = ERR_peek_error()
    return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
  }
}

/// What was agreed on.
extension TLSClient {
  package var version: String { String(cString: SSL_get_version(pointer)) }
  package var cipher: String { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(pointer))) }
  package var isResumed: Bool { SSL_session_reused(pointer) == 1 }

  /// How many certificates the server sent.
  package var chainLength: Int { Int(OPENSSL_sk_num(SSL_get_peer_cert_chain(pointer))) }

  /// The newest ticket that the server sent. Before TLS 1.3 it came in the handshake.
  package var ticket: TLSTicket? {
    version == "TLSv1.3" ? sentTicket : TLSTicket(SSL_get_session(pointer))
  }

  /// The protocol that the server chose by ALPN.
  package var chosenProtocol: String? {
    var name: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    SSL_get0_alpn_selected(pointer, &name, &length)
    guard let name, length > 0 else { return nil }
    return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
  }

  /// The common name of the server's certificate, by which tests tell them apart.
  package var serverCommonName: String {
    guard let certificate = SSL_get0_peer_certificate(pointer) else { return "" }
    var text = [CChar](repeating: 0, count: 256)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
