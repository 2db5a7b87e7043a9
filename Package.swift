// swift-tools-version: 6.3
// The folder tree is the architecture: pure cores, engines that each fence one C library, and `Hub`, the only place
// where the two meet. See docs/explanation/architecture.md before adding a target (a target earns its place).
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  // Overlapping accesses are found by the tests, which run in debug builds; in a release build the check of each access
  // to a stored property costs a sixth of the hub's own instructions a message (docs/decisions/0010).
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A pure core: it may depend on other cores only, opens nothing and reads no clock.
func core(_ name: String, readmes: [String] = []) -> Target {
  .target(name: name, exclude: readmes, swiftSettings: settings)
}

/// An engine: the Swift face of one C library.
func engine(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: settings)
}

/// The program for libFuzzer, which brings its own main function: only Tests/Fuzz/run asks for it.
let fuzzers: [Target] =
  Context.environment["HUB_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "Fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver",
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
  ]

let package = Package(
  name: "hub",
  products: [.executable(name: "hub", targets: ["Command"])],
  targets: [
    .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),
    .systemLibrary(name: "COpenSSL", path: "Sources/System/COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CPostgres", path: "Sources/System/CPostgres", pkgConfig: "libpq"),
    .systemLibrary(name: "CSodium", path: "Sources/System/CSodium", pkgConfig: "libsodium"),
    .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib"),

    core("Protocol", readmes: ["HTTP", "WebSocket", "JSON", "Envelope"].map { "\($0)/README.md" }),
    core("Channels", readmes: ["README.md"]),
    core("Domain"),

    engine("EventLoop", ["CLinux"]),
    engine("Crypto", ["COpenSSL", "CSodium", "EventLoop"]),
    engine("Compression", ["CZlib"]),
    engine("Postgres", ["CPostgres", "CLinux", "EventLoop"]),
    engine("Telemetry", []),

    .target(
      name: "Hub",
      dependencies: [
        "Protocol", "Channels", "Domain", "EventLoop", "Crypto", "Compression", "Postgres", "Telemetry", "CLinux",
      ],
      resources: [.embedInCode("SQL")],
      swiftSettings: settings),
    // What `hub check` does. It shares no codec with the hub that it looks at.
    .target(name: "Check", dependencies: ["Postgres", "EventLoop"], swiftSettings: settings),
    .executableTarget(
      name: "Command", dependencies: ["Hub", "Check", "Domain", "Crypto", "Telemetry"], swiftSettings: settings),

    // What tests share: hub processes, databases, clients written by hand.
    .target(
      name: "TestSupport", dependencies: ["COpenSSL", "CPostgres", "CZlib", "Postgres"], path: "Tests/Support",
      swiftSettings: settings),
    tests("Domain", ["Domain"]),
    tests("Crypto", ["Crypto", "EventLoop", "TestSupport"]),
    tests("Compression", ["Compression"]),
    tests("Telemetry", ["Telemetry"]),
    tests("Check", ["Check"]),
    tests("Protocol", ["Protocol"]),
    tests("Channels", ["Channels"]),
    tests("EventLoop", ["EventLoop", "CLinux"]),
    tests("Architecture", []),
    tests("Postgres", ["Postgres", "EventLoop"]),
    tests(
      "Hub", ["Hub", "TestSupport", "Protocol", "Channels", "Domain", "Postgres", "EventLoop", "Crypto", "Telemetry"]),
    tests("Integration", ["TestSupport", "Command"]),
    tests("Conformance", ["TestSupport", "Command"], exclude: ["Autobahn", "README.md", "run"]),

    // Every parser of outside bytes with what must hold for any input, replayed here and driven by libFuzzer below.
    .target(
      name: "FuzzTargets",
      dependencies: ["Protocol", "Compression", "Crypto", "Channels", "Domain", "Telemetry"],
      path: "Tests/Fuzz/Targets", swiftSettings: settings),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Replay", swiftSettings: settings),
  ] + fuzzers
)
