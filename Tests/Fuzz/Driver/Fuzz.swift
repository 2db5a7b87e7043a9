// libFuzzer's way in: it gives bytes, the target that HUB_FUZZ_TARGET names judges them. Built by Tests/Fuzz/run only.
// Without a target's name it says which there are.
import FuzzTargets
import Glibc

private let target: FuzzTarget = {
  let name = getenv("HUB_FUZZ_TARGET").map { String(cString: $0) }
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(0)
  }
  return target
}()

@c(LLVMFuzzerInitialize)
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
  _ = target
  return 0
}

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    // Not printed, since what is printed into a pipe is lost when the program aborts; libFuzzer then keeps the input.
    let text = Array("\(target.name): \(error)\n".utf8)
    _ = write(STDERR_FILENO, text, text.count)
    abort()
  }
  return 0
}
