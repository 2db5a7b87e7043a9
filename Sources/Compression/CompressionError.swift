// What can go wrong with compressed bytes, for both directions and all formats of this module.

/// Why bytes were not compressed or not restored.
package enum CompressionError: Error, Hashable, Sendable {
  /// Window bits outside 9…15 or a level outside 0…9: local misuse.
  case invalidSetting
  /// The input is not a compressed stream, or it ends too early.
  case corrupt
  /// The output would pass the limit given; nothing of it is kept.
  case tooLarge
  case outOfMemory
}
