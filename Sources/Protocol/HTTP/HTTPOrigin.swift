// Web origins (RFC 6454 §6.2): what a browser sends in `Origin`, and what an operator may name.

package enum HTTPOrigin {
  /// The origin as a browser writes it, `scheme://host` and a port if it is not the scheme's own; nil for what is none.
  ///
  /// Only http and https: other pages (`null`, extensions, files) have no origin that anybody could check.
  package static func normalised(_ text: String) -> String? {
    let lower = text.lowercased()
    for (scheme, port) in [("http", ":80"), ("https", ":443")] {
      guard lower.hasPrefix("\(scheme)://") else { continue }
      var host = lower.dropFirst(scheme.count + 3)
      guard !host.isEmpty, HTTPSyntax.isHost(String(host)) else { return nil }
      if host.hasSuffix(port) { host = host.dropLast(port.count) } else if host.hasSuffix(":") { return nil }
      return "\(scheme)://\(host)"
    }
    return nil
  }
}
