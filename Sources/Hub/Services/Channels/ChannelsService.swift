// Reading a channel without listening to it: its state with the offset, and its log.
import Channels
import Domain
import Postgres
import Protocol

enum ChannelsService {
  private static let mostEvents: Int64 = 100

  static func snapshot(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let channel = try channel(request)
    let rows = try await read(ChannelsQueries.snapshot(channel), of: channel, request, database)
    guard let row = rows.first, !row.isNull(2) else { throw .notFound("This channel") }
    let tag = "\"\(row.string(0)).\(row.int64(1))\""
    if request.has(tag) { return Answer(status: 304, body: [], headers: [("ETag", tag)]) }
    var body = Array(
      #"{"channel":"\#(channel)","epoch":"\#(row.string(0))","offset":\#(row.int64(1)),"snapshot":"#.utf8)
    body += row.bytes(2)
    body.append(UInt8(ascii: "}"))
    return Answer(status: 200, body: body, headers: [("ETag", tag)])
  }

  static func events(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let channel = try channel(request)
    let after = try number(request, "after", in: 0...Int64.max) ?? 0
    let limit = try number(request, "limit", in: 1...mostEvents) ?? 50
    let statement = FeedQueries.events(after: [(channel.description, after)], limit: Int(limit))
    let rows = try await read(statement, of: channel, request, database)
    var body = Array(#"{"items":["#.utf8)
    var last: Int64?
    for row in rows {
      if last != nil { body.append(UInt8(ascii: ",")) }
      let event = LogEvent(row)
      last = event.offset
      body += event.message
    }
    let next = rows.count == Int(limit) ? last.map { "\"\($0)\"" } : nil
    body += Array(#"],"next":\#(next ?? "null")}"#.utf8)
    return .ok(body)
  }

  static func presence(_ request: Request, _ database: any Database) async throws(Problem) -> Answer {
    let channel = try channel(request)
    let page = try Page(request.query)
    return try page.answer(try await read(ChannelsQueries.presence(channel, page), of: channel, request, database))
  }

  static func publish(_ request: Request, _ transaction: Transaction) async throws(Problem) -> Answer {
    // An admin publishes also where it may not listen; to everybody else another's channel does not exist.
    guard try request.signedIn.role.permissions.contains(.publishEvents) else {
      _ = try self.channel(request)
      throw .forbidden()
    }
    guard let channel = request.parameters["channel"].flatMap({ ChannelName($0) }) else {
      throw .notFound("This channel")
    }
    var faults: [FieldFault] = []
    let name = request.body["event"]?.string
    if name == nil { faults.append(FieldFault(field: "event", code: "missing", detail: "event is a string.")) }
    guard faults.isEmpty, let name else { throw .validation(faults) }
    do throws(Problem) {
      _ = try await transaction.rows(
        ChannelsQueries.publish(channel, name, request.body["data"]?.serialised() ?? Array("null".utf8)))
    } catch {
      guard error.sqlState == "22023" || error.sqlState == "54000" else { throw error }
      throw .validation([
        FieldFault(
          field: "event", code: "invalid_event",
          detail: "An event's name is lower-case words joined by dots; its data is at most 64 KiB.")
      ])
    }
    return Answer(status: 202, body: Array(#"{"channel":"\#(channel)","event":"\#(name)"}"#.utf8))
  }

  /// Reads of a channel, and then asks whether the caller may still have done so: what is read after a revocation's
  /// commit is not given to whom it revoked.
  private static func read(
    _ statement: Statement, of channel: ChannelName, _ request: Request, _ database: any Database
  ) async throws(Problem) -> PostgresRows {
    let caller = try request.signedIn
    let concerned = caller.role == .platformOwner ? [] : Identifier(channel.id).map { [$0] }
    guard let check = AccessQueries.check(caller, in: concerned) else { return try await database.rows(statement) }
    return try await database.batch([statement, check])[0]
  }

  /// The channel of the path, if the caller may listen to it.
  private static func channel(_ request: Request) throws(Problem) -> ChannelName {
    guard let text = request.parameters["channel"], let name = ChannelName(text) else {
      throw .notFound("This channel")
    }
    switch try request.signedIn.mayListen(to: name.kind.rawValue, name.id) {
    case .granted: return name
    case .forbidden: throw .forbidden("Your role may not listen to this channel.")
    case .invisible: throw .notFound("This channel")
    }
  }

  private static func number(_ request: Request, _ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64?
  {
    guard let text = request.query[name] else { return nil }
    guard let value = Int64(text), range.contains(value) else {
      throw .badRequest("\(name) is a number from \(range.lowerBound) to \(range.upperBound).", code: "invalid_query")
    }
    return value
  }
}
