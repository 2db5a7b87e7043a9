// The server's side of one TLS connection, on the connection's own non-blocking socket (so that the kernel can take over
// the encryption where it knows how). It answers as SystemCall.receive and send do; who drives it reads and writes the
// same way in clear and under TLS.
//
// 1. It is used by one thread. After a failure it is never called into OpenSSL again.
// 2. `receive` reads until the socket is empty or the buffer full, so its owner may be told of readiness once (EPOLLET);
//    when something waits inside all the same, `hasMore` says so.
// 3. Reading may have to write (a key update's answer): `wantsToWrite`; its owner then calls again once the socket is
//    writable. Writing never has to read: there is no renegotiation.
// 4. A record that the socket took only in part stays inside OpenSSL; `send` must then be offered the same bytes again,
//    and may be offered more (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER). That is what a send queue does anyway.
import COpenSSL
package import EventLoop
import Glibc

package final class TLSSession {
  /// What a step of the handshake came to.
  package enum Handshake: Equatable {
    case done
    /// Call again when the socket is ready.
    case waiting
    /// The peer's first byte is none of TLS; nothing of what it sent has been taken.
    case notTLS
    case failed(reason: String)
  }

  private let pointer: OpaquePointer
  private let descriptor: Int32
  /// Holds what OpenSSL's callbacks look at.
  private let context: TLSContext
  /// What the last read from the socket came to; OpenSSL's socket writes it.
  private let note: UnsafeMutablePointer<CChar>
  private var isFirstByteKnown = false
  /// It failed or was closed; OpenSSL is not called again.
  private var isOver = false
  package private(set) var isEstablished = false
  /// Something waits inside that no readiness will announce: call `receive` again.
  package private(set) var hasMore = false
  /// Call again when the socket is writable.
  package private(set) var wantsToWrite = false

  /// Reads that brought no byte of the application, after which another connection gets its turn. One takes up to 16 KiB
  /// of messages that carry nothing: six hundred key updates, some milliseconds.
  private static var fruitlessReads: Int { 2 }

  init(_ pointer: OpaquePointer, on descriptor: Int32, of context: TLSContext) {
    self.pointer = pointer
    self.descriptor = descriptor
    self.context = context
    note = .allocate(capacity: 1)
    note.initialize(to: 0)
    hub_tls_watch_reads(pointer, note)
    SSL_set_accept_state(pointer)
  }

  deinit {
    SSL_free(pointer)
    note.deallocate()
  }

  // MARK: Beginning

  package func handshake() -> Handshake {
    guard !isOver else { return .failed(reason: "it has failed already") }
    if !isFirstByteKnown {
      var first: UInt8 = 0
      switch peek(&first) {
      case .moved: isFirstByteKnown = true
      case .wouldBlock: return .waiting
      case .ended: return fail("the peer ended the connection")
      case .failed(let code): return fail(String(cString: strerror(code)))
      }
      // A handshake record (RFC 8446 §5.1).
      guard first == 0x16 else { return .notTLS }
    }
    wantsToWrite = false
    ERR_clear_error()
    let result = SSL_do_handshake(pointer)
    if result == 1 {
      isEstablished = true
      return .done
    }
    switch SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ:
      return .waiting
    case SSL_ERROR_WANT_WRITE:
      wantsToWrite = true
      return .waiting
    case SSL_ERROR_SSL:
      return fail(lastReason())
    default:
      return fail("the peer ended the connection")
    }
  }

  private func fail(_ reason: String) -> Handshake {
    isOver = true
    return .failed(reason: reason)
  }

  // MARK: Bytes

  /// Reads what the peer sent. Fewer bytes than asked for mean that the socket is empty, unless `hasMore`.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    hasMore = false
    wantsToWrite = false
    guard isEstablished, !isOver else { return .failed(EPROTO) }
    ERR_clear_error()
    var filled = 0
    var fruitless = 0
    note.pointee = CChar(hub_tls_read_full.rawValue)
    while filled < buffer.count {
      var count = 0
      if SSL_read_ex(pointer, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, &count) == 1 {
        filled += count
        if isSocketEmpty { return .moved(filled) }
        continue
      }
      switch SSL_get_error(pointer, 0) {
      case SSL_ERROR_WANT_READ:
        if note.pointee == CChar(hub_tls_read_nothing.rawValue) {
          return filled > 0 ? .moved(filled) : .wouldBlock
        }
        fruitless += 1
        if fruitless < Self.fruitlessReads { continue }
        hasMore = true
        return filled > 0 ? .moved(filled) : .wouldBlock
      case SSL_ERROR_WANT_WRITE:
        wantsToWrite = true
        return filled > 0 ? .moved(filled) : .wouldBlock
      case SSL_ERROR_ZERO_RETURN:
        // It is said again at the next call.
        hasMore = filled > 0
        return filled > 0 ? .moved(filled) : .ended
      case let error:
        let code = error == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO
        isOver = true
        hasMore = filled > 0
        return filled > 0 ? .moved(filled) : .failed(code)
      }
    }
    return .moved(filled)
  }

  /// Whether the last read took all that the socket had, and nothing of it is left inside. The kernel's own TLS gives one
  /// record a read, so there it says nothing.
  private var isSocketEmpty: Bool {
    note.pointee != CChar(hub_tls_read_full.rawValue) && SSL_has_pending(pointer) == 0
      && hub_tls_kernel_receives(pointer) == 0
  }

  /// Sends as many bytes as the socket takes, in records of up to 16 KiB.
  package func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    guard !isOver else { return .failed(EPIPE) }
    guard isEstablished else { return .wouldBlock }
    ERR_clear_error()
    var sent = 0
    while sent < bytes.count {
      var count = 0
      if SSL_write_ex(pointer, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, &count) == 1 {
        sent += count
        continue
      }
      switch SSL_get_error(pointer, 0) {
      case SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_READ:
        return sent > 0 ? .moved(sent) : .wouldBlock
      case let error:
        isOver = true
        return .failed(error == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO)
      }
    }
    return .moved(sent)
  }

  // MARK: Ending

  /// Tells the peer that nothing more comes (close_notify, RFC 8446 §6.1); answers false when the socket does not take
  /// it: call again when it is writable.
  package func close() -> Bool {
    guard isEstablished, !isOver else { return true }
    wantsToWrite = false
    ERR_clear_error()
    let result = SSL_shutdown(pointer)
    guard result < 0, SSL_get_error(pointer, result) == SSL_ERROR_WANT_WRITE else {
      isOver = true
      return true
    }
    wantsToWrite = true
    return false
  }

  /// Looks at the peer's first byte without taking it.
  private func peek(_ byte: inout UInt8) -> Transfer {
    while true {
      let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK))
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      if errno == EINTR { continue }
      return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
    }
  }
}

/// What was agreed on, for logs and metrics.
extension TLSSession {
  /// `TLSv1.2` or `TLSv1.3`.
  package var version: String { String(cString: SSL_get_version(pointer)) }
  package var cipher: String {
    SSL_CIPHER_get_name(SSL_get_current_cipher(pointer)).map { String(cString: $0) } ?? ""
  }
  /// It took up an earlier session by its ticket.
  package var isResumed: Bool { SSL_session_reused(pointer) == 1 }
  package var hasClientCertificate: Bool { SSL_get0_peer_certificate(pointer) != nil }
  /// The kernel encrypts what is sent.
  package var kernelSends: Bool { hub_tls_kernel_sends(pointer) == 1 }
  /// The kernel decrypts what is received.
  package var kernelReceives: Bool { hub_tls_kernel_receives(pointer) == 1 }
}
