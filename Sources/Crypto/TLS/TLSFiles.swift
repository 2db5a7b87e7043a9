// The files that a hub's TLS is made of, named by whoever starts it, and why one of them cannot be used. Reading them is
// TLSContext's business.

/// Certificates with their keys, and who may connect.
package struct TLSFiles: Sendable, Equatable {
  /// A certificate chain, the hub's own first, and the key of that first one, both in PEM.
  package struct Pair: Sendable, Equatable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// Whether clients are asked for a certificate.
  package enum ClientAuthentication: String, Sendable, CaseIterable {
    case off
    /// Asked for; a client may have none, but what it shows must be good.
    case request
    /// Who has none is refused.
    case require
  }

  /// The first serves whoever names no host, or one that no certificate is for.
  package var pairs: [Pair]
  /// The authorities whose certificates clients may show, in PEM.
  package var clientAuthorities: String?
  package var clientAuthentication: ClientAuthentication

  package init(
    _ pairs: [Pair], clientAuthorities: String? = nil, clientAuthentication: ClientAuthentication = .off
  ) {
    self.pairs = pairs
    self.clientAuthorities = clientAuthorities
    self.clientAuthentication = clientAuthentication
  }
}

/// A file that cannot be used, and why.
package struct TLSFileFault: Error, Equatable, CustomStringConvertible {
  package let file: String
  package let reason: String

  package var description: String { "\(file): \(reason)" }
}

/// A certificate in use.
package struct TLSCertificate: Sendable, Equatable {
  package let file: String
  /// The host names among its subjectAltNames, in small letters.
  package let names: [String]
  /// Seconds from the moment it was read.
  package let secondsUntilValid: Int64
  package let secondsUntilExpired: Int64

  /// What its owner should know, though it is served all the same.
  package var warning: String? {
    if secondsUntilExpired <= 0 { return "has expired" }
    if secondsUntilValid > 0 { return "is not valid yet" }
    if secondsUntilExpired < 7 * 86400 { return "expires in \(secondsUntilExpired / 3600) hours" }
    return nil
  }
}
