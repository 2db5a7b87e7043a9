// As many connections as there may be, and as there can be: past the bounds a peer is told 503, without descriptors it
// is shut out, those who are in stay served, and the hub goes on without spinning.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite(.serialized) struct ConnectionBoundsTests {
  private func start(_ arguments: [String], descriptors: Int? = nil) throws -> HubUnderTest {
    try HubUnderTest(
      database: try TestPostgres.makeDatabase(), arguments: ["--reactors", "1"] + arguments, descriptors: descriptors)
  }

  /// Opens connections until one of them is not served; answers those that are.
  private func fill(_ hub: HubUnderTest, atMost: Int) throws -> (served: [RawSocket], refused: RawSocket?) {
    var served: [RawSocket] = []
    while served.count < atMost {
      let socket = try RawSocket(port: hub.port)
      do {
        guard try socket.request("GET", "/health").status == 200 else { return (served, socket) }
      } catch {
        return (served, socket)
      }
      served.append(socket)
    }
    return (served, nil)
  }

  private func expectRefused(_ hub: HubUnderTest) throws {
    // Without a word from the peer: the answer is there before the question.
    let socket = try RawSocket(port: hub.port)
    let answer = try socket.answer()
    expectProblem(answer, 503, "too_many_connections")
    #expect(answer.header("Retry-After") == "5" && answer.header("Connection") == "close")
    #expect(try socket.endsHere())
  }

  @Test func `Past the bound of all connections a peer is told 503, and the others do not notice`() throws {
    let hub = try start(["--max-connections", "10"])
    let (served, refused) = try fill(hub, atMost: 20)
    #expect(served.count == 10 && refused != nil)
    for _ in 0..<20 { try expectRefused(hub) }
    for socket in served { #expect(try socket.request("GET", "/health").status == 200) }
    #expect(try served[0].request("GET", "/metrics").text.contains("hub_connections_refused_total 21\n"))
    // A place that is left is another's.
    served[3].cut()
    try eventually("a place is free") {
      (try? RawSocket(port: hub.port).request("GET", "/health").status) == 200
    }
    #expect(hub.stop() == 0)
  }

  @Test func `Past the bound of one address its peer is told 503; a Unix socket has no address`() throws {
    let path = try TestFolder.make("bounds") + "/hub.sock"
    let hub = try start(["--max-connections-per-address", "5", "--listen", "unix:\(path)"])
    let (served, refused) = try fill(hub, atMost: 20)
    #expect(served.count == 5 && refused != nil)
    try expectRefused(hub)
    let local = try (0..<8).map { _ in try RawSocket(path: path) }
    for socket in local + served { #expect(try socket.request("GET", "/health").status == 200) }
    #expect(hub.stop() == 0)
  }

  @Test func `Under TLS a peer is told 503 too, and one that does not even greet is not waited for`() throws {
    let scene = try TLSScene { _ in ["--reactors", "1", "--max-connections", "3"] }
    let served = try (0..<3).map { _ in try scene.connect() }
    for socket in served { #expect(try socket.request("GET", "/health").status == 200) }
    let refused = try scene.connect()
    expectProblem(try refused.answer(), 503, "too_many_connections")
    #expect(try refused.endsHere())
    let silent = try RawSocket(port: scene.port)
    let start = Date()
    #expect(try silent.endsHere())
    #expect(Date().timeIntervalSince(start) < 8)
    for socket in served { #expect(try socket.request("GET", "/health").status == 200) }
  }

  @Test func `Without a bound there are as many as descriptors leave room for`() throws {
    let hub = try start([], descriptors: 140)
    let (served, refused) = try fill(hub, atMost: 200)
    #expect(served.count > 40 && served.count < 100, "\(served.count) of 140")
    #expect(refused != nil)
    try expectRefused(hub)
    // What descriptors were kept for: the database can still be dialled and asked.
    let answer = try served[0].request("GET", "/ready")
    #expect(answer.status == 200, "\(answer.text)")
    #expect(try served[0].request("GET", "/metrics").text.contains("hub_accept_failures_total 0\n"))
    #expect(hub.stop() == 0)
  }

  /// Seconds of processor time that the process has used.
  private func processorTime(_ hub: HubUnderTest) throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(hub.processID)/stat", encoding: .utf8)
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    try #require(fields.count > 13)
    return Double((Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  @Test func `EMFILE shuts peers out, spins nothing, and ends when descriptors come back`() throws {
    // More connections are allowed than there are descriptors for.
    let hub = try start(["--max-connections", "100000", "--head-timeout", "60s"], descriptors: 100)
    let (served, refused) = try fill(hub, atMost: 200)
    #expect(served.count > 40 && served.count < 100, "\(served.count) of 100")
    #expect(refused != nil)
    // A crowd that waits at the door and knocks again, for two seconds.
    let used = try processorTime(hub)
    let end = Date(timeIntervalSinceNow: 2)
    var knocks = 0
    var waiting: [RawSocket] = []
    while Date() < end {
      waiting.append(try RawSocket(port: hub.port))
      knocks += 1
      if waiting.count > 200 { waiting.removeFirst(100) }
      #expect(try served[knocks % served.count].request("GET", "/health").status == 200)
      poll(nil, 0, 2)
    }
    let spent = try processorTime(hub) - used
    #expect(spent < 1, "\(spent) s of processor for \(knocks) knocks and as many answers in 2 s")
    #expect(try served[0].request("GET", "/metrics").text.firstMatch(of: /hub_accept_failures_total [1-9]/) != nil)
    // Nobody knocks: then nothing is to be done.
    let idle = try processorTime(hub)
    let quiet = Date(timeIntervalSinceNow: 1)
    try eventually("a second has gone by") { Date() > quiet }
    #expect(try processorTime(hub) - idle < 0.3)
    for socket in served.prefix(20) { socket.cut() }
    waiting = []
    try eventually("somebody new is served") {
      (try? RawSocket(port: hub.port, patience: 2).request("GET", "/health").status) == 200
    }
    for socket in served.dropFirst(20) { #expect(try socket.request("GET", "/health").status == 200) }
    #expect(hub.stop() == 0)
  }

  @Test(arguments: [
    ("--max-connections", "0"), ("--max-connections", "many"), ("--max-connections-per-address", "-1"),
    ("--head-timeout", "0s"), ("--body-timeout", "10"), ("--idle-timeout", "2d"), ("--write-timeout", "-1s"),
    ("--sign-in-timeout", ""),
  ])
  func `A bound that is none is refused at the start`(option: String, value: String) throws {
    do {
      try run([try HubUnderTest.program(), "serve", "--listen", "127.0.0.1:0", "\(option)=\(value)"])
      Issue.record("it started")
    } catch let error as SupportError {
      #expect(error.description.contains("hub: \(option) is"))
    }
  }
}
