// Somebody who does nothing wrong while others do: a socket that was open before, and must go on as if nothing had
// happened. Tests of bad input ask it after each row.
import Foundation
import Testing
import TestSupport

/// The hub that the suites of bad input share: what a test does to it must not touch the others.
enum BadInputHub {
  private static let started = Result { try SharedHub(arguments: ["--allow-origin", "https://screens.example"]) }
  static var shared: SharedHub { get throws { try started.get() } }
}

final class Bystander {
  let house: RestHouse
  private let socket: RawWebSocket
  private let publisher: ForeignConnection
  private var offset: Int
  private var round = 0

  init(at shared: SharedHub? = nil) throws {
    house = try RestHouse(at: shared ?? BadInputHub.shared)
    socket = try house.socket("/ws/kitchen/\(house.id)")
    offset = try socket.next("subscribed")["offset"].integer ?? -1
    publisher = try house.shared.foreign()
  }

  var port: UInt16 { house.hub.port }

  /// A ping is answered and an event delivered, each as the next message; and the process runs.
  func expectUndisturbed(_ comment: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    round += 1
    do {
      try socket.send(["type": "ping", "id": round])
      let pong = try socket.next()
      #expect(
        pong["type"].string == "pong" && pong["id"].integer == round, "\(comment)", sourceLocation: sourceLocation)
      try publisher.execute("SELECT hub.publish('kitchen:\(house.id)', 'test.round', '{\"round\":\(round)}')")
      let event = try socket.next()
      offset += 1
      #expect(event["offset"].integer == offset, "\(comment) \(event)", sourceLocation: sourceLocation)
      #expect(event["data"]["round"].integer == round, "\(comment) \(event)", sourceLocation: sourceLocation)
    } catch {
      Issue.record("disturbed by \(comment): \(error)", sourceLocation: sourceLocation)
      throw error
    }
    #expect(house.hub.isRunning, "\(comment)", sourceLocation: sourceLocation)
  }
}

extension RawSocket {
  /// Whether the peer ends the stream without another byte.
  func endsHere() throws -> Bool { try received.isEmpty && receiveMore() == false }
}
