// A queue over an array: taking from the front moves an index, and the spent part is dropped once it is the larger
// half.

struct Fifo<Element> {
  private var storage: [Element?] = []
  private var head = 0

  var count: Int { storage.count - head }
  var isEmpty: Bool { head == storage.count }
  var first: Element? { head < storage.count ? storage[head] : nil }

  mutating func append(_ element: Element) { storage.append(element) }

  mutating func popFirst() -> Element? {
    guard head < storage.count else { return nil }
    let element = storage[head]
    storage[head] = nil
    head += 1
    if head == storage.count {
      storage.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 >= storage.count {
      storage.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Takes everything, in order.
  mutating func removeAll() -> [Element] {
    let rest = storage[head...].compactMap(\.self)
    storage = []
    head = 0
    return rest
  }

  func forEach(_ body: (Element) -> Void) {
    for case let element? in storage[head...] { body(element) }
  }
}
