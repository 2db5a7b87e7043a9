// What `X-Request-Id` says (wire §5): the client's own word where it sent a usable one, else an id made here. Most
// requests get an id that nobody looks at, so it becomes text only where it is asked for.
import Domain
import Protocol

enum RequestID {
  case given(String)
  case made(Identifier)

  /// 1 to 64 visible characters are taken from the client; anything else is as if it had sent none.
  init(of head: HTTPRequestHead) {
    if let given = head.fields["X-Request-Id"], (1...64).contains(given.utf8.count),
      given.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
      self = .given(given)
    } else {
      self = .made(.fresh())
    }
  }

  var text: String {
    switch self {
    case .given(let text): text
    case .made(let identifier): identifier.description
    }
  }

  func append(to output: inout [UInt8]) {
    switch self {
    case .given(let text): output.append(contentsOf: text.utf8)
    case .made(let identifier): identifier.append(to: &output)
    }
  }
}
