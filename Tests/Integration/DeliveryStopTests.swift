// How hubs end: the drain is over long before a slow Postgres is.
import Foundation
import Glibc
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Stopping {
    @Test func aHubThatWaitsForItsPrivatePostgresEndsInPeace() throws {
      let hub = try HubUnderTest(database: nil)
      let server = try #require(
        try? String(contentsOfFile: "\(hub.data)/postgres/postmaster.pid", encoding: .utf8)
          .split(separator: "\n").first.flatMap { pid_t($0) })
      let checkpointer = try #require(child(of: server, named: "checkpointer"))
      // A server that is told to stop waits for its last checkpoint.
      kill(checkpointer, SIGSTOP)
      defer { kill(checkpointer, SIGCONT) }
      kill(hub.processID, SIGTERM)
      try eventually("the drain is over", within: 20) { hub.log.contains("drain.finished") }
      // Timers that come due now find what they refer to: the feed looks at the heads every 250 ms.
      let end = Date(timeIntervalSinceNow: 1)
      while Date() < end {
        #expect(hub.isRunning, "\(hub.log)")
        poll(nil, 0, 20)
      }
      kill(checkpointer, SIGCONT)
      #expect(hub.stop(with: 0) == 0, "\(hub.log)")
    }

    private func child(of parent: pid_t, named name: String) -> pid_t? {
      let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return entries.compactMap { pid_t($0) }.first { process in
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let command = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
        return status.contains("PPid:\t\(parent)\n") && command.contains(name)
      }
    }
  }
}
