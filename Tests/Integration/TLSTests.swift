// HTTPS and wss on a live hub: what is served in clear is served under TLS, by clients of our own and by others'.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct TLSTests {
  private static let versions: [Int32] = [0x0303, 0x0304]

  @Test(arguments: versions)
  func `HTTPS keeps a connection and answers in order`(version: Int32) throws {
    let scene = try TLSScene.shared
    let socket = try scene.connect(version)
    for _ in 0..<3 { #expect(try socket.request("GET", "/health").json["status"] as? String == "alive") }
    let pages = ["/kitchen", "/health", "/nowhere", "/ready", "/till"]
    let statuses = [200, 200, 404, 200, 200]
    let requests = (0..<20).flatMap { _ in pages }.map { "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
    try socket.send(requests.joined())
    for _ in 0..<20 { for status in statuses { #expect(try socket.answer().status == status) } }
    // A last answer, then the farewell: an end that was meant.
    #expect(try socket.request("GET", "/health", headers: ["Connection": "close"]).status == 200)
    #expect(try !socket.receiveMore())
  }

  @Test(arguments: versions)
  func `Large bodies and long pipelines pass whole, many at once`(version: Int32) throws {
    let scene = try TLSScene.shared
    let page = try scene.hub.request("GET", "/kitchen").body
    try #require(!page.isEmpty)
    try runConcurrently(8) { worker in
      let socket = try scene.connect(version)
      for round in 0..<3 {
        // Larger than what the hub reads at once.
        let body = "{" + String(repeating: " ", count: 400_000 + worker * 70_000 + round) + "}"
        guard try socket.request("POST", "/api/v1/auth/login", body: body).status == 422 else {
          throw SupportError("the body did not arrive")
        }
        // More answers than the hub keeps for a connection, whose reader begins late.
        let count = 400_000 / page.count
        try socket.send(String(repeating: "GET /kitchen HTTP/1.1\r\nHost: localhost\r\n\r\n", count: count))
        for _ in 0..<count {
          guard try socket.answer().body == page else { throw SupportError("another page") }
        }
      }
    }
  }

  @Test(arguments: versions)
  func `Messages of every size pass both ways on wss`(version: Int32) throws {
    let scene = try TLSScene.shared
    let socket = try scene.listen(scene.wish.with { $0.version = version })
    for size in [0, 1, 2, 125] {
      let payload = (0..<size).map { UInt8($0) }
      try socket.socket.send(RawWebSocket.frame(opcode: 9, payload))
      var frame = try socket.receiveFrame()
      while frame.opcode != 10 { frame = try socket.receiveFrame() }
      #expect(frame.payload == payload)
    }
    // Around the lengths of frames, of records and of the limit for a message.
    for size in [40, 125, 126, 127, 1000, 16_383, 16_384, 16_385, 40_000, 65_535, 65_536] {
      let text = #"{"type":"ping","id":\#(size),"pad":""}"#
      let padded = text.dropLast(2) + String(repeating: "x", count: size - text.utf8.count) + #""}"#
      try socket.send(String(padded))
      #expect(try socket.receive("pong")["id"] as? Int == size)
    }
    for size in [1, 100, 1000, 16_384, 65_000] {
      try scene.publish("jsonb_build_object('size', \(size), 'x', repeat('y', \(size)))")
      var data: [String: Any] = [:]
      // Others publish here too.
      while data["size"] as? Int != size || (data["x"] as? String)?.utf8.count != size {
        data = try socket.receive("event")["data"] as? [String: Any] ?? [:]
      }
    }
  }

  @Test func `A hub speaks TLS on one port and in clear on another`() throws {
    let scene = try TLSScene.shared
    try scene.expectServing("side by side")
    let origin = "https://localhost:\(scene.port)"
    for (name, status) in [(origin, 101), ("https://elsewhere.test", 403)] {
      let socket = try scene.connect()
      let headers = ["Host": "localhost:\(scene.port)", "Origin": name]
      try socket.send(RawHandshake(path: "/ws", headers: headers).text)
      #expect(try socket.answer().status == status)
    }
    #expect(scene.hub.log.contains("listening address=tls:127.0.0.1:\(scene.port)"))
  }

  @Test func `Plain HTTP on the TLS port is told so, and only that`() throws {
    let scene = try TLSScene.shared
    let body = String(repeating: "x", count: 300_000)
    for text in [
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "x",
      "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
    ] {
      let socket = try RawSocket(port: scene.port)
      try socket.send(text)
      let answer = try socket.answer()
      expectProblem(answer, 400, "tls_required")
      #expect(answer.header("Connection") == "close")
      #expect(try socket.receiveAll().isEmpty)
    }
    // And TLS on the port in clear is no HTTP.
    #expect(throws: SupportError.self) { try RawSocket(port: scene.hub.port, tls: scene.wish) }
    try scene.expectServing("after plain HTTP")
  }

  @Test(arguments: versions)
  func `A slow reader lags and gets everything, within bounds`(version: Int32) throws {
    let scene = try TLSScene()
    let slow = try scene.listen(scene.wish.with { $0.version = version }, receiveBuffer: 4096)
    let quick = try scene.listen()
    let idle = scene.hub.residentMemory
    let program = try ForeignConnection(scene.database)
    let events = 1200
    for number in 1...events {
      try scene.publish("jsonb_build_object('n', \(number), 'x', repeat('x', 8000))", by: program)
      #expect((try quick.receive("event")["data"] as? [String: Any])?["n"] as? Int == number)
    }
    #expect(try scene.metric("hub_subscriptions_lagging_total") > 0)
    let growth = scene.hub.residentMemory - idle
    #expect(growth < 5 * 1024, "the hub kept \(growth) KiB for a reader of 9 MiB")
    for number in 1...events {
      try #require((try slow.receive("event")["data"] as? [String: Any])?["n"] as? Int == number)
    }
    try scene.publish(#"'{"n":"last"}'"#)
    #expect((try slow.receive("event")["data"] as? [String: Any])?["n"] as? String == "last")
  }

  @Test func `An event stream under TLS has everything in order, and its end is a farewell`() throws {
    let scene = try TLSScene.shared
    let token = try scene.hub.token(
      role: "manager", restaurant: SharedHub.demoRestaurant, arguments: ["--ttl", "6s"])
    let stream = try RawEventStream(port: scene.port, path: "/sse/\(scene.kitchen)", token: token, tls: scene.wish)
    let start = try stream.next("subscribed").offset
    let count = 300
    try ForeignConnection(scene.database).execute(
      """
      SELECT hub.publish('\(scene.kitchen)', 'test.told', jsonb_build_object('x', repeat('x', 4000)))
      FROM generate_series(1, \(count))
      """)
    for number in 1...Int64(count) { try #require(try stream.next("event").offset == start + number) }
    #expect(Document(try stream.next("close").json)["code"].integer == 4401)
    #expect(try stream.next() == nil, "close_notify, then the end")
  }

  @Test func `A drain says goaway, closes with 1012 and bids farewell`() throws {
    let scene = try TLSScene()
    let socket = try scene.listen()
    let idle = try scene.connect()
    #expect(try idle.request("GET", "/health").status == 200)
    // One that has not finished its handshake is not waited for.
    let begun = try RawSocket(port: scene.port)
    try begun.send([0x16, 3, 1])
    kill(scene.hub.processID, SIGTERM)
    #expect(try socket.receive("goaway")["reason"] as? String == "drain")
    #expect(try socket.receiveClose().closeCode == 1012)
    try socket.socket.send(RawWebSocket.frame(opcode: 8, [3, 244]))
    #expect(try !socket.socket.receiveMore())
    #expect(try !idle.receiveMore())
    try eventually("the hub has ended") { !scene.hub.isRunning }
    #expect(scene.hub.stop() == 0)
  }

  // MARK: Other people's clients

  @Test func `curl, s_client and Python's ssl are served`() throws {
    let scene = try TLSScene.shared
    let authority = scene.authority.certificate
    for version in ["1.2", "1.3"] {
      let text = try run([
        "/usr/bin/curl", "-sS", "--cacert", authority, "--tlsv\(version)", "--tls-max", version, "-w",
        " %{http_version} %{ssl_verify_result}", "https://localhost:\(scene.port)/health",
      ])
      #expect(text == #"{"status":"alive"} 1.1 0"#)
    }
    let address = "127.0.0.1:\(scene.port)"
    let client = ["/usr/bin/openssl", "s_client", "-connect", address, "-CAfile", authority, "-verify_return_error"]
    let report = try run(client + ["-servername", "localhost", "-alpn", "h2,http/1.1"])
    #expect(report.contains("ALPN protocol: http/1.1") && report.contains("Verify return code: 0 (ok)"))
    #expect(throws: SupportError.self) { try run(client + ["-tls1_1"]) }
    #expect(throws: SupportError.self) { try run(client + ["-alpn", "h2"]) }
    let script = try TestFolder.make("python") + "/client.py"
    try Self.pythonClient.write(toFile: script, atomically: true, encoding: .utf8)
    #expect(try run(["/usr/bin/python3", script, authority, "\(scene.port)"]) == "served\n")
  }

  /// Keep-alive, a large request in pieces, the farewell of both sides, and a session taken up again.
  private static let pythonClient = """
    import socket, ssl, sys
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.set_alpn_protocols(["http/1.1"])
    session = None
    for visit in range(3):
        raw = socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20)
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as stream:
            assert stream.selected_alpn_protocol() == "http/1.1"
            assert visit == 0 or stream.session_reused
            for _ in range(3):
                stream.sendall(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                answer = b""
                while not answer.endswith(b"}"):
                    answer += stream.recv(1000)
                assert answer.startswith(b"HTTP/1.1 200 "), answer
            body = b"{" + b" " * 200000 + b"}"
            head = b"POST /api/v1/auth/login HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
            stream.sendall(head + b"Content-Length: %d\\r\\n\\r\\n" % len(body))
            for start in range(0, len(body), 7000):
                stream.sendall(body[start:start + 7000])
            assert stream.recv(1000).startswith(b"HTTP/1.1 422 ") or visit < 0
            session = stream.session
            stream.unwrap().close()
    print("served")
    """

  @Test func `Metrics and log tell what is in use`() throws {
    let scene = try TLSScene()
    for version in Self.versions {
      let first = try scene.connect(version)
      #expect(try first.request("GET", "/health").status == 200)
      let ticket = try #require(first.tls?.ticket)
      let wish = scene.wish.with {
        $0.version = version
        $0.ticket = ticket
      }
      #expect(try RawSocket(port: scene.port, tls: wish).request("GET", "/health").status == 200)
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
      for resumed in ["false", "true"] {
        #expect(
          try scene.metric("hub_tls_handshakes_total{version=\"\(version)\",resumed=\"\(resumed)\"}") == 1,
          "\(version) \(resumed)")
      }
    }
    let expires = try scene.metric("hub_tls_certificate_expires_seconds")
    #expect(abs(expires - Int(Date().timeIntervalSince1970) - 30 * 86400) < 120)
    // Kernel TLS where this machine's kernel offers it.
    let offered = (try? String(contentsOfFile: "/proc/sys/net/ipv4/tcp_available_ulp", encoding: .utf8)) ?? ""
    let byKernel = try scene.metric("hub_tls_kernel_total{direction=\"send\"}")
    #expect(offered.contains("tls") ? byKernel > 0 : byKernel == 0)
    #expect(scene.hub.log.contains("tls.established peer=127.0.0.1 version=TLSv1.2"))
    #expect(scene.hub.log.contains("kernel_sends=\(byKernel > 0)"))
    #expect(scene.hub.log.contains("tls.certificate file=\(scene.files.certificate) names=localhost"))
  }
}
