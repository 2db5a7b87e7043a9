// Thousands of peers that send their request a byte at a time (Slowloris): they cost memory for their bytes, and the
// others hardly notice. Timed against the same hub without them, in the same test.
import Foundation
import Glibc
import Testing
import TestSupport

@Suite(.serialized) struct SlowlorisTests {
  /// Milliseconds that requests took, one after another on one connection, a few milliseconds apart.
  private func measure(_ hub: HubUnderTest, for seconds: TimeInterval) throws -> [Double] {
    let socket = try RawSocket(port: hub.port)
    let end = Date(timeIntervalSinceNow: seconds)
    var times: [Double] = []
    while Date() < end {
      let start = DispatchTime.now().uptimeNanoseconds
      guard try socket.request("GET", "/health").status == 200 else { throw SupportError("not served") }
      times.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
      poll(nil, 0, 2)
    }
    return times
  }

  private func percentile99(_ times: [Double]) -> Double { times.sorted()[times.count * 99 / 100] }

  private func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(clamping: limit.rlim_cur)
  }

  /// Times of requests while `peers` send a byte each a second.
  private func measure(_ hub: HubUnderTest, for seconds: TimeInterval, beside peers: [RawSocket]) throws -> [Double] {
    let descriptors = peers.map(\.descriptor)
    let isOver = SharedCount()
    let dripping = Worker("dripping") {
      var next = 0
      while isOver.value == 0 {
        // Ten each 2 ms are 5,000 a second.
        for _ in 0..<10 {
          var byte = UInt8(ascii: "x")
          guard Glibc.send(descriptors[next % descriptors.count], &byte, 1, Int32(MSG_NOSIGNAL)) == 1 else {
            throw SupportError("a peer was cut off")
          }
          next += 1
        }
        poll(nil, 0, 2)
      }
    }
    let times = try measure(hub, for: seconds)
    isOver.add()
    try dripping.wait(within: 5)
    return times
  }

  @Test func `Five thousand peers that drip leave the others served: p99 at most doubles`() throws {
    try #require(raiseDescriptorLimit() > 5500, "this test needs 5,500 descriptors")
    let hub = try HubUnderTest(database: try TestPostgres.makeDatabase(), arguments: ["--head-timeout", "30s"])
    // Others share this machine: three tries, each against its own calm before and after.
    var rounds: [(calm: Double, during: Double)] = []
    while rounds.count < 3 {
      let before = try measure(hub, for: 1.5)
      let peers = try (0..<5000).map { _ in try RawSocket(port: hub.port) }
      for peer in peers { try peer.send("POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nX: ") }
      try eventually("all are in") { try hub.metric("hub_connections") >= 5000 }
      let during = try measure(hub, for: 2.5, beside: peers)
      #expect(try hub.metric("hub_connections") >= 5000, "nobody was sent away meanwhile")
      for peer in peers { peer.cut() }
      try eventually("they are gone") { try hub.metric("hub_connections") < 10 }
      let after = try measure(hub, for: 1)
      rounds.append((percentile99(before + after), percentile99(during)))
      if rounds[rounds.count - 1].during <= max(2, 2 * rounds[rounds.count - 1].calm) { break }
    }
    let last = rounds[rounds.count - 1]
    #expect(last.during <= max(2, 2 * last.calm), "p99 in ms: \(rounds)")
    print(
      "Slowloris, p99 in ms:", rounds.map { "\($0.calm) without, \($0.during) beside 5,000" }.joined(separator: "; "))
    #expect(hub.stop() == 0)
  }

  @Test func `Thousands that run out of time together are told so, and hold nobody up`() throws {
    try #require(raiseDescriptorLimit() > 3500, "this test needs 3,500 descriptors")
    let hub = try HubUnderTest(database: try TestPostgres.makeDatabase(), arguments: ["--head-timeout", "3s"])
    let peers = try (0..<3000).map { _ in
      let peer = try RawSocket(port: hub.port)
      try peer.send("GET / HTTP/1.1\r\n")
      return peer
    }
    var slowest = 0.0
    try eventually("all are gone", within: 20) {
      slowest = max(slowest, try measure(hub, for: 0.2).max() ?? 0)
      return try hub.metric("hub_connections") <= 3
    }
    #expect(slowest < 1000, "\(slowest) ms")
    for peer in peers { expectProblem(try peer.answer(), 408, "request_timeout") }
  }
}
