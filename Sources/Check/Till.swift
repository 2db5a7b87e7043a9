// A writer that works as a till and its kitchen do: places orders, confirms them, cooks their tickets, completes or cancels
// them, over REST or over a socket. Each command has a key and is sent again, at any of the hubs, until it is answered;
// some are given up after the first lost answer, and then may have happened once or not at all.
import EventLoop

struct Till {
  let addresses: [HubAddress]
  let scenes: [Scene]
  let token: @Sendable (_ role: String, _ restaurant: String) -> Token
  let run: String
  let number: Int
  /// Commands over a WebSocket instead of REST.
  let usesSocket: Bool
  let ordersPerSecond: Double
  let ending: Ending
  var random: Seeded

  /// An order that was placed; it has tickets once it is confirmed.
  private struct Guest {
    let scene: Scene
    let order: String
    var tickets: [String] = []
    var path: String { "/api/v1/orders/\(order)" }
  }

  private static let mostWaiting = 12

  private var journal = Journal()
  private var waiting: [Guest] = []
  private var link: Link?
  private var count = 0
  private var tokens: [String: Token] = [:]

  init(
    addresses: [HubAddress], scenes: [Scene], run: String, number: Int, usesSocket: Bool, ordersPerSecond: Double,
    ending: Ending, random: Seeded, token: @escaping @Sendable (String, String) -> Token
  ) {
    self.addresses = addresses
    self.scenes = scenes
    self.run = run
    self.number = number
    self.usesSocket = usesSocket
    self.ordersPerSecond = ordersPerSecond
    self.ending = ending
    self.random = random
    self.token = token
  }

  mutating func work() -> Journal {
    var pace = Pace(perSecond: ordersPerSecond)
    while !ending.hasCome {
      // The first of them is the one that everybody eats at.
      let scene = random.chance(30) ? scenes[0] : scenes.randomElement(using: &random) ?? scenes[0]
      serve(scene)
      if random.chance(5) { toggle(scene) }
      pace.wait(random: &random)
    }
    return journal
  }

  private mutating func serve(_ scene: Scene) {
    let note = "check \(run) till \(number) order \(count)"
    let items = (0..<Int.random(in: 1...2, using: &random)).map { _ in
      let product = scene.products.randomElement(using: &random) ?? ""
      return #"{"product_id":"\#(product)","quantity":\#(Int.random(in: 1...3, using: &random))}"#
    }
    let body =
      #"{"restaurant_id":"\#(scene.restaurant)","order_type":"dine_in","table":"\#(number)","note":"\#(note)","#
      + #""items":[\#(items.joined(separator: ","))]}"#
    guard let placed = command(scene, "/api/v1/orders", body, "order.created", note), let order = placed["id"]?.text
    else { return }
    // Some wait a while, in every state, so that there is something to be seen in a snapshot.
    let guest = Guest(scene: scene, order: order)
    random.chance(15) ? waiting.append(guest) : cook(guest)
    if waiting.count > Self.mostWaiting {
      let first = waiting.removeFirst()
      first.tickets.isEmpty ? cook(first) : finish(first)
    }
  }

  /// Confirms the order, and what follows; or it is cancelled.
  private mutating func cook(_ guest: Guest) {
    var guest = guest
    if random.chance(5) { return cancel(guest, "changed their mind") }
    guard let confirmed = command(guest.scene, "\(guest.path)/confirm", nil, "order.confirmed", guest.order) else {
      return
    }
    guest.tickets = (confirmed["tickets"]?.list ?? []).compactMap { $0["id"]?.text }
    if random.chance(10) {
      cancel(guest, "too late")
      for ticket in guest.tickets { move(guest.scene, ticket, "void-seen", "ticket.void_seen") }
      return
    }
    if random.chance(15) { return waiting.append(guest) }
    finish(guest)
  }

  private mutating func finish(_ guest: Guest) {
    let (scene, tickets) = (guest.scene, guest.tickets)
    for ticket in tickets {
      guard move(scene, ticket, "start", "ticket.started"), move(scene, ticket, "bump", "ticket.ready") else { return }
    }
    if random.chance(8), let ticket = tickets.first {
      guard move(scene, ticket, "recall", "ticket.recalled"), move(scene, ticket, "bump", "ticket.ready") else {
        return
      }
    }
    if random.chance(50) {
      for ticket in tickets {
        guard move(scene, ticket, "bump", "ticket.served") else { return }
      }
    }
    _ = command(scene, "\(guest.path)/complete", nil, "order.completed", guest.order)
  }

  private mutating func cancel(_ guest: Guest, _ reason: String) {
    _ = command(
      guest.scene, "\(guest.path)/cancel", #"{"reason":"\#(reason)"}"#, "order.cancelled", guest.order)
  }

  @discardableResult
  private mutating func move(_ scene: Scene, _ ticket: String, _ verb: String, _ event: String) -> Bool {
    command(scene, "/api/v1/tickets/\(ticket)/\(verb)", nil, event, ticket) != nil
  }

  /// A product that nobody orders goes out or comes back; whether it was so already does not matter.
  private mutating func toggle(_ scene: Scene) {
    let body = #"{"available":\#(random.chance(50))}"#
    _ = carryOut("PATCH", "/api/v1/products/\(scene.seasonal)", body, scene)
  }

  /// A command that causes the event; the answer's body, nil when it is not known to have taken place.
  private mutating func command(
    _ scene: Scene, _ path: String, _ body: String?, _ event: String, _ subject: String
  ) -> Document? {
    let (outcome, answer) = carryOut("POST", path, body, scene)
    journal.commands.append(Journal.Command(outcome, "pos:\(scene.restaurant)", event, subject))
    return outcome == .acknowledged ? answer : nil
  }

  private mutating func carryOut(
    _ method: String, _ path: String, _ body: String?, _ scene: Scene
  ) -> (Journal.Outcome, Document) {
    count += 1
    let key = "check-\(run)-\(number)-\(count)"
    let mayGiveUp = random.chance(10)
    let limit = MonotonicTime.now().advanced(by: .seconds(120))
    while true {
      do throws(LinkLost) {
        let answer = try attempt(method, path, body, key, scene)
        switch answer.status {
        case 200..<300: return (.acknowledged, answer.body)
        case 401: tokens[scene.restaurant] = nil
        case 429, 503: break
        case 409 where answer.body["code"] == .text("idempotency_in_progress"): break
        default:
          // Whoever repeats a command gets its first answer; anything else means that it happened unseen, or never.
          journal.breaches.add(.refused, "\(method) \(path) with \(key): \(answer.status) \(answer.body)")
          return (.unknown, .null)
        }
      } catch {
        link = nil
        if mayGiveUp { return (.unknown, .null) }
      }
      journal.retries += 1
      if MonotonicTime.now() > limit {
        journal.breaches.add(.absent, "\(method) \(path) with \(key): no answer in two minutes")
        return (.unknown, .null)
      }
      pause(Double.random(in: 0.02...0.2, using: &random))
    }
  }

  private mutating func attempt(
    _ method: String, _ path: String, _ body: String?, _ key: String, _ scene: Scene
  ) throws(LinkLost) -> CommandAnswer {
    let now = wallClockMicroseconds() / 1_000_000
    if let ends = tokens[scene.restaurant]?.ends, ends < now + 3 { tokens[scene.restaurant] = nil }
    // A socket is signed in for one restaurant's staff; with several each needs a connection of its own.
    let isFresh = tokens[scene.restaurant] == nil
    let held = tokens[scene.restaurant] ?? token("employee", scene.restaurant)
    if isFresh { tokens = usesSocket ? [scene.restaurant: held] : tokens.merging([scene.restaurant: held]) { $1 } }
    if usesSocket, isFresh { link = nil }
    if link == nil {
      let made = try Link(addresses.randomElement(using: &random) ?? addresses[0])
      if usesSocket { try made.upgrade(token: held.text) }
      link = made
    }
    guard let link else { throw LinkLost() }
    if usesSocket { return try link.command(method, path, key: key, body: body) }
    return try link.request(method, path, token: held.text, key: key, body: body)
  }
}
