// What TLS connections of a hub have in common: certificates by host name, policy, ticket keys. Made whole from files or
// not at all, never changed after, shared by all threads: to read certificates anew is to make another one, which new
// connections use while older ones keep theirs.
//
// Policy: TLS 1.2 and 1.3; forward secrecy and authenticated encryption only (RFC 9325 §4.2); no compression, no
// renegotiation, no early data (it can be replayed); tickets and no session cache, so that nothing is kept for a
// connection that is gone; ALPN http/1.1 (RFC 7301), and who offers only other protocols is refused.
import COpenSSL
import EventLoop
import Glibc

package final class TLSContext: Sendable {
  /// In the order of the files.
  package let certificates: [TLSCertificate]
  private let first: ServerContext
  private let byName: [String: ServerContext]
  private let ticketKeys: TLSTicketKeys

  /// Throws when a file cannot be used.
  package init(_ files: TLSFiles, ticketKeys: TLSTicketKeys) throws(TLSFileFault) {
    let identity = try Self.identity(of: files)
    var certificates: [TLSCertificate] = []
    var contexts: [ServerContext] = []
    for pair in files.pairs {
      let context = try ServerContext(file: pair.certificate)
      context.applyPolicy(identity: identity, ticketKeys: ticketKeys)
      certificates.append(try context.use(pair))
      try context.askClients(files)
      contexts.append(context)
    }
    guard let first = contexts.first else { throw TLSFileFault(file: "--tls-cert", reason: "no certificate is given") }
    var byName: [String: ServerContext] = [:]
    for (context, certificate) in zip(contexts, certificates) {
      for name in certificate.names where byName[name] == nil { byName[name] = context }
    }
    self.certificates = certificates
    self.first = first
    self.byName = byName
    self.ticketKeys = ticketKeys
    // Unretained: every session holds this object, and no session outlives itself.
    hub_tls_on_name(first.pointer, chooseCertificate, Unmanaged.passUnretained(self).toOpaque())
  }

  /// The server's side of a connection on a non-blocking socket, which stays the caller's to close; nil without memory.
  package func makeSession(on descriptor: Int32) -> TLSSession? {
    guard let session = SSL_new(first.pointer) else { return nil }
    guard SSL_set_fd(session, descriptor) == 1 else {
      SSL_free(session)
      return nil
    }
    return TLSSession(session, on: descriptor, of: self)
  }

  /// The context for a host name: an exact match, then one for all names below the same domain (RFC 6125 §6.4.3).
  fileprivate func context(for name: String) -> ServerContext? {
    let name = name.lowercased()
    if let exact = byName[name] { return exact }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return byName["*" + name[dot...]]
  }

  /// Tells sessions apart that must not be resumed under other rules for clients (SSL_CTX_set_session_id_context).
  private static func identity(of files: TLSFiles) throws(TLSFileFault) -> InlineArray<32, UInt8> {
    var text = Array("hub \(files.clientAuthentication.rawValue) ".utf8)
    if let authorities = files.clientAuthorities { text += try readFile(authorities) }
    return SHA256.hash(text.span.bytes)
  }
}

/// OpenSSL's call with the host name that the client asked for (RFC 6066 §3).
private func chooseCertificate(
  _ session: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
  guard let session, let argument, let asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name) else {
    return SSL_TLSEXT_ERR_NOACK
  }
  let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
  guard let found = context.context(for: String(cString: asked)) else { return SSL_TLSEXT_ERR_NOACK }
  SSL_set_SSL_CTX(session, found.pointer)
  return SSL_TLSEXT_ERR_OK
}
