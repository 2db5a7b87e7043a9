// Descriptors on a loop: who is told what, and when it is over.
import EventLoop
import Foundation
import Testing

/// Notes what it was told; reads only when asked to.
private final class Watcher: DescriptorHandler {
  private let record: Record<Readiness>
  private let action: () -> Void

  init(_ record: Record<Readiness>, _ action: @escaping () -> Void = {}) {
    self.record = record
    self.action = action
  }

  func ready(_ readiness: Readiness) {
    action()
    // Last, so that whoever waits for the record finds the action done.
    record.add(readiness)
  }
}

/// Two ends of a connection; `near` is non-blocking.
private func pair() -> (near: Int32, far: Int32) {
  var ends: [Int32] = [-1, -1]
  socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
  _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
  return (ends[0], ends[1])
}

private func send(_ text: String, _ descriptor: Int32) {
  let bytes = Array(text.utf8)
  #expect(write(descriptor, bytes, bytes.count) == bytes.count)
}

private func readAll(_ descriptor: Int32) -> Int {
  var buffer = [UInt8](repeating: 0, count: 4096)
  let transfer = buffer.withUnsafeMutableBytes { SystemCall.receive(descriptor, into: $0) }
  if case .moved(let count) = transfer { return count }
  return 0
}

@Suite struct ReadinessTests {
  @Test func aHandlerIsToldThatItsDescriptorIsReadable() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(near, for: .readable, handler: Watcher(record) { _ = readAll(near) })
    }
    send("hello", far)
    try eventually("one report") { record.all.count == 1 }
    send("again", far)
    try eventually("another report") { record.all.count == 2 }
    #expect(record.all == [.readable, .readable])
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func anUnregisteredDescriptorIsSilentAndItsHandlerGone() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(near, for: .readable, handler: Watcher(record))
      loop.unregister(near)
    }
    send("hello", far)
    try test.run { _ in }
    try test.run { _ in }
    #expect(record.all.isEmpty)
    // The same number may be registered again, for another.
    try test.run { loop in
      try loop.register(near, for: .readable, handler: Watcher(record) { _ = readAll(near) })
    }
    try eventually("the new handler is told") { record.all.count == 1 }
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func aHandlerMayUnregisterItselfWhileItIsTold() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(near, for: .readable, handler: Watcher(record) { [unowned loop] in loop.unregister(near) })
    }
    send("never read", far)
    try eventually("one report") { record.all.count == 1 }
    try test.run { _ in }
    try test.run { _ in }
    #expect(record.all.count == 1)
    close(near)
    close(far)
  }

  @Test func edgeTriggeredOnlyChangesAreReported() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(near, for: [.readable, .edgeTriggered], handler: Watcher(record))
    }
    send("unread", far)
    try eventually("a report") { record.all.count == 1 }
    for _ in 0..<20 { try test.run { _ in } }
    #expect(record.all.count == 1)
    send("more", far)
    try eventually("a report of what came behind") { record.all.count == 2 }
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func levelTriggeredItIsReportedAsLongAsItLasts() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in try loop.register(near, for: .readable, handler: Watcher(record)) }
    send("unread", far)
    try eventually("many reports") { record.all.count > 20 }
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func interestCanBeChanged() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(
        near, for: .readable,
        handler: Watcher(record) { [unowned loop] in
          try? loop.modify(near, for: .readable)
        })
    }
    #expect(record.all.isEmpty)
    try test.run { try $0.modify(near, for: .writable) }
    try eventually("writable is told") { record.all == [.writable] }
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func thePeersEndIsAHangUp() throws {
    let test = try TestLoop()
    let (near, far) = pair()
    let record = Record<Readiness>()
    try test.run { loop in
      try loop.register(near, for: [.readable, .hungUp, .edgeTriggered], handler: Watcher(record))
    }
    shutdown(far, Int32(SHUT_WR))
    try eventually("the end is told") { !record.all.isEmpty }
    #expect(!record.all[0].isDisjoint(with: .hungUp))
    try test.run { $0.unregister(near) }
    close(near)
    close(far)
  }

  @Test func aDescriptorThatIsNotOpenIsRefused() throws {
    let test = try TestLoop()
    #expect(throws: SystemError(call: "epoll_ctl", code: EBADF)) {
      try test.run { loop in try loop.register(1_000_000, for: .readable) }
    }
  }

  @Test func dispatchToWhatNobodyRegisteredDoesNothing() throws {
    let test = try TestLoop()
    try test.run { loop in
      loop.dispatch(0, .readable)
      loop.dispatch(999_999, .readable)
      loop.unregister(999_999)
    }
  }
}
