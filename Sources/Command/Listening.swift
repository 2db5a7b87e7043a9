// The options that say where to listen and with which certificates: `--listen`, `--tls-cert`, `--tls-key`,
// `--tls-client-ca`, `--tls-client-auth`. Whatever does not fit together is refused here, before a file is opened.
import Crypto
import Hub

extension Options {
  /// What every subcommand that listens takes.
  static let listening = [
    "listen", "reactors", "log", "log-level", "tls-cert", "tls-key", "tls-client-ca", "tls-client-auth",
    "compression",
  ]
}

/// The addresses; one that asks for TLS needs certificates, and certificates need one.
func listenAddresses(_ options: Options, hasCertificates: Bool) throws -> [ListenAddress] {
  let given = options.all("listen")
  let addresses = try (given.isEmpty ? ["127.0.0.1:8080"] : given).map { text in
    guard let address = ListenAddress(text, hasCertificates: hasCertificates) else {
      throw UsageError("\"\(text)\" is not an address to listen on.")
    }
    return address
  }
  if let first = addresses.first(where: \.isTLS), !hasCertificates {
    throw UsageError("--listen \(first) needs --tls-cert and --tls-key.")
  }
  if hasCertificates, !addresses.contains(where: \.isTLS) {
    throw UsageError("There is a --tls-cert, but no --listen address speaks TLS.")
  }
  return addresses
}

/// The certificates, or nil when none is given.
func tlsFiles(_ options: Options) throws -> TLSFiles? {
  let certificates = options.all("tls-cert")
  let keys = options.all("tls-key")
  guard certificates.count == keys.count else {
    throw UsageError("Each --tls-cert needs its --tls-key, in the same order.")
  }
  let authorities = options["tls-client-ca"]
  let standard = TLSFiles.ClientAuthentication.off
  let asked = options["tls-client-auth"]
  guard let authentication = asked.map({ TLSFiles.ClientAuthentication(rawValue: $0) }) ?? standard else {
    throw UsageError("--tls-client-auth is off, request or require.")
  }
  guard !certificates.isEmpty else {
    if authorities != nil || authentication != .off { throw UsageError("Client certificates need a --tls-cert.") }
    return nil
  }
  if authentication != .off, authorities == nil {
    throw UsageError("--tls-client-auth \(authentication.rawValue) needs --tls-client-ca.")
  }
  let pairs = zip(certificates, keys).map { TLSFiles.Pair(certificate: $0, key: $1) }
  return TLSFiles(
    pairs, clientAuthorities: authorities,
    // Who names an authority wants its certificates.
    clientAuthentication: authorities != nil && asked == nil ? .require : authentication)
}
