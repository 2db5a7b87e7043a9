// Threads of the writers: each blocks on its own connection, which is the plainest client there is.
import Glibc
import Synchronization

/// A thread and what it hands back at its end.
final class Worker<Result: Sendable>: Sendable {
  private let result = Mutex<Result?>(nil)

  /// Begins at once; `isDone` turns true when the body has returned.
  init(_ body: @escaping @Sendable () -> Result) throws {
    let box = Box { [self] in
      let value = body()
      result.withLock { $0 = value }
    }
    var thread = pthread_t()
    let pointer = Unmanaged.passRetained(box)
    let code = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
        return nil
      }, pointer.toOpaque())
    guard code == 0 else {
      pointer.release()
      throw CheckError("a thread could not be started: \(String(cString: strerror(code)))")
    }
    pthread_detach(thread)
  }

  var isDone: Bool { result.withLock { $0 != nil } }
  var outcome: Result? { result.withLock { $0 } }
}

private final class Box: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Tells writers to come to an end.
final class Ending: Sendable {
  private let flag = Atomic<Bool>(false)
  var hasCome: Bool { flag.load(ordering: .relaxed) }
  func come() { flag.store(true, ordering: .relaxed) }
}

/// Keeps a writer at its rate; who was held up catches up a little, not all of it.
struct Pace {
  private let interval: Double
  private var next: Double

  init(perSecond: Double) {
    interval = 1 / max(perSecond, 0.001)
    next = Self.now()
  }

  mutating func wait(random: inout Seeded) {
    next = max(next, Self.now() - 3) + interval * Double.random(in: 0.5...1.5, using: &random)
    pause(next - Self.now())
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Blocks the thread for so many seconds.
func pause(_ seconds: Double) {
  if seconds > 0 { usleep(useconds_t(min(seconds, 60) * 1e6)) }
}
