// Begins a connection on a thread of its own, because PQconnectStart looks the host's name up and may block in it for
// seconds. The thread hands the PGconn over through an eventfd of the loop, or finishes it when nobody wants it any
// more.
import CLinux
import CPostgres
import EventLoop
import Glibc
import Synchronization

final class Dialer: DescriptorHandler {
  /// What the thread and the loop share.
  private final class Exchange: Sendable {
    enum State {
      case dialling
      /// A PGconn by its address, 0 when there was no memory for one.
      case dialled(UInt)
      case abandoned
    }
    let state = Mutex(State.dialling)
    let connectionString: String
    let options: PostgresOptions
    let wakeUp: Int32

    init(connectionString: String, options: PostgresOptions, wakeUp: Int32) {
      self.connectionString = connectionString
      self.options = options
      self.wakeUp = wakeUp
    }

    func dial() {
      let native = options.withKeywords(connectionString) { PQconnectStartParams($0, $1, 1) } ?? nil
      let unwanted = state.withLock { state in
        if case .abandoned = state { return true }
        state = .dialled(UInt(bitPattern: native))
        // Under the lock: once the exchange is abandoned, the descriptor may be another's.
        var one: UInt64 = 1
        _ = write(wakeUp, &one, 8)
        return false
      }
      if unwanted { PQfinish(native) }
    }
  }

  private let loop: EventLoop
  private let wakeUp: Descriptor
  private let exchange: Exchange
  private var completion: ((ConnectionHandle?) -> Void)?

  /// Calls `completion` on the loop with the begun connection, nil when there was no memory for one.
  init(
    loop: EventLoop, connectionString: String, options: PostgresOptions,
    completion: @escaping (ConnectionHandle?) -> Void
  ) throws(SystemError) {
    self.loop = loop
    wakeUp = Descriptor(
      owning: try SystemCall.check("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) })
    exchange = Exchange(connectionString: connectionString, options: options, wakeUp: wakeUp.number)
    self.completion = completion
    try loop.register(wakeUp.number, for: .readable, handler: self)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(exchange)
    let code = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<Exchange>.fromOpaque(raw).takeRetainedValue().dial()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      loop.unregister(wakeUp.number)
      throw SystemError(call: "pthread_create", code: code)
    }
    pthread_detach(thread)
  }

  func ready(_ readiness: Readiness) {
    guard let completion, let address = take(abandoning: false) else { return }
    self.completion = nil
    loop.unregister(wakeUp.number)
    completion(OpaquePointer(bitPattern: address).map { ConnectionHandle(owning: $0) })
  }

  /// Nobody waits for the connection any more.
  func abandon() {
    guard completion != nil else { return }
    completion = nil
    loop.unregister(wakeUp.number)
    if let address = take(abandoning: true), let native = OpaquePointer(bitPattern: address) { PQfinish(native) }
  }

  /// Takes what the thread brought; nil when it is still under way.
  private func take(abandoning: Bool) -> UInt? {
    exchange.state.withLock { state in
      guard case .dialled(let address) = state else {
        if abandoning { state = .abandoned }
        return nil
      }
      state = .abandoned
      return address
    }
  }
}
