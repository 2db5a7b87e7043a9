// The seeds of every fuzz target, replayed, and a short run of mutations of them, the same in every run. What libFuzzer
// finds in an hour is not found here; what it found once stays found.
import Foundation
import FuzzTargets
import Testing

@Suite struct FuzzSeedTests {
  @Test(arguments: FuzzTarget.all.map(\.name))
  func everySeedPasses(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let seeds = try Seeds.of(target)
    #expect(seeds.count >= 5, "\(name) has too few seeds")
    for seed in seeds {
      #expect(throws: Never.self, "\(name)/\(seed.file)") { try target.run(seed.bytes) }
    }
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func mutationsOfTheSeedsPass(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let seeds = try Seeds.of(target).map(\.bytes)
    let number = ProcessInfo.processInfo.environment["HUB_FUZZ_SEED"].flatMap { UInt64($0) } ?? 7692
    var mutator = Mutator(seed: number, corpus: seeds)
    // Named before it begins: after a trap there is nobody to say which it was.
    print("fuzz target \(name): mutations with HUB_FUZZ_SEED=\(number)")
    for index in 0..<3000 {
      let input = mutator.next()
      do {
        try target.run(input)
      } catch {
        Issue.record("\(name), mutation \(index), input in base 64 \(Data(input).base64EncodedString()): \(error)")
        return
      }
    }
  }

  @Test func everyFolderOfSeedsBelongsToATarget() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Seeds.root.path)
    #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
  }
}

private enum Seeds {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Seeds")

  static func of(_ target: FuzzTarget) throws -> [(file: String, bytes: [UInt8])] {
    let folder = root.appending(path: target.name)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
      (file, [UInt8](try Data(contentsOf: folder.appending(path: file))))
    }
  }
}
