// One subscriber: a connection over WebSocket or SSE that is made again whenever it ends, at any of the hubs, resuming
// after the last offset seen. It checks what it receives (Place), and is unruly on purpose: it cuts its connection, also
// in the middle of a frame, stops reading for a while, and its clock jumps. Its bytes are in Subscriber+Bytes.
import EventLoop
import Glibc

final class Subscriber {
  enum Manner { case socket, stream }

  enum Phase: Equatable {
    /// Without a connection until the time comes.
    case resting(until: Int64)
    case connecting
    /// The request has gone out.
    case asking
    case open
  }

  /// How a WebSocket is signed in (wire §2).
  enum SignIn: CaseIterable { case field, subprotocol, message }

  struct Subscription {
    var place: Place
    /// What the last subscribe asked to resume after.
    var asked: Int64?
    var isLive = false
    /// Unsubscribed on purpose, to subscribe again.
    var isLeaving = false
    /// Whether the state at the end has been seen.
    var isFresh = false
  }

  let number: Int
  let manner: Manner
  /// Who it is: the role and restaurant that its tokens are for.
  let role: String
  let restaurant: String
  var subscriptions: [Subscription]
  /// Where no screen does, alarms are raised.
  let givesReceipts: Bool
  let receiveBuffer: Int32?

  var phase: Phase
  var descriptor: Int32 = -1
  var incoming: [UInt8] = []
  var outgoing: [UInt8] = []
  var chunks: Chunks?
  var stream = EventStream()
  var random: Seeded

  var signIn = SignIn.field
  var isSignedIn = false
  var epoch: String?
  var heartbeat: Int64 = 10_000_000_000
  /// Times of the monotonic clock, in nanoseconds.
  var phaseSince: Int64 = 0
  var lastByte: Int64 = 0
  var lastHeartbeat: Int64 = 0
  var liveSince: Int64?
  var absentSince: Int64
  var pausedUntil: Int64 = 0
  var nextWhim: Int64 = 0
  var lastRenewal: Int64 = 0
  var lastReceipt: Int64 = 0
  var shown: Set<String> = []
  var failures = 0
  var nextID = 1
  /// Its own wall clock is wrong by so many seconds.
  var clockError: Int64 = 0
  var token: String?
  var tokenEnds: Int64?
  /// The end of the run: behaves, and asks for a snapshot.
  var isEnding = false
  /// Begins anew at the next occasion, as a screen that was switched off does.
  var beginsAnew = false
  var usesShortcut = false
  /// What the last `goaway` asked for, in seconds.
  var reconnectAfter: Double?

  init(
    number: Int, manner: Manner, role: String, restaurant: String, channels: [String], givesReceipts: Bool,
    receiveBuffer: Int32?,
    random: Seeded, now: Int64
  ) {
    self.number = number
    self.manner = manner
    self.role = role
    self.restaurant = restaurant
    self.givesReceipts = givesReceipts
    self.receiveBuffer = receiveBuffer
    self.random = random
    subscriptions = channels.map { Subscription(place: Place($0, owner: "subscriber \(number)")) }
    phase = .resting(until: now)
    absentSince = now
  }

  var wantsSnapshot: Bool { isEnding || beginsAnew }
  var isLive: Bool { phase == .open && subscriptions.allSatisfy(\.isLive) }
  var isFresh: Bool { subscriptions.allSatisfy(\.isFresh) }
  func isPaused(at now: Int64) -> Bool { pausedUntil > now }

  func index(of channel: String) -> Int? { subscriptions.firstIndex { $0.place.channel == channel } }

  // MARK: Connecting

  /// What time brings, for whatever phase it is in.
  func tick(_ audience: Audience) {
    let now = audience.now
    switch phase {
    case .resting(let until):
      if now >= until { connect(audience) }
    case .connecting, .asking:
      if now - phaseSince > 5_000_000_000 { lose(audience, failed: true) }
    case .open:
      if isPaused(at: now) { return }
      if !isLive, now - phaseSince > 15_000_000_000 { return lose(audience, failed: true) }
      // A screen without a heartbeat for two periods is stale: it goes to another hub.
      let quiet = manner == .socket ? lastHeartbeat : lastByte
      let patience = manner == .socket ? 2 * heartbeat + 2_000_000_000 : 32_000_000_000
      if now - max(quiet, phaseSince) > patience {
        audience.figures.stale += 1
        return lose(audience, failed: true)
      }
      renewToken(audience)
      if isLive, now >= nextWhim { followWhim(audience) }
    }
  }

  private func connect(_ audience: Audience) {
    let address = audience.addresses.randomElement(using: &random) ?? audience.addresses[0]
    audience.figures.connections += 1
    do {
      descriptor = try Socket.connect(address.socket).release()
    } catch {
      return rest(audience, failed: true)
    }
    Socket.disableDelay(descriptor)
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    phase = .connecting
    phaseSince = audience.now
    incoming = []
    outgoing = []
    chunks = nil
    stream = EventStream()
    isSignedIn = false
    if token == nil { takeToken(audience) }
    request(to: address, audience)
  }

  func takeToken(_ audience: Audience) {
    let made = audience.token(role, restaurant)
    token = made.text
    tokenEnds = made.ends
  }

  /// The request's bytes; they leave when the connection is made.
  private func request(to address: HubAddress, _ audience: Audience) {
    let token = token ?? ""
    var head: [String]
    switch manner {
    case .stream:
      head = ["GET /sse/\(subscriptions[0].place.channel) HTTP/1.1", "Accept: text/event-stream"]
      head.append("Authorization: Bearer \(token)")
      subscriptions[0].asked = wantsSnapshot ? nil : subscriptions[0].place.offset
      if let asked = subscriptions[0].asked, let epoch { head.append("Last-Event-ID: \(epoch)/\(asked)") }
    case .socket:
      signIn = SignIn.allCases.randomElement(using: &random) ?? .field
      head = [
        "GET \(path()) HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: aHViIGNoZWNrIG5vbmNlIQ==",
      ]
      switch signIn {
      case .field: head += ["Sec-WebSocket-Protocol: hub.v1", "Authorization: Bearer \(token)"]
      case .subprotocol: head.append("Sec-WebSocket-Protocol: hub.v1, bearer.\(token)")
      case .message: head.append("Sec-WebSocket-Protocol: hub.v1")
      }
    }
    head.append("Host: \(address.host)")
    outgoing = Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// A shortcut where there is one and chance wants it; else `/ws`, and the subscriptions follow as messages.
  private func path() -> String {
    for index in subscriptions.indices { subscriptions[index].asked = nil }
    guard subscriptions.count == 1, random.chance(50) else { return "/ws" }
    let parts = subscriptions[0].place.channel.split(separator: ":")
    guard parts.count == 2 else { return "/ws" }
    let path =
      switch parts[0] {
      case "kitchen": "/ws/kitchen/\(parts[1])"
      case "pos": "/ws/pos/\(parts[1])"
      case "restaurant": "/ws/\(parts[1])"
      case "payments": "/ws/payments"
      default: "/ws"
      }
    guard path != "/ws" else { return path }
    // It subscribes by itself as soon as it is signed in.
    subscriptions[0].isLeaving = false
    usesShortcut = true
    guard !wantsSnapshot, let offset = subscriptions[0].place.offset, let epoch else { return path }
    subscriptions[0].asked = offset
    return "\(path)?since=\(offset)&epoch=\(epoch)"
  }

  // MARK: Ending

  /// The connection is over; it is made again after a while.
  func lose(_ audience: Audience, failed: Bool, after seconds: Double? = nil) {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    usesShortcut = false
    if isLive { absentSince = audience.now }
    for index in subscriptions.indices {
      subscriptions[index].isLive = false
      subscriptions[index].isLeaving = false
    }
    liveSince = nil
    pausedUntil = 0
    rest(audience, failed: failed, after: seconds)
  }

  private func rest(_ audience: Audience, failed: Bool, after seconds: Double? = nil) {
    failures = failed ? min(failures + 1, 6) : 0
    let most = Int64(50_000_000) << Int64(failures)
    let pause = seconds.map { Int64(max(0, min($0, 30)) * 1e9) } ?? Int64.random(in: 5_000_000...most, using: &random)
    phase = .resting(until: audience.now + pause)
  }

  /// All subscriptions are live again.
  func becameLive(_ audience: Audience) {
    failures = 0
    beginsAnew = false
    liveSince = audience.now
    audience.figures.longestAbsence = max(audience.figures.longestAbsence, (audience.now - absentSince) / 1000)
    nextWhim = audience.now + Int64.random(in: 0...(2 * audience.unrest), using: &random)
  }

  // MARK: Whims

  private func followWhim(_ audience: Audience) {
    beginsAnew = random.chance(25)
    nextWhim = audience.now + Int64.random(in: 0...(2 * audience.unrest), using: &random)
    guard audience.isUnruly, !isEnding else { return }
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1:
      audience.figures.cuts += 1
      Socket.resetOnClose(descriptor)
      lose(audience, failed: false)
    case 2 where manner == .socket:
      audience.figures.halfFrames += 1
      let frame = Frames.client(ServerFrame.text, Array(#"{"type":"ping","id":1}"#.utf8), mask: 0x1234_5678)
      _ = frame.withUnsafeBytes { SystemCall.send(descriptor, UnsafeRawBufferPointer(rebasing: $0[..<11])) }
      lose(audience, failed: false)
    case 3, 4, 5:
      audience.figures.pauses += 1
      pausedUntil = audience.now + Int64.random(in: 500_000_000...6_000_000_000, using: &random)
    case 6, 7:
      audience.figures.clockJumps += 1
      clockError = Int64.random(in: -86_400...86_400, using: &random)
    default:
      guard manner == .socket else { return }
      audience.figures.resubscriptions += 1
      let index = Int.random(in: 0..<subscriptions.count, using: &random)
      subscriptions[index].isLeaving = true
      let channel = subscriptions[index].place.channel
      send(#"{"type":"unsubscribe","id":\#(takeID()),"channel":\#(quoted(channel))}"#, audience)
    }
  }

  /// By its own clock, right or wrong, it replaces a token that is about to end.
  private func renewToken(_ audience: Audience) {
    guard manner == .socket, let tokenEnds, isSignedIn, audience.now - lastRenewal > 3_000_000_000,
      wallClockMicroseconds() / 1_000_000 + clockError + 3 > tokenEnds
    else { return }
    lastRenewal = audience.now
    audience.figures.renewals += 1
    takeToken(audience)
    send(#"{"type":"auth","id":\#(takeID()),"token":\#(quoted(token ?? ""))}"#, audience)
  }

  func takeID() -> Int {
    nextID += 1
    return nextID
  }
}
