// A channel's list of subscribers: any of them leaves in any order, each once, without a search.
import EventLoop
import Channels
import TestSupport
import Testing

@testable import Hub

@Suite struct LocalChannelTests {
  private func makeChannel() throws -> LocalChannel {
    LocalChannel(name: try #require(ChannelName("platform")), generation: 1)
  }

  private func makeSubscriber(_ channel: LocalChannel) -> Hub.Subscriber {
    let connection = Connection(descriptor: -1, peer: .unix, second: 0, deadline: .max)
    return Hub.Subscriber(connection: connection, channel: channel)
  }

  @Test func subscribersKnowTheirPlaces() throws {
    let channel = try makeChannel()
    let subscribers = (0..<5).map { _ in makeSubscriber(channel) }
    for subscriber in subscribers { channel.add(subscriber) }
    channel.remove(subscribers[1])
    #expect(subscribers[1].hasLeft)
    #expect(channel.seats.enumerated().allSatisfy { $0 == $1.subscriber.position })
    #expect(
      channel.seats.map { ObjectIdentifier($0.subscriber) } == [0, 4, 2, 3].map { ObjectIdentifier(subscribers[$0]) })
  }

  @Test func leavingTwiceTakesNobodyElseOut() throws {
    let channel = try makeChannel()
    let subscribers = (0..<3).map { _ in makeSubscriber(channel) }
    for subscriber in subscribers { channel.add(subscriber) }
    channel.remove(subscribers[0])
    channel.remove(subscribers[0])
    #expect(channel.seats.count == 2)
    channel.remove(subscribers[2])
    channel.remove(subscribers[1])
    channel.remove(subscribers[1])
    #expect(channel.seats.isEmpty)
  }

  @Test func whoeverComesAndGoesTheListIsThoseWhoAreThere() throws {
    var random = SeededRandom()
    let channel = try makeChannel()
    var there: [Hub.Subscriber] = []
    for step in 0..<2000 {
      if there.isEmpty || random.chance(52) {
        let subscriber = makeSubscriber(channel)
        channel.add(subscriber)
        there.append(subscriber)
      } else {
        channel.remove(there.remove(at: Int.random(in: 0..<there.count, using: &random)))
      }
      guard channel.seats.enumerated().allSatisfy({ $0 == $1.subscriber.position && !$1.subscriber.hasLeft }),
        Set(channel.seats.map { ObjectIdentifier($0.subscriber) }) == Set(there.map { ObjectIdentifier($0) })
      else {
        Issue.record("seed \(random.seed), step \(step)")
        return
      }
    }
  }
}
