// Options that bound what peers may cost: times and numbers of connections.
import Hub

extension Options {
  static let limits = [
    "head-timeout", "body-timeout", "idle-timeout", "sign-in-timeout", "write-timeout", "max-connections",
    "max-connections-per-address",
  ]

  /// The bounds as the options have them, each with its standard value where none is given.
  func serverLimits() throws -> ServerLimits {
    var limits = ServerLimits()
    try take("head-timeout", into: &limits.headSeconds)
    try take("body-timeout", into: &limits.bodySeconds)
    try take("idle-timeout", into: &limits.idleSeconds)
    try take("sign-in-timeout", into: &limits.signInSeconds)
    try take("write-timeout", into: &limits.writeSeconds)
    limits.connections = try integer("max-connections", in: 1...100_000_000) ?? limits.connections
    if let number = try integer("max-connections-per-address", in: 1...100_000_000) {
      limits.connectionsPerAddress = number
      limits.countsLoopback = true
    }
    return limits
  }

  /// Seconds between heartbeats. A screen calls itself stale after two without one, so many of them are a long time.
  func heartbeatSeconds() throws -> Int32? {
    guard let seconds = try seconds("heartbeat") else { return nil }
    guard seconds <= 60 else { throw UsageError("--heartbeat is at most 60s.") }
    return Int32(seconds)
  }

  private func take(_ name: String, into limit: inout Int32) throws {
    guard let seconds = try seconds(name) else { return }
    guard seconds <= 86_400 else { throw UsageError("--\(name) is at most 1d.") }
    limit = Int32(seconds)
  }

  /// The origins of `--allow-origin` in the form that browsers send.
  func allowedOrigins() throws -> Set<String> {
    Set(
      try all("allow-origin").map { text in
        guard let origin = CrossOrigin.normalised(text) else {
          throw UsageError("\"\(text)\" is no origin such as https://pos.example or http://pos.example:8080.")
        }
        return origin
      })
  }
}
