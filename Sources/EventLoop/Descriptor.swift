// A file descriptor that closes itself. Owners hold it as a value that cannot be copied, so it is closed exactly once.
import Glibc

package struct Descriptor: ~Copyable {
  package let number: Int32

  package init(owning number: Int32) { self.number = number }

  /// Gives the number away; the caller closes it.
  package consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  deinit { close(number) }
}
