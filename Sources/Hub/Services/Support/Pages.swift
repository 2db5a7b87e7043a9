// Lists by keyset: `?limit=&cursor=` → {"items":[…],"next":cursor or null} (wire.md §5). A cursor is the sort key of
// the last row shown, so a page costs the same wherever it lies and rows that come in between shift nothing. It is
// opaque to clients, and the database checks what is in it, so it needs no signature.
import Crypto
import Domain
import Postgres
import Protocol

/// The sort key of a list's rows: a moment and an id, or an id alone.
struct PageKey: Equatable {
  /// RFC 3339, as hub.instant prints it; empty in lists by id alone.
  let instant: String
  let id: Identifier
}

/// Which part of a list is asked for.
struct Page {
  static let standardLimit = 50
  static let largestLimit = 100

  let limit: Int
  let after: PageKey?

  /// Reads `limit` and `cursor`; a limit above the largest is cut, as it is only a wish.
  init(_ query: QueryParameters) throws(Problem) {
    if let text = query["limit"] {
      guard let limit = Int(text), limit >= 1 else {
        throw .validation([FieldFault(field: "limit", code: "invalid_number", detail: "A whole number from 1.")])
      }
      self.limit = min(limit, Self.largestLimit)
    } else {
      limit = Self.standardLimit
    }
    after = try query["cursor"].map { text throws(Problem) in
      guard let key = PageKey(cursor: text) else {
        throw .badRequest("The cursor is not one of this list's.", code: "invalid_cursor")
      }
      return key
    }
  }

  /// What the statement's LIMIT is: one row more than is shown tells whether there are more.
  var fetched: PostgresValue { .integer(Int64(limit + 1)) }

  /// The parameters of the key, for `(instant, id) < ($n, $n+1)`.
  var instant: PostgresValue { PostgresValue(after.map(\.instant)) }
  var id: PostgresValue { PostgresValue(after.map(\.id)) }

  /// The answer to rows of (id, instant or null, document).
  func answer(_ rows: PostgresRows) throws(Problem) -> Answer {
    var documents: [[UInt8]] = []
    for row in rows.prefix(limit) { documents.append(row.bytes(2)) }
    var next: String?
    if rows.count > limit {
      let last = rows[limit - 1]
      next = PageKey(instant: last.string(1), id: try last.requiredIdentifier(0)).cursor
    }
    return .ok(Self.list(documents, next: next))
  }

  /// A list that has no further page.
  static func answer(whole rows: PostgresRows, document column: Int) -> Answer {
    .ok(list(rows.map { $0.bytes(column) }, next: nil))
  }

  private static func list(_ documents: [[UInt8]], next: String?) -> [UInt8] {
    var body = Array(#"{"items":["#.utf8)
    for (index, document) in documents.enumerated() {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      body += document
    }
    body += Array(#"],"next":"#.utf8)
    // A cursor is base64url, which needs no escaping.
    body += Array((next.map { "\"\($0)\"" } ?? "null").utf8)
    body.append(UInt8(ascii: "}"))
    return body
  }
}

extension PageKey {
  var cursor: String {
    let text = Array("\(instant)/\(id)".utf8)
    return Base64URL.encode(text.span.bytes)
  }

  init?(cursor: String) {
    let text = Array(cursor.utf8)
    guard let bytes = Base64URL.decode(text.span.bytes) else { return nil }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = Identifier(parts[1]), parts[0].isEmpty || isInstant(parts[0]) else { return nil }
    self.init(instant: String(parts[0]), id: id)
  }
}
