// wire §1 and §2: what a subscription begins with. `since` and `epoch` resume where that is possible and give a snapshot
// where it is not; after `unsubscribe` nothing more comes.
import Foundation
import Testing
import TestSupport

extension DeliveryTests {
  @Suite(.serialized) struct Resuming {
    @Test func sinceResumesWhereItCanAndGivesASnapshotWhereItCannot() throws {
      let scene = try DeliveryScene()
      let epoch = try scene.program.execute("SELECT epoch FROM hub.epoch")[0][0]
      for _ in 0..<5 { try scene.publish("test.early", on: scene.kitchen) }
      /// Since, from the beginning or from the head, the epoch, and whether the subscription resumes.
      let cases: [(since: (Int64) -> Int64, epoch: String?, resumes: Bool)] = [
        ({ _ in 0 }, epoch, true), ({ _ in 0 }, nil, true), ({ _ in 2 }, epoch, true), ({ $0 - 1 }, epoch, true),
        ({ $0 }, epoch, true), ({ $0 + 1 }, epoch, false), ({ $0 + 1_000_000 }, nil, false),
        ({ _ in Int64.max }, epoch, false), ({ _ in 2 }, "another", false), ({ $0 }, "another", false),
        ({ _ in 0 }, "", false),
      ]
      // Twice: at first the log is asked, then the events are in memory.
      for _ in 0..<2 {
        for (place, epoch, resumes) in cases {
          let head = try scene.head(scene.kitchen)
          let since = place(head)
          let socket = try scene.connect()
          let subscribed = try scene.subscribe(socket, scene.kitchen, since: since, epoch: epoch)
          let expected = resumes ? since : head
          #expect(subscribed.json["recovered"] as? Bool == resumes, "since \(since) of \(head), epoch \(epoch ?? "-")")
          #expect(subscribed.offset == expected && (subscribed.snapshot == nil) == resumes)
          try scene.publish("test.late", on: scene.kitchen)
          var next = expected
          while next < head + 1 {
            next += 1
            try #require(try socket.next("event").offset == next, "since \(since) of \(head)")
          }
        }
      }
    }

    @Test func sinceBelowWhatIsKeptGivesASnapshot() throws {
      let scene = try DeliveryScene()
      for _ in 0..<5 { try scene.publish("test.early", on: scene.kitchen) }
      let head = try scene.head(scene.kitchen)
      try scene.program.execute(#"DELETE FROM hub.event WHERE channel = '\#(scene.kitchen)' AND "offset" < \#(head)"#)
      for (since, resumes) in [(0, false), (head - 2, false), (head - 1, true), (head, true)] {
        let socket = try scene.connect()
        let subscribed = try scene.subscribe(socket, scene.kitchen, since: since)
        #expect(subscribed.json["recovered"] as? Bool == resumes, "since \(since) of \(head)")
        #expect(subscribed.offset == (resumes ? since : head))
      }
    }

    @Test func afterUnsubscribeNothingMoreComes() throws {
      let scene = try DeliveryScene()
      let socket = try scene.connect()
      try scene.subscribe(socket, scene.kitchen)
      let start = try scene.subscribe(socket, scene.pos).offset
      try scene.publish("test.both", on: scene.kitchen, scene.pos)
      for _ in 0..<2 { #expect(try socket.next("event").event == "test.both") }

      try socket.send(["type": "unsubscribe", "id": 7, "channel": scene.kitchen])
      #expect(try socket.next("unsubscribed").string("channel") == scene.kitchen)
      for _ in 0..<20 { try scene.publish("test.both", on: scene.kitchen, scene.pos) }
      for number in 2...Int64(21) {
        let event = try socket.next("event")
        try #require(event.string("channel") == scene.pos && event.offset == start + number)
      }
      // It may come back, from where it was.
      let back = try scene.subscribe(socket, scene.kitchen, since: 4)
      #expect(back.json["recovered"] as? Bool == true)
      for number in 5...(try scene.head(scene.kitchen)) {
        let event = try socket.next("event")
        try #require(event.string("channel") == scene.kitchen && event.offset == number)
      }
    }

    /// A backup was restored: by hand the epoch was changed, or nobody has thought of it and the hub finds the log
    /// behind what it has shown.
    @Test(arguments: ["restored", nil]) func aLogThatWentBackGivesEverySubscriberASnapshot(epoch: String?) throws {
      let scene = try DeliveryScene()
      let before = try scene.program.execute("SELECT epoch FROM hub.epoch")[0][0]
      let sockets = try (0..<6).map { _ in try scene.connect() }
      for socket in sockets { try scene.subscribe(socket, scene.kitchen) }
      for _ in 0..<3 { try scene.publish("test.lost", on: scene.kitchen) }
      for socket in sockets { for _ in 0..<3 { _ = try socket.next("event") } }
      try scene.program.execute(
        """
        BEGIN; \(epoch.map { "UPDATE hub.epoch SET epoch = '\($0)';" } ?? "")
        DELETE FROM hub.event WHERE name = 'test.lost'; UPDATE hub.channel SET head = head - 3 WHERE name = '\(scene.kitchen)';
        COMMIT
        """)
      let head = try scene.head(scene.kitchen)
      try scene.killListener()
      var after: Set<String> = []
      for socket in sockets {
        let subscribed = try socket.next("subscribed")
        #expect(subscribed.json["recovered"] as? Bool == false)
        #expect(subscribed.offset == head && subscribed.snapshot != nil)
        after.insert(subscribed.string("epoch"))
      }
      #expect(after.count == 1 && after.first != before && after.first == epoch ?? after.first)
      for number in 1...Int64(4) {
        try scene.publish("test.after", on: scene.kitchen)
        for socket in sockets {
          let event = try socket.next("event")
          #expect(event.event == "test.after" && event.offset == head + number)
        }
      }
      // Who comes back from before must not be given what now has the offsets after its own.
      let back = try scene.connect()
      let resumed = try scene.subscribe(back, scene.kitchen, since: head + 3, epoch: before)
      #expect(resumed.json["recovered"] as? Bool == false && resumed.offset == head + 4)
    }
  }
}
