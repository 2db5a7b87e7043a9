// The answers of one readiness, gathered so that they leave in one send: one piece of memory a reactor, for whichever
// connection is being read. It is plain memory because an array's checks cost more than writing a short frame.
import Protocol

struct Cork: ~Copyable {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(byteCount: Int) { memory = .allocate(byteCount: byteCount, alignment: 64) }

  deinit { memory.deallocate() }

  var isEmpty: Bool { count == 0 }
  /// What was gathered; good until something is added.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  /// Adds one frame; answers false when there is no room for it.
  @inline(__always)
  mutating func append(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer) -> Bool {
    guard let base = memory.baseAddress,
      WebSocketEncoder.maximumByteCount(of: payload.count) <= memory.count - count
    else { return false }
    count &+= WebSocketEncoder.write(opcode, payload, to: base + count)
    return true
  }

  /// Adds bytes as they are; answers false when there is no room for them.
  mutating func append(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= memory.count - count else { return false }
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyBytes(from: bytes)
    count += bytes.count
    return true
  }

  mutating func removeAll() { count = 0 }
}
