// What a check is to do.

package struct Plan: Sendable {
  /// Addresses of the hubs, `http://host:port`; subscribers and writers go to any of them.
  package var urls: [String] = []
  /// How to reach the hubs' database: for the program that publishes by SQL, and to read the log at the end.
  package var database = ""
  package var seconds = 60
  package var subscribers = 100
  /// How many of them use Server-Sent Events.
  package var streams = 0
  /// Events a second, about.
  package var rate = 60
  package var restaurants = 4
  /// A restaurant that is there already; then no orders are placed.
  package var restaurant: String?
  package var seed: UInt64 = 0
  /// Seconds between two whims of a subscriber, on the average; 0 for well-behaved ones.
  package var unrest = 15
  /// Seconds that everything may take to arrive after the last writer has ended.
  package var patience = 60
  /// An access token for this role in this restaurant; a platform owner's has an empty restaurant.
  package var token: @Sendable (_ role: String, _ restaurant: String) throws -> Token

  package init(token: @escaping @Sendable (_ role: String, _ restaurant: String) throws -> Token) {
    self.token = token
  }
}
