// `hub demo`: an evening over the public API. Tills place orders at a rate, kitchens cook every ticket that they are
// shown, tills complete what became ready; at the end everything that was sent must have been seen, once and in order.
import Domain
import EventLoop
import Glibc
import Protocol

package final class Evening: Sendable {
  package struct Plan: Sendable {
    package var url = "http://127.0.0.1:8080"
    package var restaurants = 1
    /// Orders a second over all restaurants.
    package var ordersASecond = 5
    package var seconds = 60
    /// Needed for more than one restaurant, to open the others.
    package var secretFile = ""
    /// How long open orders may take after the last one was placed, in seconds.
    package var patience = 30

    package init() {}
  }

  private let plan: Plan

  package init(_ plan: Plan) { self.plan = plan }

  /// Plays it; answers whether every count agrees.
  package func play() throws -> Bool {
    signal(SIGPIPE, SIG_IGN)
    guard plan.url.hasPrefix("http://"), let address = SocketAddress(String(plan.url.dropFirst(7)).trimmingSlashes)
    else { throw ClientError("\(plan.url) is not http://ADDRESS:PORT") }
    let plan = plan
    let worker = try LoopActor(name: "evening")
    defer { worker.loop.stop() }
    return try waitFor {
      try await worker.run { worker in
        let doors = try await Doors.open(plan, address, worker.loop)
        let services = try doors.map { try DemoRestaurant(loop: worker.loop, address: address, door: $0) }
        defer { for service in services { service.close() } }
        for service in services { try await service.open() }
        try await Evening.serve(services, plan, worker.loop)
        return Evening.report(services)
      }
    }
  }

  /// Places orders at the plan's rate, then waits until everything is completed.
  private static func serve(_ services: [DemoRestaurant], _ plan: Plan, _ loop: EventLoop) async throws {
    let start = MonotonicTime.now()
    let total = plan.ordersASecond * plan.seconds
    var placed = 0
    var shownSecond: Int64 = -1
    while placed < total {
      let elapsed = MonotonicTime.now().since(start)
      let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
      while placed < total, Double(placed) <= seconds * Double(plan.ordersASecond) {
        services[placed % services.count].placeOrder()
        placed += 1
      }
      if elapsed.components.seconds != shownSecond {
        shownSecond = elapsed.components.seconds
        progress(services, shownSecond)
      }
      await loop.pause(.milliseconds(5))
      if let lost = services.lazy.compactMap(\.failure).first { throw ClientError(lost) }
    }
    let end = MonotonicTime.now().advanced(by: .seconds(plan.patience))
    while services.contains(where: { !$0.isDone }), MonotonicTime.now() < end { await loop.pause(.milliseconds(20)) }
    progress(services, MonotonicTime.now().since(start).components.seconds)
  }

  private static func progress(_ services: [DemoRestaurant], _ second: Int64) {
    let sums = Tally.sum(services.map(\.tally))
    print("\(second) s: \(sums.placed) placed, \(sums.shown) shown to the kitchen, \(sums.completed) completed")
  }

  private static func report(_ services: [DemoRestaurant]) -> Bool {
    let sums = Tally.sum(services.map(\.tally))
    let latencies = services.flatMap(\.latencies).sorted()
    func percentile(_ part: Double) -> String {
      guard !latencies.isEmpty else { return "–" }
      let micros = latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))] / 1000
      return "\(micros / 1000).\(String(micros % 1000 + 1000).dropFirst()) ms"
    }
    print("")
    print("orders sent       \(sums.sent)")
    print("orders placed     \(sums.placed)")
    print("shown to kitchen  \(sums.shown)")
    print("completed         \(sums.completed)")
    print("refused           \(sums.refused)")
    print("events received   \(sums.events), gaps \(sums.gaps), repeats \(sums.repeats)")
    print("confirm to screen p50 \(percentile(0.5)), p99 \(percentile(0.99))")
    let agrees =
      sums.sent == sums.placed && sums.placed == sums.shown && sums.shown == sums.completed && sums.gaps == 0
      && sums.repeats == 0 && sums.sent > 0
    print(agrees ? "every order placed was shown and completed" : "the counts do not agree")
    return agrees
  }
}

/// What one restaurant sent and saw.
struct Tally {
  var sent = 0
  var placed = 0
  var shown = 0
  var completed = 0
  var refused = 0
  var events = 0
  var gaps = 0
  var repeats = 0

  static func sum(_ tallies: [Tally]) -> Tally {
    tallies.reduce(into: Tally()) { sum, tally in
      sum.sent += tally.sent
      sum.placed += tally.placed
      sum.shown += tally.shown
      sum.completed += tally.completed
      sum.refused += tally.refused
      sum.events += tally.events
      sum.gaps += tally.gaps
      sum.repeats += tally.repeats
    }
  }
}

extension EventLoop {
  /// Waits on the loop's own timers; on the loop.
  func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      schedule(after: duration) { continuation.resume() }
    }
  }
}

extension String {
  fileprivate var trimmingSlashes: String {
    var text = self
    while text.hasSuffix("/") { text.removeLast() }
    return text
  }
}
