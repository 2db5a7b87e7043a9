// Files that cannot be used are refused with the file's name and a reason that says what to do.
import Crypto
import Foundation
import Testing
import TestSupport

@Suite struct TLSFilesTests {
  private func fault(_ files: TLSFiles) -> TLSFileFault? {
    do throws(TLSFileFault) {
      _ = try TLSContext(files, ticketKeys: TLSTicketKeys())
      return nil
    } catch {
      return error
    }
  }

  private func file(_ name: String, _ text: String) throws -> String {
    let path = try TLSWorld.shared.authority.folder + "/" + name
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test func `A fault names the file and the reason`() throws {
    let world = try TLSWorld.shared
    let (certificate, key) = (world.local.certificate, world.local.key)
    let folder = world.authority.folder
    let empty = try file("empty", "")
    let garbage = try file("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    let sealed = folder + "/sealed.key"
    try TestAuthority.openssl(["pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", sealed])
    typealias Row = (certificate: String, key: String, file: String, reason: String)
    let rows: [Row] = [
      (folder + "/none", key, folder + "/none", "No such file or directory"),
      (certificate, folder + "/none", folder + "/none", "No such file or directory"),
      (folder, key, folder, "holds no usable certificate in PEM"),
      (empty, key, empty, "holds no usable certificate in PEM"),
      (garbage, key, garbage, "holds no usable certificate in PEM"),
      (key, key, key, "holds no usable certificate in PEM"),
      (certificate, empty, empty, "holds no usable private key in PEM"),
      (certificate, certificate, certificate, "holds no usable private key in PEM"),
      (certificate, sealed, sealed, "is protected by a password"),
      (certificate, world.wild.key, world.wild.key, "is not the key of the certificate in \(certificate)"),
      (certificate, world.rsa.key, world.rsa.key, "is not the key of the certificate in \(certificate)"),
    ]
    for row in rows {
      let fault = fault(TLSFiles([world.wild, .init(certificate: row.certificate, key: row.key)]))
      #expect(fault?.file == row.file)
      #expect(fault?.reason.hasPrefix(row.reason) == true, "\(fault as Any)")
    }
    #expect(fault(TLSFiles([])) != nil)
  }

  @Test func `Authorities for clients are needed where clients are asked`() throws {
    let world = try TLSWorld.shared
    for authentication in [TLSFiles.ClientAuthentication.request, .require] {
      #expect(fault(TLSFiles([world.local], clientAuthentication: authentication))?.file == "--tls-client-ca")
      let missing = TLSFiles([world.local], clientAuthorities: "/none", clientAuthentication: authentication)
      #expect(fault(missing)?.description == "/none: No such file or directory")
      let key = TLSFiles([world.local], clientAuthorities: world.local.key, clientAuthentication: authentication)
      #expect(fault(key)?.file == world.local.key)
    }
  }

  @Test func `A certificate tells its names and its dates`() throws {
    let world = try TLSWorld.shared
    let late = TLSFiles.Pair(try world.authority.issue(["late.example.test"], as: "late", days: -1))
    let soon = TLSFiles.Pair(try world.authority.issue(["Soon.Example.Test"], as: "soon", days: 2))
    let certificates = try tlsContext(TLSFiles([world.local, world.wild, late, soon])).certificates
    #expect(certificates.map(\.file) == [world.local, world.wild, late, soon].map(\.certificate))
    #expect(
      certificates.map(\.names) == [
        ["localhost"], ["kitchen.example.test", "*.example.test"], ["late.example.test"], ["soon.example.test"],
      ])
    #expect(certificates[..<3].map(\.warning) == [nil, nil, "has expired"])
    #expect(certificates[3].warning?.wholeMatch(of: /expires in 4[78] hours/) != nil)
    // An expired one is served all the same: a screen may have been told to take it.
    let pair = try TLSPair(tlsContext(TLSFiles([late])), TLSWish())
    try pair.connect()
  }

  @Test func `A chain is sent as it stands in the file`() throws {
    let world = try TLSWorld.shared
    let chain =
      try String(contentsOfFile: world.local.certificate, encoding: .utf8)
      + String(contentsOfFile: world.authority.certificate, encoding: .utf8)
    let path = try file("chain.pem", chain)
    let pair = try TLSPair(tlsContext(TLSFiles([.init(certificate: path, key: world.local.key)])))
    try pair.connect()
    #expect(pair.client.chainLength == 2)
  }
}
