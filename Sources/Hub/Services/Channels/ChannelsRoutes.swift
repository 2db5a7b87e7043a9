// The read side of the log, and publishing by an admin over HTTP (wire §5).
import Channels
import Domain
import Postgres
import Protocol

extension Router {
  package mutating func addChannels() {
    read("/api/v1/channels/{channel}") { (request, database) async throws(Problem) in
      try await ChannelsService.snapshot(request, database)
    }
    read("/api/v1/channels/{channel}/events") { (request, database) async throws(Problem) in
      try await ChannelsService.events(request, database)
    }
    read("/api/v1/channels/{channel}/presence") { (request, database) async throws(Problem) in
      try await ChannelsService.presence(request, database)
    }
    command("POST", "/api/v1/channels/{channel}/events") { (request, transaction) async throws(Problem) in
      try await ChannelsService.publish(request, transaction)
    }
  }
}
