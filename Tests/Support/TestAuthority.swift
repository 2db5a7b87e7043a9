// Certificates for tests, made with the openssl program when they are needed: an authority of a test's own, and
// certificates that it vouches for.
import Glibc

/// Files in PEM.
package struct CertificateFiles: Sendable {
  package let certificate: String
  package let key: String

  package init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

package struct TestAuthority: Sendable {
  package let folder: String
  package var certificate: String { folder + "/ca.pem" }

  package init() throws {
    folder = try TestFolder.make("tls")
    try Self.openssl(
      ["req", "-x509", "-days", "30", "-subj", "/CN=Test authority", "-out", "\(folder)/ca.pem"]
        + Self.newKey("\(folder)/ca.key") + ["-addext", "keyUsage=critical,keyCertSign"])
  }

  /// A certificate for these host names and addresses, as `file`.pem and `file`.key in the authority's folder; the first
  /// name is its common name. `days` below 0: it has expired.
  @discardableResult
  package func issue(
    _ names: [String], as file: String, days: Int = 30, isClient: Bool = false, rsa: Bool = false
  ) throws -> CertificateFiles {
    let files = CertificateFiles(certificate: "\(folder)/\(file).pem", key: "\(folder)/\(file).key")
    let alternatives = names.map { $0.allSatisfy { $0.isNumber || $0 == "." } ? "IP:\($0)" : "DNS:\($0)" }
    let usage = isClient ? "extendedKeyUsage=clientAuth" : "extendedKeyUsage=serverAuth"
    let request = "\(folder)/\(file).csr"
    try Self.openssl(
      ["req", "-new", "-subj", "/CN=\(names[0])", "-out", request] + Self.newKey(files.key, rsa: rsa)
        + ["-addext", "subjectAltName=\(alternatives.joined(separator: ","))", "-addext", usage])
    // Beside and then over: a hub may be reading it.
    let serial = String(UInt64.random(in: 1...UInt64.max >> 1))
    try Self.openssl([
      "x509", "-req", "-in", request, "-CA", certificate, "-CAkey", "\(folder)/ca.key", "-set_serial", serial,
      "-days", "\(days)", "-copy_extensions", "copyall", "-out", files.certificate + ".new",
    ])
    guard rename(files.certificate + ".new", files.certificate) == 0 else { throw SupportError("no new certificate") }
    return files
  }

  package static func openssl(_ arguments: [String]) throws { try run(["/usr/bin/openssl"] + arguments) }

  private static func newKey(_ file: String, rsa: Bool = false) -> [String] {
    ["-nodes", "-keyout", file, "-newkey"] + (rsa ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
  }
}
