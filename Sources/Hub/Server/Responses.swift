// Complete HTTP responses as bytes: what every answer carries, in one place.
import Compression
import Protocol

/// An HTTP answer before it is serialised.
struct HTTPAnswer {
  var status: Int
  var type: StaticString?
  var headers: [(String, String)] = []
  var body: [UInt8] = []
  /// The content ends with the connection (RFC 9112 §6.3): nobody knows its length yet.
  var endsWithConnection = false

  /// What `GET /health` says; balancers ask often.
  static let alive = HTTPAnswer.json(200, JSON(members: [("status", .string("alive"))]))

  static func problem(_ problem: Problem) -> HTTPAnswer {
    HTTPAnswer(
      status: problem.status, type: "application/problem+json", headers: problem.headers, body: problem.document)
  }

  static func text(_ text: String, type: StaticString = "text/plain; charset=utf-8") -> HTTPAnswer {
    HTTPAnswer(status: 200, type: type, body: Array(text.utf8))
  }

  static func json(_ status: Int, _ document: JSON) -> HTTPAnswer {
    HTTPAnswer(status: status, type: "application/json", body: document.serialised())
  }

  init(status: Int, type: StaticString?, headers: [(String, String)] = [], body: [UInt8] = []) {
    self.status = status
    self.type = type
    self.headers = headers
    self.body = body
  }

  init(_ result: APIResult) {
    status = result.status
    type = result.body.isEmpty ? nil : result.isProblem ? "application/problem+json" : "application/json"
    headers = result.headers
    body = result.body
    if !result.offsets.isEmpty {
      headers.append(("Hub-Offsets", result.offsets.map { "\($0.channel)=\($0.offset)" }.joined(separator: ", ")))
    }
    if !headers.contains(where: { $0.0 == "Cache-Control" || $0.0 == "ETag" }) {
      headers.append(("Cache-Control", "no-store"))
    }
  }

  /// The whole response. `request` decides about HEAD, compression and keeping the connection.
  func serialised(
    for request: HTTPRequestHead, crossOrigin: [(String, String)] = [], requestID: RequestID, date: HTTPDate,
    closing: Bool
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    serialise(
      for: request, crossOrigin: crossOrigin, requestID: requestID, date: date, closing: closing, to: &bytes)
    return bytes
  }

  /// The same into `bytes`, which are empty.
  func serialise(
    for request: HTTPRequestHead, crossOrigin: [(String, String)], requestID: RequestID, date: HTTPDate,
    closing: Bool, to bytes: inout [UInt8]
  ) {
    let content = gzipped(for: request)
    bytes.reserveCapacity(512 + (content ?? body).count)
    do throws(HTTPEncodingError) {
      try HTTPHeadWriter.appendStatus(status, to: &bytes)
      bytes.append(contentsOf: date.line)
      if let type {
        HTTPHeadWriter.append("Content-Type: ", to: &bytes)
        HTTPHeadWriter.append(type, to: &bytes)
        HTTPHeadWriter.append("\r\n", to: &bytes)
      }
      for (name, value) in headers { try HTTPHeadWriter.appendField(name, value, to: &bytes) }
      for (name, value) in crossOrigin { try HTTPHeadWriter.appendField(name, value, to: &bytes) }
    } catch {
      // A header of our own that may not travel is a fault of ours: say so rather than send half an answer.
      bytes = Array("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
      return
    }
    if content != nil { HTTPHeadWriter.append("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", to: &bytes) }
    let hasContent = status != 204 && status != 304
    if hasContent && !endsWithConnection {
      HTTPHeadWriter.append("Content-Length: ", to: &bytes)
      HTTPHeadWriter.appendNumber(UInt((content ?? body).count), to: &bytes)
      HTTPHeadWriter.append("\r\n", to: &bytes)
    }
    HTTPHeadWriter.append("X-Content-Type-Options: nosniff\r\nX-Request-Id: ", to: &bytes)
    requestID.append(to: &bytes)
    HTTPHeadWriter.append("\r\n", to: &bytes)
    if closing {
      HTTPHeadWriter.append("Connection: close\r\n", to: &bytes)
    } else if request.minorVersion == 0 {
      HTTPHeadWriter.append("Connection: keep-alive\r\n", to: &bytes)
    }
    HTTPHeadWriter.append("\r\n", to: &bytes)
    if hasContent && request.method != "HEAD" { bytes.append(contentsOf: content ?? body) }
  }

  /// The content compressed, where that is worth it and the client takes it.
  private func gzipped(for request: HTTPRequestHead) -> [UInt8]? {
    guard body.count > 1024, request.acceptsGzip,
      !headers.contains(where: { HTTPSyntax.equalsIgnoringCase($0.0, "Content-Encoding") })
    else { return nil }
    return try? Gzip.compress(body.span.bytes)
  }
}

extension HTTPRequestHead {
  /// Stands for a request that could not be read: its answer has nothing to go by.
  static let unread = HTTPRequestHead(method: "", target: "", path: "")

  /// Whether a gzipped answer may be sent (RFC 9110 §12.5.3); a coding with a weight is taken unless the weight is 0.
  var acceptsGzip: Bool {
    fields.list("Accept-Encoding").contains { coding in
      let parts = coding.split(separator: ";").map { $0.filter { $0 != " " } }
      return parts.first == "gzip"
        && !parts.dropFirst().contains { $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) } }
    }
  }
}

/// The date of HTTP (RFC 9110 §5.6.7), made anew once a second.
struct HTTPDate {
  let text: String

  /// The whole field, as it stands in an answer.
  let line: [UInt8]

  init(seconds: Int64) {
    let days = seconds / 86400
    let rest = seconds % 86400
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(days % 7)]
    // Howard Hinnant's days-to-civil, for days since 1970-01-01.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    text =
      "\(weekday), \(two(day)) \(names[Int(month) - 1]) \(year) \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
    line = Array("Date: \(text)\r\n".utf8)
  }
}
