// One SSL_CTX: the policy, one certificate with its key, and what clients are asked for. Changed only while a TLSContext
// is being made.
import COpenSSL
import Glibc

final class ServerContext: Sendable {
  // OpenSSL counts an SSL_CTX atomically and only reads it once sessions are made from it.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// `file` is named if OpenSSL has no memory.
  init(file: String) throws(TLSFileFault) {
    guard let pointer = SSL_CTX_new(TLS_server_method()) else {
      throw TLSFileFault(file: file, reason: "OpenSSL could not make a context")
    }
    self.pointer = pointer
  }

  deinit { SSL_CTX_free(pointer) }

  // MARK: Policy

  /// RFC 9325 §4.2; the order is the server's, but for clients that prefer ChaCha20 since they have no AES unit.
  private static let ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
  private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  private static let groups = "X25519:P-256:P-384"

  func applyPolicy(identity: InlineArray<32, UInt8>, ticketKeys: TLSTicketKeys) {
    // These take constants that every OpenSSL 3 knows; a distribution whose security level forbids one keeps the rest.
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    _ = SSL_CTX_set_cipher_list(pointer, Self.ciphers)
    _ = SSL_CTX_set_ciphersuites(pointer, Self.suites)
    Self.groups.withCString { groups in
      _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: groups))
    }
    // Kernel TLS where the kernel has it. An end without close_notify is an end: every message carries its own length.
    _ = SSL_CTX_set_options(
      pointer,
      hub_tls_no_compression | hub_tls_no_renegotiation | hub_tls_server_preference | hub_tls_prioritize_chacha
        | hub_tls_kernel | hub_tls_ignore_unexpected_end)
    // No buffer is kept for a connection that is idle. Automatic retry is off: a peer could keep a read busy for ever
    // with messages that carry nothing.
    let modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(modes), nil)
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_CLEAR_MODE, Int(SSL_MODE_AUTO_RETRY), nil)
    // One system call a record instead of two.
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_READ_AHEAD, 1, nil)
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    _ = SSL_CTX_set_timeout(pointer, TLSTicketKeys.lifetime)
    _ = identity.span.withUnsafeBufferPointer {
      SSL_CTX_set_session_id_context(pointer, $0.baseAddress, UInt32($0.count))
    }
    // Unretained: the TLSContext that owns this one holds the keys.
    _ = SSL_CTX_set_ex_data(pointer, 0, Unmanaged.passUnretained(ticketKeys).toOpaque())
    hub_tls_on_ticket(pointer, sealTicket)
    SSL_CTX_set_alpn_select_cb(pointer, chooseProtocol, nil)
    SSL_CTX_set_default_passwd_cb(pointer, hub_tls_no_password)
  }

  // MARK: Files

  /// Takes a certificate chain and its key; answers what the certificate says.
  func use(_ pair: TLSFiles.Pair) throws(TLSFileFault) -> TLSCertificate {
    for path in [pair.certificate, pair.key] {
      guard access(path, R_OK) == 0 else { throw TLSFileFault(file: path, reason: String(cString: strerror(errno))) }
    }
    ERR_clear_error()
    guard SSL_CTX_use_certificate_chain_file(pointer, pair.certificate) == 1,
      let certificate = SSL_CTX_get0_certificate(pointer)
    else {
      throw TLSFileFault(file: pair.certificate, reason: "holds no usable certificate in PEM (\(lastReason()))")
    }
    ERR_clear_error()
    guard SSL_CTX_use_PrivateKey_file(pointer, pair.key, SSL_FILETYPE_PEM) == 1 else {
      throw TLSFileFault(file: pair.key, reason: keyFault(pair))
    }
    guard SSL_CTX_check_private_key(pointer) == 1 else {
      throw TLSFileFault(file: pair.key, reason: "is not the key of the certificate in \(pair.certificate)")
    }
    return TLSCertificate(
      file: pair.certificate, names: dnsNames(of: certificate),
      secondsUntilValid: hub_certificate_seconds_until(X509_get0_notBefore(certificate)),
      secondsUntilExpired: hub_certificate_seconds_until(X509_get0_notAfter(certificate)))
  }

  private func keyFault(_ pair: TLSFiles.Pair) -> String {
    let last = ERR_peek_last_error()
    let reason = Int32(truncatingIfNeeded: last & UInt(ERR_REASON_MASK))
    if ERR_GET_LIB(last) == ERR_LIB_X509, reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH {
      return "is not the key of the certificate in \(pair.certificate)"
    }
    if let text = try? readFile(pair.key), String(decoding: text, as: UTF8.self).contains("ENCRYPTED") {
      return "is protected by a password; the hub takes a key without one (openssl pkey -in … -out …)"
    }
    return "holds no usable private key in PEM (\(lastReason()))"
  }

  /// Lets clients show certificates, or makes them.
  func askClients(_ files: TLSFiles) throws(TLSFileFault) {
    guard files.clientAuthentication != .off else { return }
    guard let authorities = files.clientAuthorities else {
      throw TLSFileFault(file: "--tls-client-ca", reason: "is needed to ask clients for certificates")
    }
    ERR_clear_error()
    guard SSL_CTX_load_verify_locations(pointer, authorities, nil) == 1,
      let names = SSL_load_client_CA_file(authorities)
    else {
      throw TLSFileFault(file: authorities, reason: "holds no usable certificate in PEM (\(lastReason()))")
    }
    SSL_CTX_set_client_CA_list(pointer, names)
    let required = files.clientAuthentication == .require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | required, nil)
  }

  private func dnsNames(of certificate: OpaquePointer) -> [String] {
    var names: [String] = []
    withUnsafeMutablePointer(to: &names) { pointer in
      hub_certificate_names(certificate, pointer) { argument, name, length in
        guard let argument, let name else { return }
        let text = String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
        argument.assumingMemoryBound(to: [String].self).pointee.append(text.lowercased())
      }
    }
    return names
  }
}

/// OpenSSL's call with the protocols that the client offers: http/1.1 or nothing (RFC 7301 §3.2).
private func chooseProtocol(
  _ session: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
  _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  let ours: StaticString = "http/1.1"
  let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
  var position = 0
  while position < list.count {
    let start = position + 1
    position = start + Int(list[position])
    guard position <= list.count else { break }
    if list[start..<position].elementsEqual(UnsafeBufferPointer(start: ours.utf8Start, count: ours.utf8CodeUnitCount)) {
      // It must outlive this call: a constant of the program does.
      chosen?.pointee = ours.utf8Start
      chosenLength?.pointee = UInt8(ours.utf8CodeUnitCount)
      return SSL_TLSEXT_ERR_OK
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Why OpenSSL's last call failed, in its own words.
func lastReason() -> String {
  let code = ERR_peek_last_error()
  guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
  return String(cString: reason)
}

/// A small file as a whole; the fault names what the system said.
func readFile(_ path: String) throws(TLSFileFault) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw TLSFileFault(file: path, reason: String(cString: strerror(errno))) }
  defer { close(descriptor) }
  let limit = 1 << 20
  let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
    while count < limit {
      let got = read(descriptor, buffer.baseAddress.map { $0 + count }, limit - count)
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return }
      count += got
    }
  }
  guard !bytes.isEmpty else { throw TLSFileFault(file: path, reason: "is empty or cannot be read") }
  return bytes
}
