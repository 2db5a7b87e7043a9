// Reads that thousands ask for at once: after a restart every screen wants the same snapshot or the same page of the log.
// One of them reads, on its own reactor; the others, on whichever reactor, wait for it or find what it left.
//
// 1. Who asks gets a value that serves it, or one whose read began after it asked: never the outcome of an older read that
//    happens not to know enough. So a read under way helps whom it can, and the rest share the next one.
// 2. For a key there is one read at a time, whatever comes. A failure is everybody's who waited for it, and is not kept.
// 3. What was read is kept up to a number of bytes, and no longer than it is asked for: there are two generations, what is
//    used moves to the younger one, and the older one is dropped when the younger is full or by the clock.
// Not here: what serves whom (LogPage, Snapshot), rights.
import Synchronization

protocol SharedValue: Sendable {
  /// Its memory, roughly.
  var byteCount: Int { get }
}

final class SharedReads<Key: Hashable & Sendable, Value: SharedValue>: Sendable {
  /// What a read brought, with its number in the order in which reads began.
  private typealias Outcome = (number: UInt64, result: Result<Value, Problem>)
  /// Takes the outcome, or nil when the read had ended already.
  private typealias Waiter = CheckedContinuation<Outcome?, Never>

  private struct State {
    /// Who waits for each read under way.
    var waiters: [Key: [Waiter]] = [:]
    var begun: UInt64 = 0
    var young: [Key: Value] = [:]
    var old: [Key: Value] = [:]
    var youngBytes = 0

    mutating func kept(_ key: Key) -> Value? {
      if let value = young[key] { return value }
      guard let value = old.removeValue(forKey: key) else { return nil }
      young[key] = value
      youngBytes += value.byteCount
      return value
    }

    mutating func keep(_ value: Value, of key: Key, maximumBytes: Int) {
      old[key] = nil
      youngBytes += value.byteCount - (young[key]?.byteCount ?? 0)
      young[key] = value
      if youngBytes > maximumBytes / 2 { beginGeneration() }
    }

    mutating func beginGeneration() {
      old = young
      young = [:]
      youngBytes = 0
    }
  }

  private enum Turn {
    case found(Value)
    case wait
    case read(number: UInt64)
  }

  private let state = Mutex(State())
  private let maximumBytes: Int

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  /// The bytes that are kept.
  var keptBytes: Int {
    state.withLock { $0.youngBytes + $0.old.values.reduce(0) { $0 + $1.byteCount } }
  }

  /// What was read before, if it is still kept.
  func kept(_ key: Key) -> Value? { state.withLock { $0.kept(key) } }

  /// A value that serves, from memory, from a read under way or from a new one.
  func value(
    of key: Key, where serves: (Value) -> Bool, read: () async throws(Problem) -> Value
  ) async throws(Problem) -> Value {
    let asked = state.withLock(\.begun)
    while true {
      let turn = state.withLock { state -> Turn in
        if let value = state.kept(key), serves(value) { return .found(value) }
        if state.waiters[key] != nil { return .wait }
        state.waiters[key] = []
        state.begun += 1
        return .read(number: state.begun)
      }
      switch turn {
      case .found(let value):
        return value
      case .wait:
        guard let outcome = await outcome(of: key) else { continue }
        let value = try outcome.result.get()
        if outcome.number > asked || serves(value) { return value }
      case .read(let number):
        let result: Result<Value, Problem>
        do throws(Problem) {
          result = .success(try await read())
        } catch {
          result = .failure(error)
        }
        end(key, (number, result))
        return try result.get()
      }
    }
  }

  private func outcome(of key: Key) async -> Outcome? {
    await withCheckedContinuation { (waiter: Waiter) in
      // An await may cost a turn of the loop, and what is waited for may have ended in it.
      let waits = state.withLock { state in
        state.waiters[key]?.append(waiter)
        return state.waiters[key] != nil
      }
      if !waits { waiter.resume(returning: nil) }
    }
  }

  private func end(_ key: Key, _ outcome: Outcome) {
    let waiters = state.withLock { state in
      // A value that would take the place of all others is for those who wait for it only.
      if case .success(let value) = outcome.result, value.byteCount <= maximumBytes / 2 {
        state.keep(value, of: key, maximumBytes: maximumBytes)
      }
      return state.waiters.removeValue(forKey: key) ?? []
    }
    for waiter in waiters { waiter.resume(returning: outcome) }
  }

  /// Lets go of what nobody has asked for since the call before.
  func dropUnused() {
    state.withLock { $0.beginGeneration() }
  }
}
