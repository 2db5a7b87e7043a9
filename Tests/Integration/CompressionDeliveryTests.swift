// Compression where many listen: a publish is compressed once whatever the number of sockets, every socket is given the
// same whichever form it takes it in, and sockets that keep no context cost no stream.
import Foundation
import Testing
import TestSupport

@Suite(.serialized) struct CompressionDeliveryTests {
  private static let started = Result { try SharedHub(arguments: ["--reactors", "2"]) }
  private static let takeover = Result { try SharedHub(arguments: ["--reactors", "1", "--compression", "takeover"]) }

  private func house(_ shared: Result<SharedHub, any Error> = started) throws -> RestHouse {
    try RestHouse(at: try shared.get())
  }

  private func socket(_ house: RestHouse, _ extensions: String, query: String = "?snapshot=false") throws
    -> DeflateSocket
  {
    try DeflateSocket(
      port: house.hub.port, path: "/ws/kitchen/\(house.id)\(query)", token: house.manager, extensions: extensions)
  }

  /// Publishes `count` events in one transaction, each large enough to be compressed.
  private func publish(_ house: RestHouse, _ count: Int = 1, pad: Int = 600) throws {
    let pad = String(decoding: prose(pad), as: UTF8.self).replacing("\"", with: "'")
    try house.shared.foreign().execute(
      "SELECT hub.publish($1, 'test.told', jsonb_build_object('number', n, 'pad', $2::text)) FROM generate_series(1, $3::int) n",
      ["kitchen:\(house.id)", pad, "\(count)"])
  }

  @Test func `One compression a publish, whatever the number of sockets, and the same for all`() throws {
    let house = try house()
    let offers = ["permessage-deflate", "permessage-deflate; client_max_window_bits", "x-none"]
    let sockets = try (0..<60).map { try socket(house, offers[$0 % 3]) }
    for socket in sockets { _ = try socket.next("subscribed") }
    for (round, count) in [1, 1, 5, 16].enumerated() {
      let before = try house.hub.metric("hub_compressions_total")
      try publish(house, count)
      var texts: Set<[UInt8]> = []
      for socket in sockets {
        for _ in 0..<count {
          let event = try socket.next("event").message
          texts.insert(event.payload)
          #expect(event.isCompressed == (socket.answer != nil))
          if event.isCompressed { #expect(event.sentBytes * 2 < event.payload.count) }
        }
      }
      #expect(texts.count == count, "round \(round)")
      // Two reactors and forty sockets that take it compressed.
      #expect(try house.hub.metric("hub_compressions_total") - before == count, "round \(round)")
    }
    // Another window is another form: one more, once.
    let narrow = try (0..<5).map { _ in try socket(house, "permessage-deflate; server_max_window_bits=9") }
    for socket in narrow { _ = try socket.next("subscribed") }
    let before = try house.hub.metric("hub_compressions_total")
    try publish(house)
    let texts = try Set((sockets + narrow).map { try $0.next("event").message.payload })
    #expect(texts.count == 1)
    #expect(try house.hub.metric("hub_compressions_total") - before == 2)
  }

  @Test func `Short events are not compressed`() throws {
    let house = try house()
    let socket = try socket(house, "permessage-deflate")
    _ = try socket.next("subscribed")
    let before = try house.hub.metric("hub_compressions_total")
    try house.publish("kitchen")
    #expect(try !socket.next("event").message.isCompressed)
    #expect(try house.hub.metric("hub_compressions_total") == before)
  }

  @Test func `A snapshot is compressed once for all that come at the same offset, and is the same`() throws {
    let house = try house()
    try house.order([house.burger, house.soda], then: ["confirm"])
    let plain = try socket(house, "x-none", query: "").next("subscribed")
    #expect(plain.message.payload.count > 256)
    // Each reactor reads the snapshot for itself.
    for _ in 0..<8 { _ = try socket(house, "permessage-deflate", query: "").next("subscribed") }
    let before = try house.hub.metric("hub_compressions_total")
    for _ in 0..<20 {
      let deflating = try socket(house, "permessage-deflate", query: "")
      let (json, message) = try deflating.next("subscribed")
      #expect(message.isCompressed && message.sentBytes < message.payload.count)
      #expect(json["snapshot"].description == plain.json["snapshot"].description)
      #expect(json["offset"].integer == plain.json["offset"].integer)
    }
    #expect(try house.hub.metric("hub_compressions_total") == before)
  }

  @Test(arguments: [false, true])
  func `Who resumes is given the missed events compressed, once and in order, from memory and from the log`(
    ownContexts: Bool
  ) throws {
    let house = try house(ownContexts ? Self.takeover : Self.started)
    let first = try socket(house, "permessage-deflate")
    let epoch = try first.next("welcome").json["epoch"].string ?? ""
    let start = try first.next("subscribed").json["offset"].integer ?? -1
    // More than the recent events hold: the beginning is read from the log.
    for _ in 0..<7 { try publish(house, 100, pad: 900) }
    let last = start + 700
    for expected in start + 1...last {
      guard try first.next("event").json["offset"].integer == expected else {
        Issue.record("not \(expected)")
        return
      }
    }
    for since in [start, start + 400, last - 5] {
      for extensions in ["permessage-deflate", "x-none"] {
        let late = try socket(house, extensions, query: "?since=\(since)&epoch=\(epoch)")
        #expect(try late.next("subscribed").json["recovered"].boolean == true)
        for expected in since + 1...last {
          let (json, message) = try late.next("event")
          #expect(json["offset"].integer == expected && message.isCompressed == (late.answer != nil))
        }
      }
    }
  }

  @Test func `Commands and their answers are compressed both ways`() throws {
    for shared in [Self.started, Self.takeover] {
      let house = try house(shared)
      let socket = try DeflateSocket(
        port: house.hub.port, path: "/ws", token: house.manager, extensions: "permessage-deflate")
      for id in 1...5 {
        try socket.send([
          "type": "command", "id": id, "method": "GET", "path": "/api/v1/restaurants/\(house.id)/menu",
        ])
        let (json, message) = try socket.next("reply")
        #expect(json["id"].integer == id && json["status"].integer == 200)
        #expect(message.isCompressed && message.sentBytes < message.payload.count)
      }
    }
  }

  @Test func `A message over 64 KiB is refused before it is held, however small it was sent`() throws {
    let house = try house()
    for size in [65_537, 1 << 20, 16 << 20] {
      let socket = try DeflateSocket(
        port: house.hub.port, path: "/ws", token: house.manager, extensions: "permessage-deflate")
      try socket.send([UInt8](repeating: 0x20, count: size))
      #expect(try socket.webSocket.receiveClose().closeCode == 1009)
    }
  }

  @Test func `Only sockets that keep a context have streams of their own, and give them back`() throws {
    func contexts(_ house: RestHouse) throws -> Int { try house.hub.metric("hub_compression_contexts") }
    let house = try house(Self.takeover)
    // Sockets of other tests may still be on their way out.
    try eventually("no contexts are left") { try contexts(house) == 0 }
    var sockets = try (0..<6).map { _ in try socket(house, "permessage-deflate", query: "?snapshot=false") }
    for socket in sockets { _ = try socket.next("subscribed") }
    let welcomed = try contexts(house)
    // The welcome and the answer went through the deflater; no client has sent anything compressed.
    #expect(welcomed == 6)
    for socket in sockets {
      try socket.send(["type": "ping", "id": 1])
      _ = try socket.next("pong")
    }
    #expect(try contexts(house) == 12)
    sockets = []
    try eventually("the contexts are given back") { try contexts(house) == 0 }
    let modest = try socket(house, "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    try modest.send(["type": "ping", "id": 1])
    _ = try modest.next("pong")
    #expect(try contexts(house) == 0)
  }

  @Test func `A thousand idle sockets that share the streams cost what plain ones cost`() throws {
    let house = try RestHouse(at: SharedHub(arguments: ["--reactors", "1"]))
    func grown(_ extensions: String) throws -> Int {
      let before = house.hub.residentMemory
      let sockets = try (0..<1000).map { _ in try socket(house, extensions) }
      for socket in sockets {
        _ = try socket.next("subscribed")
        if socket.answer != nil {
          try socket.send(["type": "ping", "id": 1])
        } else {
          try socket.webSocket.send(["type": "ping", "id": 1])
        }
        _ = try socket.next("pong")
      }
      return house.hub.residentMemory - before
    }
    // What it keeps for good (stacks, buffers, the shared streams) is there before the count begins.
    _ = try grown("permessage-deflate")
    try eventually("the sockets are gone") { try house.hub.metric("hub_websockets") == 0 }
    let plain = try grown("x-none")
    try eventually("the sockets are gone") { try house.hub.metric("hub_websockets") == 0 }
    let shared = try grown("permessage-deflate")
    // One zlib stream for each would be 300 MiB; even a hundred of them would show.
    #expect(shared < max(plain, 0) + 4096, "plain \(plain) KiB, shared \(shared) KiB")
    #expect(try house.hub.metric("hub_compression_contexts") == 0)
  }
}
