// Heads and chunks → bytes (RFC 9112 §3, §4, §7.1). Whatever could end a line early is refused here, in one place, so
// that no value that came from outside can add a field or a second response.

/// Local misuse: a part of a message that cannot be sent as it is.
package enum HTTPEncodingError: Error, Equatable, Sendable {
  case invalidStatus(Int)
  case invalidReason
  case invalidRequestLine
  case invalidField(name: String)
}

extension HTTPResponseHead {
  /// Appends the status line, the fields and the empty line; nothing is appended if it throws.
  package func append(to output: inout [UInt8]) throws(HTTPEncodingError) {
    try fields.validate()
    try HTTPHeadWriter.appendStatus(status, reason, to: &output)
    fields.append(to: &output)
  }
}

extension HTTPResponse {
  /// Appends head and body with the body's Content-Length, where the status allows one (RFC 9110 §8.6).
  package func append(to output: inout [UInt8]) throws(HTTPEncodingError) {
    var head = head
    if head.status >= 200, head.status != 204, head.status != 304 {
      head.fields["Content-Length"] = String(body.count)
    }
    try head.append(to: &output)
    if head.status >= 200, head.status != 204, head.status != 304 { output.append(contentsOf: body) }
  }
}

extension HTTPRequest {
  /// Appends `method target` and the fields of the head, with a Content-Length when there is a body.
  package func append(to output: inout [UInt8]) throws(HTTPEncodingError) {
    guard HTTPSyntax.isToken(head.method.utf8), !head.target.isEmpty,
      head.target.utf8.allSatisfy(HTTPSyntax.isTargetByte)
    else { throw .invalidRequestLine }
    var fields = head.fields
    if !body.isEmpty || head.method == "POST" || head.method == "PUT" || head.method == "PATCH" {
      fields["Content-Length"] = String(body.count)
    }
    try fields.validate()
    output.append(contentsOf: "\(head.method) \(head.target) HTTP/1.\(min(max(head.minorVersion, 0), 1))\r\n".utf8)
    fields.append(to: &output)
    output.append(contentsOf: body)
  }
}

extension HTTPFields {
  fileprivate func validate() throws(HTTPEncodingError) {
    for place in places {
      guard HTTPHeadWriter.isName(bytes.span.extracting(place.name)),
        HTTPHeadWriter.isValue(bytes.span.extracting(place.value))
      else { throw .invalidField(name: String(decoding: bytes[place.name], as: UTF8.self)) }
    }
  }

  fileprivate func append(to output: inout [UInt8]) {
    for place in places {
      output.append(contentsOf: bytes[place.name])
      output.append(contentsOf: ": ".utf8)
      output.append(contentsOf: bytes[place.value])
      output.append(contentsOf: "\r\n".utf8)
    }
    output.append(contentsOf: "\r\n".utf8)
  }
}

/// Bodies of unknown length, such as event streams (RFC 9112 §7.1).
package enum HTTPChunk {
  /// Appends one chunk; nothing for an empty one, which would end the body.
  package static func append(_ data: RawSpan, to output: inout [UInt8]) {
    guard !data.isEmpty else { return }
    output.append(contentsOf: String(data.byteCount, radix: 16).utf8)
    output.append(contentsOf: "\r\n".utf8)
    data.withUnsafeBytes { output.append(contentsOf: $0) }
    output.append(contentsOf: "\r\n".utf8)
  }

  package static func appendEnd(to output: inout [UInt8]) {
    output.append(contentsOf: "0\r\n\r\n".utf8)
  }
}

/// Reason phrases of RFC 9110 §15 and of IANA's registry.
package enum HTTPReason {
  package static func phrase(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 426: "Upgrade Required"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
