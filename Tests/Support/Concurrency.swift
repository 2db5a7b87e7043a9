// Threads, waiting and randomness for tests. Tests block, so what runs beside them runs on Foundation threads, never on
// Swift tasks: the tests' own executor has two threads only. Every wait has a limit and says what it waited for.
package import Foundation
import Glibc

/// How much longer than usual every wait may take: programs built with a sanitizer are many times slower.
package enum Patience {
  /// `HUB_TEST_PATIENCE`, 1 unless it is set.
  package static let factor = ProcessInfo.processInfo.environment["HUB_TEST_PATIENCE"].flatMap { Double($0) } ?? 1

  /// The moment at which a wait that began now has lasted too long.
  static func end(within seconds: TimeInterval) -> Date { Date(timeIntervalSinceNow: seconds * factor) }
}

/// A thread with a body that may fail; whoever started it waits for its end.
package final class Worker: @unchecked Sendable {
  // @unchecked: `outcome` is behind the condition's lock.
  private let condition = NSCondition()
  private var outcome: Result<Void, any Error>?
  private let name: String

  package init(_ name: String = "worker", _ body: @escaping @Sendable () throws -> Void) {
    self.name = name
    let thread = Thread { [self] in
      let result = Result { try body() }
      condition.lock()
      outcome = result
      condition.broadcast()
      condition.unlock()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Whether the body has ended, well or not.
  package var hasEnded: Bool {
    condition.lock()
    defer { condition.unlock() }
    return outcome != nil
  }

  /// Waits for the end; throws the body's error, or an error of its own when it takes too long.
  package func wait(within seconds: TimeInterval) throws {
    let end = Patience.end(within: seconds)
    condition.lock()
    defer { condition.unlock() }
    while outcome == nil {
      guard condition.wait(until: end) || outcome != nil else {
        throw SupportError("\(name) has not ended within \(seconds) s")
      }
    }
    try outcome?.get()
  }
}

/// Runs `body` on `count` threads at once, each with its number, and waits for all; throws the first error.
package func runConcurrently(
  _ count: Int, within seconds: TimeInterval = 120, _ body: @escaping @Sendable (Int) throws -> Void
) throws {
  let workers = (0..<count).map { number in Worker("worker \(number)") { try body(number) } }
  let end = Patience.end(within: seconds)
  var first: (any Error)?
  for worker in workers {
    do { try worker.wait(within: max(0, end.timeIntervalSinceNow)) } catch { first = first ?? error }
  }
  if let first { throw first }
}

/// Looks every few milliseconds until the condition holds; throws when it does not in time.
package func eventually(
  _ expected: @autoclosure () -> String, within seconds: TimeInterval = 20, _ condition: () throws -> Bool
) throws {
  let end = Patience.end(within: seconds)
  while try !condition() {
    guard Date() < end else { throw SupportError("not within \(seconds) s: \(expected())") }
    poll(nil, 0, 5)
  }
}

/// A number that threads count up together.
package final class SharedCount: @unchecked Sendable {
  // @unchecked: behind the lock.
  private let lock = NSLock()
  private var count = 0

  package init() {}

  package var value: Int { lock.withLock { count } }

  @discardableResult
  package func add(_ number: Int = 1) -> Int {
    lock.withLock {
      count += number
      return count
    }
  }
}

/// Random numbers that can be had again (SplitMix64): a failing test prints its seed, `HUB_TEST_SEED` sets it.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// A fresh seed, or the one that the environment asks for.
  package init() {
    let asked = ProcessInfo.processInfo.environment["HUB_TEST_SEED"].flatMap { UInt64($0) }
    self.init(seed: asked ?? UInt64.random(in: 1...999_999))
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A stream of its own for thread `number`.
  package func stream(_ number: Int) -> SeededRandom { SeededRandom(seed: seed &* 1_000_003 &+ UInt64(number) &+ 1) }

  package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
