// The head of an HTTP answer and a body in chunks, as a plain client reads them (RFC 9112 §4, §7.1).

/// Status and fields; names in lower case.
package struct ResponseHead: Equatable {
  package let status: Int
  package let fields: [String: String]

  /// Takes a head off the front of `bytes`; nil while it is not all there. A head that is none has the status 0.
  package init?(takenFrom bytes: inout [UInt8]) {
    var end: Int?
    var index = 3
    while index < bytes.count {
      if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10, bytes[index - 3] == 13 {
        end = index + 1
        break
      }
      index += 1
    }
    guard let end else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    bytes.removeFirst(end)
    let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
    status = words.count >= 2 && words[0] == "HTTP/1.1" ? Int(words[1]) ?? 0 : 0
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    self.fields = fields
  }

  package var isChunked: Bool { fields["transfer-encoding"]?.lowercased() == "chunked" }
}

/// Takes a body in chunks apart.
package struct Chunks {
  private var pending: [UInt8] = []
  package private(set) var isAtEnd = false
  package private(set) var isBroken = false

  package init() {}

  /// What of the body has arrived with these bytes.
  package mutating func take(_ bytes: [UInt8]) -> [UInt8] {
    pending += bytes
    var body: [UInt8] = []
    var position = 0
    while !isAtEnd, !isBroken {
      guard let end = pending[position...].firstIndex(of: 10) else { break }
      let line = String(decoding: pending[position..<end], as: UTF8.self).prefix { $0.isHexDigit }
      guard let size = Int(line, radix: 16), size <= 64 << 20 else {
        isBroken = true
        break
      }
      if size == 0 {
        isAtEnd = true
        break
      }
      guard pending.count >= end + 1 + size + 2 else { break }
      body += pending[(end + 1)..<(end + 1 + size)]
      position = end + 1 + size + 2
    }
    pending.removeFirst(position)
    return body
  }
}
