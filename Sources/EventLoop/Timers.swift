// The loop's own timers: a binary heap by deadline. Cancelling marks the timer and leaves it to be dropped when it
// comes up, so a timer that is set and cancelled for each request costs O(log n) once.

/// One pending action; `cancel()` before it is due makes it never run.
package final class LoopTimer {
  let deadline: MonotonicTime
  fileprivate let sequence: UInt64
  fileprivate(set) var action: (() -> Void)?

  fileprivate init(deadline: MonotonicTime, sequence: UInt64, action: @escaping () -> Void) {
    self.deadline = deadline
    self.sequence = sequence
    self.action = action
  }

  package func cancel() { action = nil }
}

struct TimerHeap {
  private var heap: [LoopTimer] = []
  private var nextSequence: UInt64 = 0

  /// When the earliest timer is due, or nil when there is none.
  var earliest: MonotonicTime? { heap.first?.deadline }

  mutating func insert(at deadline: MonotonicTime, _ action: @escaping () -> Void) -> LoopTimer {
    let timer = LoopTimer(deadline: deadline, sequence: nextSequence, action: action)
    nextSequence &+= 1
    heap.append(timer)
    siftUp(heap.count - 1)
    return timer
  }

  /// Takes the action of the earliest timer that is due at `now`; cancelled ones are dropped on the way.
  mutating func popDue(_ now: MonotonicTime) -> (() -> Void)? {
    while let first = heap.first, first.deadline <= now {
      let last = heap.removeLast()
      if !heap.isEmpty {
        heap[0] = last
        siftDown(0)
      }
      if let action = first.action {
        first.cancel()
        return action
      }
    }
    return nil
  }

  private func precedes(_ left: LoopTimer, _ right: LoopTimer) -> Bool {
    left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard precedes(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(heap[child], heap[smallest]) {
        smallest = child
      }
      if smallest == parent { return }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
