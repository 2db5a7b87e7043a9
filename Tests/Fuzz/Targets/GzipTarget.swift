// Whole bodies as gzip (RFC 1952): within the limit or refused, and the same again after a round trip.
import Compression

extension FuzzTarget {
  static let gzip = FuzzTarget("gzip") { input in
    if let body = try? Gzip.decompress(input.span.bytes, limit: 10_000) {
      try require(body.count <= 10_000, "the body is over its limit")
      try checkRoundTrip(body)
    }
    try checkRoundTrip(input)
  }

  private static func checkRoundTrip(_ body: [UInt8]) throws {
    let compressed = try Gzip.compress(body.span.bytes)
    try requireEqual(try Gzip.decompress(compressed.span.bytes, limit: body.count), body, "the body changed")
    if !body.isEmpty {
      let refused = (try? Gzip.decompress(compressed.span.bytes, limit: body.count - 1)) == nil
      try require(refused, "a limit was passed by one byte")
    }
  }
}
