// One thread, one epoll descriptor, one Swift executor.
//
// 1. Everything registered with a loop is called on the loop's thread only, so what a loop owns needs no lock.
// 2. The loop is a SerialExecutor: an actor that names it as its executor runs on this thread, and code called from
//    here (handlers, timers, a client's batch) may `assumeIsolated` that actor.
// 3. A turn is: wait, hand the ready descriptors over, run due timers, run jobs, then `endTurn`. Whatever is queued for a
//    socket during a turn leaves in `endTurn`, in one send.
// Not here: sockets (Socket.swift), meaning of readiness (the handlers), several threads (make several loops).
package import CLinux
import Glibc
import Synchronization

/// What epoll reported for a descriptor.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The peer ended its side or the socket failed; a read tells which.
  package static let hungUp = Readiness(rawValue: EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue)
  /// There is something to read, be it the end.
  package static let readableOrHungUp = Readiness(rawValue: readable.rawValue | hungUp.rawValue)
  /// Report only changes (EPOLLET): the owner reads until it gets less than it asked for.
  package static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)
  /// All that happens to a connection.
  package static let everyChange = Readiness(
    rawValue: readable.rawValue | writable.rawValue | hungUp.rawValue | edgeTriggered.rawValue)
  /// Of several loops that wait for one listener, wake one (EPOLLEXCLUSIVE).
  package static let exclusive = Readiness(rawValue: EPOLLEXCLUSIVE.rawValue)

  /// Whether one of `others` is in force; the option set's own questions and literals are not inlined between modules.
  @inline(__always)
  package func hasAny(of others: Readiness) -> Bool { rawValue & others.rawValue != 0 }
}

/// Called on the loop's thread when its descriptor is ready.
package protocol DescriptorHandler: AnyObject {
  func ready(_ readiness: Readiness)
}

/// The owner of a loop's busiest descriptors, which takes a whole turn's events at once.
package protocol LoopClient: AnyObject, Sendable {
  /// The descriptors that became ready; called on the loop's thread. Answers whether `endTurn` has something to do.
  func process(_ events: UnsafeBufferPointer<epoll_event>) -> Bool
  /// The turn is over: write out what it produced. Left out after a turn in which nothing but sockets happened and
  /// `process` had no need of it.
  func endTurn()
}

package final class EventLoop: SerialExecutor, @unchecked Sendable {
  /// What waits to run here, and the preference of the task that it belongs to, if that led it here.
  private struct Job: Sendable {
    let job: UnownedJob
    let tasks: UnownedTaskExecutor?
  }

  // @unchecked: `remote` is behind a lock, the atomics are atomic; everything else is touched on the loop's thread only.
  private let epoll: Int32
  private let wakeUpEvent: Int32
  private let remote = Mutex<[Job]>([])
  private let wakePending = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let thread = Atomic<UInt>(0)
  private var local: [Job] = []
  private var timers = TimerHeap()
  private var handlers: [(any DescriptorHandler)?] = []
  private var client: (any LoopClient)?
  private let name: String

  package init(name: String) throws(SystemError) {
    self.name = name
    epoll = try SystemCall.check("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
    wakeUpEvent = try SystemCall.check("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
    try SystemCall.check("epoll_ctl") { hub_epoll_control(epoll, EPOLL_CTL_ADD, wakeUpEvent, EPOLLIN.rawValue) }
  }

  deinit {
    close(wakeUpEvent)
    close(epoll)
  }

  /// Starts the thread; the loop lives until `stop()`.
  package func start(client: (any LoopClient)? = nil) {
    self.client = client
    var handle = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(
      &handle, nil,
      { raw in
        guard let raw else { return nil }
        let loop = Unmanaged<EventLoop>.fromOpaque(raw).takeRetainedValue()
        loop.run()
        return nil
      }, context)
    pthread_detach(handle)
  }

  /// Ends the thread after the current turn; safe from any thread.
  package func stop() {
    stopping.store(true, ordering: .releasing)
    wake()
  }

  /// Makes the loop take a turn soon; safe from any thread.
  package func wakeUp() { wake() }

  // MARK: On the loop's thread

  package var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Watches a descriptor on behalf of `handler`, or of the loop's client when `handler` is nil.
  package func register(_ descriptor: Int32, for readiness: Readiness, handler: (any DescriptorHandler)? = nil)
    throws(SystemError)
  {
    try SystemCall.check("epoll_ctl") { hub_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, readiness.rawValue) }
    guard let handler else { return }
    let index = Int(descriptor)
    if index >= handlers.count {
      handlers.append(contentsOf: repeatElement(nil, count: index + 1 - handlers.count))
    }
    handlers[index] = handler
  }

  package func modify(_ descriptor: Int32, for readiness: Readiness) throws(SystemError) {
    try SystemCall.check("epoll_ctl") { hub_epoll_control(epoll, EPOLL_CTL_MOD, descriptor, readiness.rawValue) }
  }

  /// Stops watching; call it before the descriptor is closed.
  package func unregister(_ descriptor: Int32) {
    _ = hub_epoll_control(epoll, EPOLL_CTL_DEL, descriptor, 0)
    if Int(descriptor) < handlers.count { handlers[Int(descriptor)] = nil }
  }

  /// Runs `action` on this loop after `delay`, unless the timer is cancelled.
  @discardableResult
  package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> LoopTimer {
    timers.insert(at: MonotonicTime.now().advanced(by: delay), action)
  }

  /// Hands an event of a batch to the handler registered for its descriptor.
  package func dispatch(_ descriptor: Int32, _ readiness: Readiness) {
    guard Int(descriptor) < handlers.count, let handler = handlers[Int(descriptor)] else { return }
    handler.ready(readiness)
  }

  // MARK: Executor

  package func enqueue(_ job: consuming ExecutorJob) { enqueue(Job(job: UnownedJob(job), tasks: nil)) }

  /// Enqueues a job of a task that prefers `tasks`.
  func enqueue(_ job: consuming ExecutorJob, preferring tasks: UnownedTaskExecutor) {
    enqueue(Job(job: UnownedJob(job), tasks: tasks))
  }

  private func enqueue(_ job: Job) {
    if isCurrent {
      local.append(job)
    } else {
      remote.withLock { $0.append(job) }
      wake()
    }
  }

  package func checkIsolated() {
    precondition(isCurrent, "this code belongs to the loop \(name)")
  }

  package func isIsolatingCurrentContext() -> Bool? { isCurrent }

  private func wake() {
    guard !wakePending.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var one: UInt64 = 1
    _ = write(wakeUpEvent, &one, 8)
  }

  // MARK: The turn

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .releasing)
    hub_name_thread(name)
    let capacity = 512
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    while !stopping.load(ordering: .acquiring) {
      let count = epoll_wait(epoll, events, Int32(capacity), timeout())
      var work = Work(isWoken: false, mustEnd: false)
      if count > 0 { work = handOver(UnsafeBufferPointer(start: events, count: Int(count))) }
      if runDueTimers() { work.mustEnd = true }
      if work.isWoken || !local.isEmpty {
        runJobs()
        work.mustEnd = true
      }
      if work.mustEnd { client?.endTurn() }
    }
    // What still waits for this executor would wait for ever: run it out once.
    runJobs()
    // Whoever owns these has the loop itself, and nobody would ever be freed.
    client = nil
    timers = TimerHeap()
    handlers = []
    // The number may become another thread's.
    thread.store(0, ordering: .releasing)
  }

  private func timeout() -> Int32 {
    if !local.isEmpty { return 0 }
    guard let earliest = timers.earliest else { return -1 }
    let nanoseconds = earliest.nanoseconds - MonotonicTime.now().nanoseconds
    if nanoseconds <= 0 { return 0 }
    return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
  }

  /// What the events of a turn leave to be done in it.
  private struct Work {
    /// Another thread has enqueued or posted something.
    var isWoken: Bool
    var mustEnd: Bool
  }

  private func handOver(_ events: UnsafeBufferPointer<epoll_event>) -> Work {
    var other = 0
    var isWoken = false
    for index in events.indices {
      if hub_event_descriptor(events.baseAddress! + index) == wakeUpEvent {
        var drained: UInt64 = 0
        _ = read(wakeUpEvent, &drained, 8)
        wakePending.store(false, ordering: .releasing)
        isWoken = true
      } else {
        other += 1
      }
    }
    guard other > 0 else { return Work(isWoken: isWoken, mustEnd: isWoken) }
    if let client {
      let mustEnd = client.process(events)
      return Work(isWoken: isWoken, mustEnd: mustEnd || isWoken)
    }
    for index in events.indices {
      let event = events.baseAddress! + index
      dispatch(hub_event_descriptor(event), Readiness(rawValue: event.pointee.events))
    }
    return Work(isWoken: isWoken, mustEnd: true)
  }

  /// Answers whether any timer was due.
  private func runDueTimers() -> Bool {
    guard let earliest = timers.earliest else { return false }
    let now = MonotonicTime.now()
    guard earliest <= now else { return false }
    while let action = timers.popDue(now) { action() }
    return true
  }

  /// A job that a preference led here runs as both at once, preferred and isolated, so that its next step, into an actor
  /// of this loop, goes on at once instead of through the queue again.
  private func run(_ job: Job) {
    if let tasks = job.tasks {
      job.job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: tasks)
    } else {
      job.job.runSynchronously(on: asUnownedSerialExecutor())
    }
  }

  /// Runs what was enqueued, including what those jobs enqueue, but not for ever: after some rounds sockets get a turn.
  private func runJobs() {
    for _ in 0..<16 {
      let outside = remote.withLock { jobs in
        let taken = jobs
        jobs.removeAll(keepingCapacity: true)
        return taken
      }
      if outside.isEmpty && local.isEmpty { return }
      let batch = local
      local.removeAll(keepingCapacity: true)
      for job in batch { run(job) }
      for job in outside { run(job) }
    }
    if !remote.withLock({ $0.isEmpty }) { wake() }
  }
}
