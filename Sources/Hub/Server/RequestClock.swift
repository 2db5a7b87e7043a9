// How long a request may take to arrive: its head a fixed time, its body a fixed time and a second more for every so
// many bytes of it, so that a large body over a slow line arrives and one that drips does not.
import Protocol

struct RequestClock {
  private enum State {
    case none
    case head(since: Int32)
    case body(since: Int32)
  }

  private var state = State.none

  /// The second by which more must have come, given what has come until `second`; nil between requests.
  mutating func deadline(_ progress: HTTPRequestProgress, at second: Int32, _ limits: ServerLimits) -> Int32? {
    switch (progress, state) {
    case (.none, _):
      state = .none
      return nil
    case (.head, .head(let since)):
      return since + limits.headSeconds
    case (.head, _):
      state = .head(since: second)
      return second + limits.headSeconds
    case (.body(let received), .body(let since)):
      return since + limits.bodySeconds + Int32(clamping: received / limits.bodyBytesPerSecond)
    case (.body(let received), _):
      state = .body(since: second)
      return second + limits.bodySeconds + Int32(clamping: received / limits.bodyBytesPerSecond)
    }
  }

  /// The request is whole: what comes next is another one.
  mutating func stop() { state = .none }
}

/// Whether a peer takes what it is sent, looked at once a second.
struct DrainWatch {
  private var taken: UInt32 = 0
  private var since: Int32

  init(second: Int32) { since = second }

  /// The seconds since anything was taken, 0 when nothing waits.
  mutating func stalled(waiting: Int, taken now: UInt32, at second: Int32) -> Int32 {
    if waiting == 0 || now != taken {
      taken = now
      since = second
    }
    return second - since
  }
}
