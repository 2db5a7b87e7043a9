// What the devices that listen to a channel have received, shown and accepted: for those who answer for the screens, the
// managers and owners of the restaurant; for a channel of no restaurant the platform's owner.
import Channels
import Domain
import Postgres

enum ReceiptsService {
  static func list(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    guard let channel = request.parameters["channel"].flatMap({ ChannelName($0) }) else {
      throw .notFound("This channel")
    }
    switch channel.kind {
    case .restaurant, .kitchen, .pos, .payments:
      guard let restaurant = Identifier(channel.id) else { throw .notFound("This channel") }
      try request.require(.manageDevices, in: restaurant, of: "This channel")
    case .ramp, .account, .platform:
      guard try request.signedIn.mayOnPlatform(.manageDevices) else {
        switch try request.signedIn.mayListen(to: channel.kind.rawValue, channel.id) {
        case .invisible: throw .notFound("This channel")
        case .granted, .forbidden: throw .forbidden()
        }
      }
    }
    let page = try Page(request.query)
    return try page.answer(try await ReceiptsQueries.list(channel, page, database))
  }
}
