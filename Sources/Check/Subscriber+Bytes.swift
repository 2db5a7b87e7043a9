// The bytes of a subscriber: sending, receiving, taking apart what came, and what each message means for it.
import EventLoop
import Glibc

extension Subscriber {
  // MARK: Readiness

  func ready(_ events: Int16, _ audience: Audience) {
    if phase == .connecting {
      guard events & Int16(POLLOUT | POLLERR | POLLHUP) != 0 else { return }
      if Socket.error(of: descriptor) != 0 { return lose(audience, failed: true) }
      phase = .asking
      phaseSince = audience.now
    }
    if events & Int16(POLLOUT) != 0 { flush(audience) }
    if descriptor >= 0, events & Int16(POLLIN | POLLERR | POLLHUP) != 0 { receive(audience) }
  }

  func send(_ text: String, _ audience: Audience) {
    send(ServerFrame.text, Array(text.utf8), audience)
  }

  private func send(_ opcode: UInt8, _ payload: [UInt8], _ audience: Audience) {
    outgoing += Frames.client(opcode, payload, mask: UInt32.random(in: 0 ... .max, using: &random))
    flush(audience)
  }

  private func flush(_ audience: Audience) {
    guard !outgoing.isEmpty, descriptor >= 0 else { return }
    switch outgoing.withUnsafeBytes({ SystemCall.send(descriptor, $0) }) {
    case .moved(let count): outgoing.removeFirst(count)
    case .wouldBlock: break
    case .ended, .failed: lose(audience, failed: true)
    }
  }

  private func receive(_ audience: Audience) {
    // A bound, so that one that was away for long does not hold the others up.
    for _ in 0..<8 where descriptor >= 0 {
      switch SystemCall.receive(descriptor, into: audience.buffer) {
      case .moved(let count):
        lastByte = audience.now
        incoming += audience.buffer[..<count]
        takeApart(audience)
        if count < audience.buffer.count { return }
      case .wouldBlock: return
      case .ended, .failed: return lose(audience, failed: phase != .open)
      }
    }
  }

  private func takeApart(_ audience: Audience) {
    if phase == .asking {
      guard let head = ResponseHead(takenFrom: &incoming) else { return }
      guard head.status == (manner == .socket ? 101 : 200) else { return refused(head.status, audience) }
      phase = .open
      phaseSince = audience.now
      lastHeartbeat = audience.now
      if manner == .stream {
        chunks = head.isChunked ? Chunks() : nil
        // A stream that goes on begins with an event; only a snapshot says that it does not.
        if let asked = subscriptions[0].asked { resumed(0, at: asked, audience) }
      } else if signIn == .message {
        send(#"{"type":"auth","id":\#(takeID()),"token":\#(quoted(token ?? ""))}"#, audience)
      }
    }
    manner == .socket ? takeFrames(audience) : takeStream(audience)
  }

  private func refused(_ status: Int, _ audience: Audience) {
    audience.figures.told["status \(status)", default: 0] += 1
    switch status {
    case 401: token = nil
    case 400, 403, 404, 426, 0:
      audience.ledger.breaches.add(.refused, "subscriber \(number) as \(role): \(status) to the handshake")
      return lose(audience, failed: true, after: 5)
    default: break
    }
    lose(audience, failed: true)
  }

  // MARK: WebSocket

  private func takeFrames(_ audience: Audience) {
    var position = 0
    while descriptor >= 0 {
      switch Frames.next(in: incoming, at: &position) {
      case .needsMore:
        incoming.removeFirst(position)
        return
      case .broken(let why):
        audience.ledger.breaches.add(.malformed, "subscriber \(number): \(why)")
        return lose(audience, failed: true)
      case .frame(let frame):
        switch frame.opcode {
        case ServerFrame.ping: send(ServerFrame.pong, frame.payload, audience)
        case ServerFrame.pong: break
        case ServerFrame.close: return closed(frame.payload, audience)
        case ServerFrame.text where frame.isFinal:
          guard let message = audience.cache.message(frame.payload) else { return malformed(frame.payload, audience) }
          take(message, audience)
        default: return malformed(frame.payload, audience)
        }
      }
    }
  }

  private func malformed(_ bytes: [UInt8], _ audience: Audience) {
    let text = String(decoding: bytes.prefix(120), as: UTF8.self)
    audience.ledger.breaches.add(.malformed, "subscriber \(number): \(text)")
    lose(audience, failed: true)
  }

  private func closed(_ payload: [UInt8], _ audience: Audience) {
    let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005
    audience.figures.told["closed \(code)", default: 0] += 1
    switch code {
    case 4401: token = nil
    case 1002, 1003, 1007, 1008, 1009, 1011, 4400, 4403, 4404:
      let reason = String(decoding: payload.dropFirst(2), as: UTF8.self)
      audience.ledger.breaches.add(.refused, "subscriber \(number) as \(role): closed with \(code) \(reason)")
    default: break
    }
    lose(audience, failed: false, after: code == 1012 ? reconnectAfter : nil)
  }

  private func take(_ message: Message, _ audience: Audience) {
    switch message.type {
    case "event": took(message, audience)
    case "heartbeat":
      lastHeartbeat = audience.now
      audience.figures.heartbeats += 1
    case "welcome": welcomed(message.document, audience)
    case "subscribed":
      guard let index = index(of: message.channel) else { return malformed(Array("subscribed".utf8), audience) }
      took(subscribed: message.document, at: message.offset, index, audience)
    case "unsubscribed":
      guard let index = index(of: message.channel) else { return }
      if isLive { absentSince = audience.now }
      subscriptions[index].isLive = false
      if subscriptions[index].isLeaving {
        subscriptions[index].isLeaving = false
        subscribe(index, audience)
      } else {
        audience.ledger.breaches.add(.refused, "subscriber \(number): \(message.channel) was taken away")
      }
    case "goaway":
      audience.figures.goaways += 1
      switch message.document["reconnect"] {
      case .number(let seconds)?: reconnectAfter = seconds
      case .integer(let seconds)?: reconnectAfter = Double(seconds)
      default: reconnectAfter = 1
      }
    case "error":
      let code = message.document["code"]?.text ?? ""
      audience.figures.told[code, default: 0] += 1
      if ["forbidden", "not_found", "bad_message", "validation_failed"].contains(code) {
        audience.ledger.breaches.add(.refused, "subscriber \(number) as \(role): \(message.document)")
      }
      if code == "unauthorized" || code == "token_expired" { token = nil }
      lose(audience, failed: true)
    default: break
    }
  }

  private func welcomed(_ welcome: Document, _ audience: Audience) {
    if let seconds = welcome["heartbeat"]?.integer { heartbeat = seconds * 1_000_000_000 }
    if let epoch = welcome["epoch"]?.text { saw(epoch, audience) }
    guard welcome["user"] ?? .null != .null, !isSignedIn else { return }
    isSignedIn = true
    guard !usesShortcut else { return }
    for index in subscriptions.indices { subscribe(index, audience) }
  }

  private func subscribe(_ index: Int, _ audience: Audience) {
    let channel = subscriptions[index].place.channel
    var message = #"{"type":"subscribe","id":\#(takeID()),"channel":\#(quoted(channel))"#
    subscriptions[index].asked = nil
    if !wantsSnapshot, let offset = subscriptions[index].place.offset, let epoch {
      subscriptions[index].asked = offset
      message += #","since":\#(offset),"epoch":\#(quoted(epoch))"#
    }
    send(message + "}", audience)
  }

  private func took(subscribed document: Document, at offset: Int64, _ index: Int, _ audience: Audience) {
    if let epoch = document["epoch"]?.text { saw(epoch, audience) }
    let recovered = document["recovered"]?.flag ?? false
    let snapshot = document["snapshot"].flatMap { $0 == .null ? nil : $0 }
    if recovered {
      audience.figures.recoveries += 1
    } else {
      audience.figures.snapshots += 1
      if snapshot != nil, isEnding { subscriptions[index].isFresh = true }
    }
    // A second `subscribed` without a question is a subscription that starts over: it could have gone on from here.
    let asked = subscriptions[index].isLive ? subscriptions[index].place.offset : subscriptions[index].asked
    subscriptions[index].place.subscribed(
      at: offset, recovered: recovered, asked: asked, snapshot: snapshot, &audience.ledger)
    begin(index, audience)
  }

  private func begin(_ index: Int, _ audience: Audience) {
    let wasLive = isLive
    subscriptions[index].isLive = true
    if isLive, !wasLive { becameLive(audience) }
  }

  private func took(_ event: Message, _ audience: Audience) {
    guard let index = index(of: event.channel), subscriptions[index].isLive else {
      audience.ledger.breaches.add(.unasked, "subscriber \(number): \(event.channel) \(event.offset)")
      return
    }
    subscriptions[index].place.received(event.offset, digest: event.digest, &audience.ledger)
    audience.figures.delivered += 1
    // A reader that has just come back is told what it missed; only what happened since then measures the way. An event
    // that was published without a notification waits for the re-scan.
    if let liveSince, receiveBuffer == nil, !event.isUnannounced,
      audience.now - max(liveSince, pausedUntil) > 2_000_000_000
    {
      audience.figures.latency.add(wallClockMicroseconds() + audience.clockDifference - event.instant)
    }
    guard manner == .socket, givesReceipts else { return }
    shown.insert(event.channel)
    if audience.now - lastReceipt > 500_000_000 { sendReceipts(audience) }
  }

  private func sendReceipts(_ audience: Audience) {
    lastReceipt = audience.now
    for channel in shown {
      guard let offset = index(of: channel).flatMap({ subscriptions[$0].place.offset }) else { continue }
      audience.figures.receipts += 1
      send(#"{"type":"seen","channel":\#(quoted(channel)),"offset":\#(offset),"level":"shown"}"#, audience)
    }
    shown = []
  }

  private func saw(_ epoch: String, _ audience: Audience) {
    self.epoch = epoch
    audience.ledger.saw(epoch: epoch)
  }

  // MARK: Server-Sent Events

  private func takeStream(_ audience: Audience) {
    let bytes = chunks?.take(incoming) ?? incoming
    incoming = []
    for event in stream.take(bytes) where descriptor >= 0 {
      guard let message = audience.cache.message(Array(event.data.utf8)) else {
        return malformed(Array(event.data.utf8), audience)
      }
      let parts = event.id.split(separator: "/")
      if event.name == "snapshot" {
        guard parts.count == 2, let offset = Int64(parts[1]) else { return malformed(Array(event.id.utf8), audience) }
        saw(String(parts[0]), audience)
        tookStreamed(snapshot: message.document, at: offset, audience)
      } else if message.type == "event" {
        if parts.count != 2 || Int64(parts[1]) != message.offset || event.name != message.document["event"]?.text {
          malformed(Array("\(event.name) \(event.id)".utf8), audience)
        } else {
          took(message, audience)
        }
      } else if message.type == "close", message.document["code"] == .integer(4401) {
        token = nil
      }
    }
    if chunks?.isBroken == true { malformed(Array("a chunk".utf8), audience) }
    if chunks?.isAtEnd == true { lose(audience, failed: false) }
  }

  private func tookStreamed(snapshot document: Document, at offset: Int64, _ audience: Audience) {
    // Either the message of wire §2 that carries it, or the state alone.
    let snapshot = document["snapshot"] ?? document
    audience.figures.snapshots += 1
    if isEnding { subscriptions[0].isFresh = true }
    subscriptions[0].place.subscribed(
      at: offset, recovered: false, asked: subscriptions[0].asked, snapshot: snapshot, &audience.ledger)
    begin(0, audience)
  }

  private func resumed(_ index: Int, at offset: Int64, _ audience: Audience) {
    audience.figures.recoveries += 1
    subscriptions[index].place.subscribed(
      at: offset, recovered: true, asked: offset, snapshot: nil, &audience.ledger)
    begin(index, audience)
  }
}
