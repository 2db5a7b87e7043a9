// A message of the hub, read once however many subscribers get the same bytes: with some hundred of them on a few
// channels nine of ten messages are known already, and reading JSON is what would cost the checker most.

final class Message {
  let document: Document
  let type: String
  let channel: String
  let offset: Int64
  /// Of an event: what the audit compares with the log.
  let digest: Int
  /// Of an event: its time in the database, in microseconds since 1970.
  let instant: Int64
  /// Of an event of ours: it was published without a notification.
  let isUnannounced: Bool

  init(_ document: Document) {
    self.document = document
    type = document["type"]?.text ?? ""
    channel = document["channel"]?.text ?? ""
    offset = document["offset"]?.integer ?? -1
    isUnannounced = document["data"]?["unannounced"] == .flag(true)
    guard type == "event" else {
      digest = 0
      instant = 0
      return
    }
    let entry = LogEntry(
      offset: offset, id: document["id"]?.text ?? "", name: document["event"]?.text ?? "",
      at: document["at"]?.text ?? "", data: document["data"] ?? .null)
    digest = entry.digest
    instant = microseconds(ofInstant: entry.at) ?? 0
  }
}

struct MessageCache {
  private static let most = 4096
  private var known: [Int: (bytes: [UInt8], message: Message)] = [:]

  /// Nil when the bytes are no JSON object.
  mutating func message(_ bytes: [UInt8]) -> Message? {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    let key = hasher.finalize()
    if let found = known[key], found.bytes == bytes { return found.message }
    guard let document = Document(bytes), case .object = document else { return nil }
    let message = Message(document)
    if message.type == "event" {
      if known.count >= Self.most { known.removeAll(keepingCapacity: true) }
      known[key] = (bytes, message)
    }
    return message
  }
}
