// A loop with a thread for one test, and a way to run something on it and wait for that. Tests block, so what they wait
// for never needs the thread pool that runs them.
import EventLoop
import Foundation
import Synchronization

struct TimedOut: Error, CustomStringConvertible {
  let description: String
}

/// Something that another thread will set.
final class Promise<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let set = DispatchSemaphore(value: 0)

  func fulfil(_ value: Value) {
    self.value.withLock { $0 = value }
    set.signal()
  }

  func wait(_ what: String = "the promised value", within seconds: Double = 20) throws -> Value {
    guard set.wait(timeout: .now() + seconds) == .success, let value = value.withLock({ $0 }) else {
      throw TimedOut(description: "\(what) did not come within \(seconds) s")
    }
    set.signal()
    return value
  }
}

/// What happened, in order, from whatever thread.
final class Record<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  func add(_ value: Value) { values.withLock { $0.append(value) } }

  var all: [Value] { values.withLock { $0 } }
}

final class TestLoop: Sendable {
  let loop: EventLoop
  let tasks: LoopTasks

  init(client: (any LoopClient)? = nil) throws {
    loop = try EventLoop(name: "test loop")
    tasks = LoopTasks(loop)
    loop.start(client: client)
  }

  deinit { loop.stop() }

  /// Runs `body` on the loop's thread and waits for what it answers.
  func run<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) throws -> Value) throws -> Value {
    let promise = Promise<Result<Value, any Error>>()
    let loop = loop
    Task(executorPreference: tasks) { promise.fulfil(Result { try body(loop) }) }
    return try promise.wait("the loop's answer").get()
  }
}

/// Looks until the condition holds, up to a limit.
func eventually(_ expected: String, within seconds: Double = 20, _ condition: () throws -> Bool) throws {
  let end = MonotonicTime.now().advanced(by: .milliseconds(Int64(seconds * 1000)))
  while try !condition() {
    guard MonotonicTime.now() < end else { throw TimedOut(description: "not within \(seconds) s: \(expected)") }
    poll(nil, 0, 2)
  }
}
