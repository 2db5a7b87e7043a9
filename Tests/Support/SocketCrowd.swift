// Thousands of WebSockets of one channel each, held by one thread and one poll loop: the client for storms. Like RawSocket
// it shares nothing with the production codec. It reads of a message what it needs (type, offset, the time it was
// published) and checks the promise as it goes: an event that is not its socket's next one is a fault.
package import Foundation
import Glibc

package final class SocketCrowd {
  package struct Member {
    var descriptor: Int32 = -1
    /// What was received of a message that has not ended yet.
    var rest: [UInt8] = []
    var isUpgraded = false
    var isRead = true
    /// The offset of the last event it has; nil before it was ever subscribed.
    package fileprivate(set) var cursor: Int64?
    /// What the last `subscribed` said; nil until it came on this connection.
    package fileprivate(set) var recovered: Bool?
    package fileprivate(set) var events = 0
    /// It closes its socket when it has this event.
    package var leavesAt = Int64.max

    package var isConnected: Bool { descriptor >= 0 }
  }

  package private(set) var members: [Member]
  /// What must not happen, in words; the first few.
  package private(set) var faults: [String] = []
  /// Microseconds from publishing (`"t"` in an event's data) to arrival, while `isTiming`.
  package private(set) var delays: [Int32] = []
  package var isTiming = false
  private let token: String
  private let path: String
  private var polled: [pollfd] = []
  /// `polled` is as the members are.
  private var isPolledCurrent = false
  /// All members before this index have everything up to the offset asked for last.
  private var progress = (offset: Int64(-1), index: 0)
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

  /// `path` is a shortcut such as /ws/kitchen/ID, which subscribes by itself.
  package init(_ count: Int, path: String, token: String) {
    members = Array(repeating: Member(), count: count)
    self.path = path
    self.token = token
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  deinit {
    cut()
    memory.deallocate()
  }

  // MARK: Coming and going

  /// Connects everybody who is not connected, resuming where they are if they have been there.
  package func connect(to port: UInt16, epoch: String = "", receiveBuffer: Int32? = nil) throws {
    for index in members.indices where !members[index].isConnected {
      let query = members[index].cursor.map { "?since=\($0)&epoch=\(epoch)" } ?? ""
      let socket = try RawSocket(port: port, receiveBuffer: receiveBuffer)
      try socket.send(
        """
        GET \(path)\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer \(token)\r
        \r\n
        """)
      // The crowd's own from here on: the RawSocket closes its number.
      members[index].descriptor = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
      guard members[index].isConnected else { throw SupportError("no descriptors left") }
      members[index].isUpgraded = false
      members[index].recovered = nil
      members[index].rest = []
      members[index].leavesAt = .max
    }
    isPolledCurrent = false
    progress = (-1, 0)
  }

  /// Ends every connection with a reset.
  package func cut() {
    for index in members.indices { leave(index) }
  }

  private func leave(_ index: Int) {
    guard members[index].isConnected else { return }
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(members[index].descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close(members[index].descriptor)
    members[index].descriptor = -1
    isPolledCurrent = false
    progress = (-1, 0)
  }

  /// From now on whatever comes stays in the sockets, or it is read as fast as it can be.
  package func setReading(_ isRead: Bool) {
    for index in members.indices {
      members[index].isRead = isRead
      var bytes: Int32 = 1 << 20
      if isRead {
        setsockopt(members[index].descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
      }
    }
    isPolledCurrent = false
  }

  /// Says at which event each member leaves.
  package func setLeaving(_ offset: (Int) -> Int64) {
    for index in members.indices { members[index].leavesAt = offset(index) }
  }

  package func forgetDelays() { delays = [] }

  /// Whether every member that is connected is subscribed and has everything up to this offset.
  package func hasAll(through offset: Int64) -> Bool {
    if progress.offset != offset { progress = (offset, 0) }
    while progress.index < members.count {
      let index = progress.index
      if members[index].isConnected, members[index].leavesAt == .max {
        if members[index].recovered == nil || members[index].cursor ?? -1 < offset { return false }
      }
      progress.index += 1
    }
    return true
  }

  // MARK: Reading

  /// Reads until the condition holds, which is asked after every round; throws when it does not in time.
  package func read(
    _ expected: @autoclosure () -> String, within seconds: TimeInterval = 60, until condition: () throws -> Bool
  ) throws {
    let end = Patience.end(within: seconds)
    while try !condition() {
      guard Date() < end else { throw SupportError("not within \(seconds) s: \(expected())") }
      round()
    }
  }

  private func round() {
    if !isPolledCurrent {
      // A negative number is passed over.
      polled = members.map { pollfd(fd: $0.isRead ? $0.descriptor : -1, events: Int16(POLLIN), revents: 0) }
      isPolledCurrent = true
    }
    guard poll(&polled, nfds_t(polled.count), 20) > 0 else { return }
    polled.withUnsafeBufferPointer { polled in
      var index = 0
      while index < polled.count {
        if polled[index].revents != 0 { receive(index) }
        index += 1
      }
    }
  }

  private func receive(_ index: Int) {
    let rest = members[index].rest.count
    members[index].rest.withUnsafeBytes { memory.copyMemory(from: $0) }
    guard let base = memory.baseAddress else { return }
    let count = recv(members[index].descriptor, base + rest, memory.count - rest, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    guard count > 0 else {
      if members[index].isUpgraded || count == 0 { fault(index, "the connection ended") }
      leave(index)
      return
    }
    var bytes = UnsafeRawBufferPointer(start: base, count: rest + count)
    while let taken = takeMessage(bytes, index) {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
      if !members[index].isConnected { return }
    }
    members[index].rest = Array(bytes)
    if bytes.count == memory.count { fault(index, "a message is too long for this client") }
  }

  /// Takes one whole message, or the answer to the handshake, and says how long it was; nil when there is none yet.
  private func takeMessage(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int? {
    guard members[index].isUpgraded else {
      guard let end = Self.find("\r\n\r\n", in: bytes) else { return nil }
      members[index].isUpgraded = bytes.starts(with: "HTTP/1.1 101".utf8)
      if !members[index].isUpgraded {
        fault(index, String(decoding: bytes.prefix(200), as: UTF8.self))
        leave(index)
      }
      return end
    }
    guard bytes.count >= 2 else { return nil }
    let extra = bytes[1] == 127 ? 8 : bytes[1] == 126 ? 2 : 0
    guard bytes.count >= 2 + extra else { return nil }
    var length = Int(bytes[1])
    if extra > 0 { length = (0..<extra).reduce(0) { $0 << 8 | Int(bytes[2 + $1]) } }
    guard bytes.count >= 2 + extra + length else { return nil }
    let payload = UnsafeRawBufferPointer(rebasing: bytes[(2 + extra)..<(2 + extra + length)])
    switch bytes[0] & 15 {
    case 1: take(payload, index)
    case 8: fault(index, "closed: \(String(decoding: payload.dropFirst(2), as: UTF8.self))")
    case 9:
      let pong = RawWebSocket.frame(opcode: 10, Array(payload))
      _ = pong.withUnsafeBytes { send(members[index].descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    default: fault(index, "a frame of opcode \(bytes[0] & 15)")
    }
    return 2 + extra + length
  }

  private func take(_ message: UnsafeRawBufferPointer, _ index: Int) {
    // Every message begins with its type.
    if message.starts(with: #"{"type":"event","#.utf8) {
      let offset = Self.number(after: #""offset":"#, in: message) ?? -1
      if offset != (members[index].cursor ?? -1) + 1 || members[index].recovered == nil {
        fault(index, "event \(offset) after \(members[index].cursor ?? -1)")
      }
      members[index].cursor = offset
      members[index].events += 1
      if isTiming, let published = Self.number(after: #""t": "#, in: message) {
        delays.append(Int32(clamping: Self.now() - published))
      }
      if offset >= members[index].leavesAt { leave(index) }
    } else if message.starts(with: #"{"type":"subscribed","#.utf8) {
      let offset = Self.number(after: #""offset":"#, in: message) ?? -1
      let recovered = Self.find(#""recovered":true"#, in: message) != nil
      if members[index].recovered != nil || recovered && offset != members[index].cursor {
        fault(index, "subscribed at \(offset) after \(members[index].cursor ?? -1)")
      }
      members[index].cursor = offset
      members[index].recovered = recovered
    } else if message.starts(with: #"{"type":"error","#.utf8) || message.starts(with: #"{"type":"goaway","#.utf8) {
      fault(index, String(decoding: message, as: UTF8.self))
    }
  }

  private func fault(_ index: Int, _ text: String) {
    if faults.count < 20 { faults.append("socket \(index): \(text)") }
  }

  // MARK: Bytes

  /// Microseconds since 1970, as publishers put them into `"t"`.
  package static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// The place behind the first occurrence.
  private static func find(_ mark: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
    let length = mark.utf8CodeUnitCount
    guard let base = bytes.baseAddress else { return nil }
    var place = 0
    while bytes.count - place >= length,
      let found = memchr(base + place, Int32(mark.utf8Start[0]), bytes.count - place - length + 1)
    {
      place = UnsafeRawPointer(found) - base
      if memcmp(found, mark.utf8Start, length) == 0 { return place + length }
      place += 1
    }
    return nil
  }

  private static func number(after mark: StaticString, in bytes: UnsafeRawBufferPointer) -> Int64? {
    guard var place = find(mark, in: bytes) else { return nil }
    var value: Int64 = 0
    while place < bytes.count, (0x30...0x39).contains(bytes[place]) {
      value = value &* 10 &+ Int64(bytes[place] &- 0x30)
      place += 1
    }
    return value
  }
}
