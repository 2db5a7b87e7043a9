// The rules of docs/explanation/architecture.md §1 that text can show. Each failure names the file that breaks the rule.
import Testing

@Suite struct ArchitectureTests {
  private static let cores: Set = ["Protocol", "Channels", "Domain"]
  /// Engines, and the C modules that each of them fences.
  private static let engines: [String: Set<String>] = [
    "EventLoop": ["CLinux"], "Crypto": ["COpenSSL", "CSodium"], "Compression": ["CZlib"],
    "Postgres": ["CPostgres", "CLinux"], "Telemetry": [],
  ]

  @Test func theTreeIsFound() {
    #expect(Repository.sources.count > 50)
    let targets = Set(Repository.sources.map(\.target))
    #expect(targets == Self.cores.union(Self.engines.keys).union(["Hub", "Check", "Command"]))
  }

  @Test(arguments: ["Protocol", "Channels", "Domain"])
  func aPureCoreImportsOnlyPureCores(_ core: String) {
    for file in Repository.sources where file.target == core {
      #expect(file.imports.isSubset(of: Self.cores), "\(file) imports \(file.imports.subtracting(Self.cores))")
    }
  }

  @Test(arguments: ["Protocol", "Channels", "Domain"])
  func aPureCoreReadsNoClockAndMakesNoRandomness(_ core: String) {
    let forbidden = [
      "SystemRandomNumberGenerator", ".random(in:", "randomElement()", "shuffled()", "ContinuousClock",
      "SuspendingClock",
    ]
    for file in Repository.sources where file.target == core {
      for word in forbidden { #expect(!file.text.contains(word), "\(file) has \(word)") }
    }
  }

  @Test func anEngineImportsOtherEnginesAndItsOwnCModulesOnly() {
    for file in Repository.sources {
      guard let own = Self.engines[file.target] else { continue }
      let allowed = own.union(["Glibc", "Synchronization", "EventLoop"])
      #expect(file.imports.isSubset(of: allowed), "\(file) imports \(file.imports.subtracting(allowed))")
    }
  }

  @Test func aCModuleIsImportedOnlyByItsEngine() {
    let modules = Repository.files(in: "Sources/System", ["modulemap"]).compactMap { file in
      file.text.split(separator: " ").dropFirst().first.map(String.init)
    }
    #expect(modules.contains("CPostgres"))
    for file in Repository.sources {
      var allowed = Self.engines[file.target] ?? []
      // The loop hands a reactor the kernel's own events, so the reactor knows their type.
      if file.target == "Hub" { allowed.insert("CLinux") }
      let used = file.imports.intersection(modules)
      #expect(used.isSubset(of: allowed), "\(file) imports \(used.subtracting(allowed))")
    }
  }

  @Test func theCheckSharesNoCodecWithTheHub() {
    for file in Repository.sources where file.target == "Check" {
      #expect(file.imports.isSubset(of: ["EventLoop", "Glibc", "Postgres", "Synchronization"]), "\(file)")
    }
  }

  @Test func foundationIsUsedNowhere() {
    for file in Repository.sources {
      #expect(file.imports.isDisjoint(with: ["Foundation", "Dispatch", "FoundationNetworking"]), "\(file)")
    }
  }

  @Test func onlyTheLoopIsUncheckedSendable() {
    for file in Repository.sources where file.path != "Sources/EventLoop/EventLoop.swift" {
      #expect(!file.text.contains("@unchecked Sendable"), "\(file)")
    }
  }

  @Test func nothingTrapsOnPurposeForInput() {
    for file in Repository.sources {
      for word in ["try!", "fatalError(", "as! "] { #expect(!file.text.contains(word), "\(file) has \(word)") }
    }
  }

  @Test(arguments: ["Sources", "Tests", "clients", "scripts"])
  func noFileIsLongerThan500Lines(_ folder: String) {
    for file in Repository.files(in: folder, ["swift", "sql", "h", "js", "ts", "css", "html", "py", "sh"]) {
      #expect(file.lines <= 500, "\(file) has \(file.lines) lines")
    }
  }

  @Test func theMedianFileHasAtMost150Lines() {
    let lines = Repository.sources.map(\.lines).sorted()
    #expect(lines[lines.count / 2] <= 150)
  }

  @Test func everySourceFileBeginsWithACommentThatSaysWhatItIs() {
    for file in Repository.files(in: "Sources", ["swift", "h", "sql"]) {
      let mark = file.path.hasSuffix(".sql") ? "-- " : "// "
      #expect(file.text.hasPrefix(mark), "\(file)")
    }
  }

  @Test func everyMigrationIsListedAndTheyAreCountedFromOne() throws {
    let list = try #require(Repository.sources.first { $0.path == "Sources/Hub/Migrations.swift" }).text
    let files = Repository.files(in: "Sources/Hub/SQL", ["sql"])
    #expect(!files.isEmpty)
    for (index, file) in files.enumerated() {
      let stem = try #require(file.path.split(separator: "/").last).dropLast(4)
      let parts = stem.split(separator: "-", maxSplits: 1)
      #expect(parts.count == 2 && parts[0].count == 4 && Int(parts[0]) == index + 1, "\(file)")
      let entry = "Migration(number: \(index + 1), name: \"\(parts.last ?? "")\""
      #expect(list.contains(entry), "\(file) is not in Migrations.swift")
    }
    #expect(list.split(separator: "Migration(number:").count - 1 == files.count)
  }

  @Test func noTestSleeps() {
    for file in Repository.files(in: "Tests", ["swift"]) where !file.path.hasPrefix("Tests/Architecture/") {
      for word in ["Task.sleep", "Thread.sleep", "usleep(", "nanosleep("] {
        #expect(!file.text.contains(word), "\(file) has \(word)")
      }
    }
  }
}
