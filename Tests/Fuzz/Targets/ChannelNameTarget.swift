// Names of channels (wire.md §1): a name has one spelling once it is read.
import Channels

extension FuzzTarget {
  static let channelName = FuzzTarget("channel-name") { input in
    guard let text = String(validating: input, as: UTF8.self), let name = ChannelName(text) else { return }
    try requireEqual(ChannelName(name.description), name, "a name written and read again")
    try requireEqual(Array(name.description.utf8), Array(text.lowercased().utf8), "a name is written otherwise")
    try require(input.count <= 47, "a name of \(input.count) bytes")
    try require(input.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a name with other than visible ASCII")
  }
}
