// Certificates on a live hub: by host name, read anew on SIGHUP while sockets are open, for clients, and refused at the
// start when they cannot be used.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct TLSCertificateTests {
  @Test func `SIGHUP brings new certificates and drops nobody`() throws {
    let scene = try TLSScene()
    let old = try scene.listen()
    let first = try scene.connect()
    #expect(first.tls?.serverCommonName == "localhost")
    #expect(try first.request("GET", "/health").status == 200)
    let ticket = try #require(first.tls?.ticket)

    try scene.authority.issue(["second", "localhost", "127.0.0.1"], as: "hub")
    kill(scene.hub.processID, SIGHUP)
    try eventually("the new certificate is served") { try scene.connect().tls?.serverCommonName == "second" }
    // What was open lives on, and a session from before is taken up again.
    try scene.publish()
    #expect(try old.receive("event")["event"] as? String == "test.told")
    #expect(try first.request("GET", "/health").status == 200)
    let resumed = try RawSocket(port: scene.port, tls: scene.wish.with { $0.ticket = ticket })
    #expect(try resumed.request("GET", "/health").status == 200 && resumed.tls?.isResumed == true)

    // A broken file changes nothing but the log.
    try "no key".write(toFile: scene.files.key, atomically: false, encoding: .utf8)
    kill(scene.hub.processID, SIGHUP)
    try eventually("the fault is counted") { try scene.metric("hub_tls_reload_failures_total") == 1 }
    #expect(scene.hub.log.contains("ERROR tls.reload_failed file=\(scene.files.key)"))
    #expect(try scene.connect().tls?.serverCommonName == "second")
    try scene.publish()
    #expect(try old.receive("event")["event"] as? String == "test.told")

    try scene.authority.issue(["third", "localhost", "127.0.0.1"], as: "hub")
    kill(scene.hub.processID, SIGHUP)
    try eventually("the mended files are served") { try scene.connect().tls?.serverCommonName == "third" }
    #expect(scene.hub.stop() == 0)
  }

  @Test func `Every host name gets its certificate`() throws {
    let scene = try TLSScene { authority in
      let kitchen = try authority.issue(["kitchen.example.test", "*.example.test"], as: "kitchen")
      let late = try authority.issue(["late.test"], as: "late", days: -1)
      return ["--tls-cert", kitchen.certificate, "--tls-key", kitchen.key]
        + ["--tls-cert", late.certificate, "--tls-key", late.key]
    }
    for (name, certificate) in [
      ("localhost", "localhost"), ("kitchen.example.test", "kitchen.example.test"),
      ("bar.example.test", "kitchen.example.test"), ("late.test", "late.test"), ("unknown.test", "localhost"),
    ] {
      let socket = try RawSocket(port: scene.port, tls: TLSWish().with { $0.serverName = name })
      #expect(socket.tls?.serverCommonName == certificate, "\(name)")
      #expect(try socket.request("GET", "/health").status == 200)
    }
    // Served, but its owner is told.
    #expect(scene.hub.log.contains(#"WARNING tls.certificate_date file=\#(scene.authority.folder)/late.pem"#))
  }

  // MARK: Clients

  @Test func `Clients without a good certificate are refused where one is required`() throws {
    let stranger = try TestAuthority()
    let scene = try TLSScene { ["--tls-client-ca", $0.certificate] }
    let mine = try scene.authority.issue(["screen"], as: "screen", isClient: true)
    let foreign = try stranger.issue(["screen"], as: "screen", isClient: true)
    for version: Int32 in [0x0303, 0x0304] {
      func visit(_ certificate: CertificateFiles?) throws -> RawAnswer {
        let wish = scene.wish.with {
          $0.version = version
          $0.certificate = certificate
        }
        // In TLS 1.3 the client learns of it with its first read.
        return try RawSocket(port: scene.port, tls: wish).request("GET", "/health")
      }
      #expect(try visit(mine).status == 200)
      for refused in [nil, foreign] {
        do {
          _ = try visit(refused)
          Issue.record("it was served")
        } catch {
          // The alert came through, not a reset.
          #expect("\(error)".contains("alert"), "\(error)")
        }
      }
    }
    #expect(try scene.metric("hub_tls_client_certificates_total") == 2)
    #expect(try scene.metric("hub_tls_failures_total") == 4)
    #expect(scene.hub.log.contains("peer did not return a certificate"))
    let answer = try run([
      "/usr/bin/curl", "-sS", "--cacert", scene.authority.certificate, "--cert", mine.certificate, "--key", mine.key,
      "https://localhost:\(scene.port)/health",
    ])
    #expect(answer == #"{"status":"alive"}"#)
  }

  @Test func `Where one is only asked for, having none is no fault`() throws {
    let stranger = try TestAuthority()
    let scene = try TLSScene { ["--tls-client-ca", $0.certificate, "--tls-client-auth", "request"] }
    #expect(try scene.connect().request("GET", "/health").status == 200)
    let foreign = try stranger.issue(["screen"], as: "screen", isClient: true)
    #expect(throws: SupportError.self) {
      try RawSocket(port: scene.port, tls: scene.wish.with { $0.certificate = foreign }).request("GET", "/health")
    }
    #expect(try scene.metric("hub_tls_client_certificates_total") == 0)
  }

  // MARK: The start

  @Test func `The doctor reads the files as the hub would`() throws {
    let authority = try TestAuthority()
    let good = try authority.issue(["localhost", "till.test"], as: "good")
    let soon = try authority.issue(["localhost"], as: "soon", days: 3)
    let doctor = try [HubUnderTest.program(), "doctor", "--database", TestPostgres.makeDatabase(), "--data", "/none"]
    let fine = try run(doctor + ["--tls-cert", good.certificate, "--tls-key", good.key])
    #expect(fine.contains("ok   \(good.certificate) for localhost, till.test, good for "))
    #expect(fine.contains("TLS"))
    let warned = try run(doctor + ["--tls-cert", soon.certificate, "--tls-key", soon.key])
    #expect(warned.contains("warn the certificate in \(soon.certificate) expires in 7"))
    do {
      _ = try run(doctor + ["--tls-cert", good.certificate, "--tls-key", soon.key])
      Issue.record("it found nothing")
    } catch {
      #expect("\(error)".contains("BAD  \(soon.key): is not the key of the certificate in \(good.certificate)"))
    }
  }

  @Test func `What make dev-cert makes is served and trusted, and made anew under the same authority`() throws {
    let folder = try TestFolder.make("dev-cert")
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../../scripts/dev-cert"
    ).standardized.path
    let words = try run([script, folder])
    #expect(words.contains("--tls-cert \(folder)/localhost.pem --tls-key \(folder)/localhost.key"))
    let hub = try HubUnderTest(
      database: TestPostgres.makeDatabase(),
      arguments: ["--tls-cert", folder + "/localhost.pem", "--tls-key", folder + "/localhost.key"])
    let port = try #require(hub.tlsPort)
    for name in ["localhost", "127.0.0.1"] {
      let url = "https://\(name):\(port)/health"
      #expect(try run(["/usr/bin/curl", "-sS", "--cacert", folder + "/ca.pem", url]) == #"{"status":"alive"}"#)
    }
    let authority = try String(contentsOfFile: folder + "/ca.pem", encoding: .utf8)
    try run([script, folder])
    #expect(try String(contentsOfFile: folder + "/ca.pem", encoding: .utf8) == authority)
    kill(hub.processID, SIGHUP)
    try eventually("the new one is read") { hub.log.components(separatedBy: "tls.certificate ").count == 3 }
    #expect(
      try RawSocket(port: port, tls: TLSWish(authority: folder + "/ca.pem")).request("GET", "/health").status == 200)
    for file in ["ca.key", "localhost.key"] {
      let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)")[.posixPermissions] as? Int
      #expect(mode == 0o600, "\(file)")
    }
  }

  @Test func `What cannot be used is refused at the start, with the reason`() throws {
    let authority = try TestAuthority()
    let good = try authority.issue(["localhost"], as: "good")
    let other = try authority.issue(["localhost"], as: "other")
    let pair = ["--tls-cert", good.certificate, "--tls-key", good.key]
    let rows: [([String], String)] = [
      (["--tls-cert", "/none.pem", "--tls-key", good.key], "hub: /none.pem: No such file or directory"),
      (["--tls-cert", good.certificate, "--tls-key", "/none.key"], "hub: /none.key: No such file or directory"),
      (
        ["--tls-cert", good.certificate, "--tls-key", other.key],
        "hub: \(other.key): is not the key of the certificate in \(good.certificate)"
      ),
      (["--tls-cert", good.key, "--tls-key", good.key], "hub: \(good.key): holds no usable certificate in PEM"),
      (["--tls-cert", good.certificate], "Each --tls-cert needs its --tls-key"),
      (["--tls-key", good.key], "Each --tls-cert needs its --tls-key"),
      (pair + ["--tls-client-ca", "/none.pem"], "hub: /none.pem: No such file or directory"),
      (pair + ["--tls-client-auth", "require"], "needs --tls-client-ca"),
      (pair + ["--tls-client-auth", "maybe"], "--tls-client-auth is off, request or require."),
      (["--tls-client-ca", authority.certificate], "Client certificates need a --tls-cert."),
      (["--listen", "tls:127.0.0.1:0"], "--listen tls:127.0.0.1:0 needs --tls-cert and --tls-key."),
      (["--listen", "tls:nonsense"], "is not an address to listen on"),
    ]
    for (arguments, complaint) in rows {
      do {
        // No database answers here: the files are looked at before.
        _ = try HubUnderTest(database: "host=/none", arguments: arguments)
        Issue.record("it started with \(arguments)")
      } catch {
        #expect("\(error)".contains(complaint), "\(arguments): \(error)")
      }
    }
    do {
      _ = try HubUnderTest(database: "host=/none", listen: ["plain:127.0.0.1:0"], arguments: pair)
      Issue.record("it started")
    } catch {
      #expect("\(error)".contains("no --listen address speaks TLS"), "\(error)")
    }
  }
}
