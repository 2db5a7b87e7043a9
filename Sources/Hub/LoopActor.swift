// An actor with a loop and a thread of its own, for work beside the reactors: migrations, demo data, the command line.
package import EventLoop
import Glibc
import CLinux
import Synchronization

package actor LoopActor {
  package nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  package init(name: String) throws(SystemError) {
    loop = try EventLoop(name: name)
    loop.start()
  }

  deinit { loop.stop() }

  /// Runs `body` on the loop's thread.
  package func run<Value: Sendable>(_ body: @Sendable (isolated LoopActor) async throws -> Value) async rethrows
    -> Value
  {
    try await body(self)
  }
}

/// Runs an asynchronous operation from the main thread, which has no executor of its own, and waits for it.
package func waitFor<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) throws -> Value {
  let result = ResultBox<Value>()
  let done = eventfd(0, Int32(EFD_CLOEXEC))
  defer { close(done) }
  Task.detached {
    let outcome: Result<Value, any Error>
    do { outcome = .success(try await operation()) } catch { outcome = .failure(error) }
    result.store(outcome)
    var one: UInt64 = 1
    _ = write(done, &one, 8)
  }
  var count: UInt64 = 0
  while read(done, &count, 8) != 8 {}
  return try result.take().get()
}

private final class ResultBox<Value: Sendable>: Sendable {
  private let outcome = Mutex<Result<Value, any Error>?>(nil)
  func store(_ value: Result<Value, any Error>) { outcome.withLock { $0 = value } }
  func take() -> Result<Value, any Error> {
    outcome.withLock { $0 } ?? .failure(CancellationError())
  }
}

/// Makes printed lines leave at once, also into a pipe.
package func printLineByLine() { hub_buffer_lines() }
