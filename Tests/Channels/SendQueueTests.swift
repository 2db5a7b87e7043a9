// What waits for a socket: every byte once, in order, however little the socket takes.
import Channels
import Testing

/// A socket that takes at most so many bytes a call, and then no more.
private struct Socket {
  var taken: [UInt8] = []
  var calls = 0
  var largest = 0
  var allowances: [Int]

  mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    calls += 1
    largest = max(largest, bytes.count)
    let count = min(allowances.isEmpty ? 0 : allowances.removeFirst(), bytes.count)
    taken.append(contentsOf: bytes.prefix(count))
    return count
  }
}

@Suite struct SendQueueTests {
  private func drain(_ queue: inout SendQueue, _ socket: inout Socket, _ scratch: inout [UInt8], limit: Int = 1000)
    -> Bool
  {
    queue.drain(scratch: &scratch, limit: limit) { socket.write($0) }
  }

  @Test func anEmptyQueueWritesNothing() {
    var queue = SendQueue()
    var scratch: [UInt8] = []
    queue.append([])
    #expect(queue.isEmpty)
    let isAlive = queue.drain(scratch: &scratch) { _ in
      Issue.record("nothing waits, and yet it wrote")
      return nil
    }
    #expect(isAlive)
  }

  @Test func severalChunksLeaveInOneCall() {
    var queue = SendQueue()
    var scratch: [UInt8] = []
    var socket = Socket(allowances: [100])
    for chunk: [UInt8] in [[1, 2], [3], [4, 5, 6]] { queue.append(chunk) }
    #expect(queue.count == 6)
    #expect(drain(&queue, &socket, &scratch))
    #expect(socket.calls == 1 && socket.taken == [1, 2, 3, 4, 5, 6] && queue.isEmpty)
  }

  @Test func whatWasNotTakenWaits() {
    var queue = SendQueue()
    var scratch: [UInt8] = []
    var socket = Socket(allowances: [4, 0, 1])
    for chunk: [UInt8] in [[1, 2], [3, 4, 5], [6]] { queue.append(chunk) }
    #expect(drain(&queue, &socket, &scratch))
    #expect(queue.count == 2 && socket.taken == [1, 2, 3, 4])
    #expect(drain(&queue, &socket, &scratch))
    #expect(queue.count == 2 && socket.calls == 2)
    queue.append([7])
    #expect(drain(&queue, &socket, &scratch))
    #expect(queue.count == 2 && socket.taken == [1, 2, 3, 4, 5])
  }

  @Test func aSocketThatIsGoneIsReported() {
    var queue = SendQueue()
    var scratch: [UInt8] = []
    queue.append([1])
    let isAlive = queue.drain(scratch: &scratch) { _ in nil }
    #expect(!isAlive)
  }

  @Test func noCallIsLongerThanTheLimitButForALoneChunk() {
    var queue = SendQueue()
    var scratch: [UInt8] = []
    var socket = Socket(allowances: Array(repeating: 1000, count: 100))
    for _ in 0..<10 { queue.append([UInt8](repeating: 7, count: 30)) }
    #expect(drain(&queue, &socket, &scratch, limit: 64))
    #expect(socket.largest == 60 && socket.taken.count == 300 && queue.isEmpty)
    queue.append([UInt8](repeating: 8, count: 500))
    queue.append([9])
    #expect(drain(&queue, &socket, &scratch, limit: 64))
    #expect(socket.largest == 500 && socket.taken.count == 801 && queue.isEmpty)
  }

  @Test(arguments: 1...40)
  func everyByteLeavesOnceInOrder(_ seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random(_ bound: UInt64) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % bound)
    }
    var queue = SendQueue()
    var scratch: [UInt8] = []
    var given: [UInt8] = []
    var socket = Socket(allowances: [])
    for round in 0..<300 {
      for _ in 0..<random(4) {
        let chunk = (0..<random(50)).map { UInt8(truncatingIfNeeded: given.count + $0 + round) }
        given += chunk
        queue.append(chunk)
      }
      socket.allowances = (0..<random(4)).map { _ in random(120) }
      #expect(drain(&queue, &socket, &scratch, limit: 64))
      #expect(queue.count == given.count - socket.taken.count, "seed \(seed), round \(round)")
    }
    socket.allowances = Array(repeating: 1 << 20, count: 10_000)
    #expect(drain(&queue, &socket, &scratch, limit: 64))
    #expect(socket.taken == given && queue.isEmpty, "seed \(seed)")
  }
}
