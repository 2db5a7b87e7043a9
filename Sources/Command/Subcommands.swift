// The subcommands: from options to calls of the library.
import Domain
import Glibc
import Hub
import Telemetry

let usage = """
  usage: hub serve   [--listen ADDRESS]… [--data DIR] [--database URL] [--reactors N] [--demo] [--log text|json]
                     [--log-level debug|info|warning|error] [--clients DIR] [--allow-origin ORIGIN]… [--secret-file FILE]
                     [--tls-cert FILE --tls-key FILE]… [--tls-client-ca FILE] [--tls-client-auth off|request|require]
                     [--max-connections N] [--max-connections-per-address N] [--head-timeout 10s] [--body-timeout 30s]
                     [--idle-timeout 75s] [--sign-in-timeout 10s] [--write-timeout 60s]
                     [--compression off|shared|takeover] [--heartbeat 10s] [--retention-days 7]
         hub echo    [--listen ADDRESS]… [--tls-cert FILE --tls-key FILE]… [--reactors N]
                     [--compression off|shared|takeover] [--log text|json]
                     [--log-level LEVEL]
         hub migrate [--data DIR] [--database URL]
         hub token   --role ROLE [--restaurant ID]… [--ramp ID] [--user ID] [--ttl 1h] [--data DIR] [--secret-file FILE]
         hub demo    [--url http://127.0.0.1:8080] [--restaurants K] [--rate N] [--for 60s] [--data DIR]
                     [--secret-file FILE]
         hub check   [--url http://127.0.0.1:8080]… [--database URL] [--data DIR] [--secret-file FILE]
                     [--restaurants N | --restaurant ID [--token TOKEN | --email EMAIL --password PASSWORD]]
                     [--for 60s] [--subscribers N] [--sse N] [--rate N] [--seed N] [--unrest SECONDS]
                     [--patience 60s] [--token-ttl 15m]
         hub doctor  [--data DIR] [--database URL] [--secret-file FILE] [--tls-cert FILE --tls-key FILE]…

  An ADDRESS is 127.0.0.1:8080, [::1]:8080 or unix:/path, with tls: or plain: in front where it matters: without, ports
  speak TLS when there is a --tls-cert. Without --database (or DATABASE_URL) the hub runs its own private Postgres under
  --data. Every option is also a variable: --data is HUB_DATA.
  """

/// What is common to the subcommands that need the database.
func configuration(_ options: Options) throws -> Configuration {
  var configuration = Configuration()
  configuration.data = options["data"] ?? configuration.data
  configuration.connectionString =
    options["database"] ?? getenv("DATABASE_URL").map { String(cString: $0) } ?? ""
  configuration.secretFile = options["secret-file"] ?? "\(configuration.data)/secret"
  return configuration
}

func serve(_ options: Options) throws {
  try options.allowOnly(
    ["data", "database", "demo", "clients", "allow-origin", "secret-file", "heartbeat", "retention-days"]
      + Options.listening + Options.limits)
  var configuration = try configuration(options)
  try readListening(options, into: &configuration)
  configuration.demo = try options.isSet("demo")
  configuration.allowedOrigins = try options.allowedOrigins()
  configuration.limits = try options.serverLimits()
  configuration.heartbeatSeconds = try options.heartbeatSeconds() ?? configuration.heartbeatSeconds
  configuration.retentionDays = try options.integer("retention-days", in: 1...3650) ?? configuration.retentionDays
  configuration.clients = options["clients"] ?? Assets.defaultFolder()
  try HubProcess(configuration).serve()
}

func echo(_ options: Options) throws {
  try options.allowOnly(Options.listening)
  var configuration = Configuration()
  try readListening(options, into: &configuration)
  // What conformance suites send at most: 65,536 fragments with something in them and an empty one at the end.
  configuration.limits.messageBytes = 16 << 20
  configuration.limits.fragments = 65_537
  try HubProcess(configuration).echo()
}

/// What is common to the subcommands that listen.
private func readListening(_ options: Options, into configuration: inout Configuration) throws {
  configuration.tls = try tlsFiles(options)
  configuration.listen = try listenAddresses(options, hasCertificates: configuration.tls != nil)
  configuration.reactors = try options.integer("reactors", in: 1...256) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  guard let compression = CompressionSetting(rawValue: options["compression"] ?? "shared") else {
    throw UsageError("--compression is off, shared or takeover.")
  }
  configuration.compression = compression
  guard let form = Log.Form(rawValue: options["log"] ?? "text") else { throw UsageError("--log is text or json.") }
  configuration.logForm = form
  let levels: [String: Log.Level] = ["debug": .debug, "info": .info, "warning": .warning, "error": .error]
  guard let level = levels[options["log-level"] ?? "info"] else {
    throw UsageError("--log-level is debug, info, warning or error.")
  }
  configuration.logLevel = level
}

func migrate(_ options: Options) throws {
  try options.allowOnly("data", "database", "secret-file")
  let applied = try HubProcess(try configuration(options)).migrateOnly()
  print(applied == 0 ? "The database is up to date." : "\(applied) migrations were applied.")
}

func token(_ options: Options) throws {
  try options.allowOnly("role", "restaurant", "ramp", "user", "ttl", "data", "secret-file", "database")
  guard let roleName = options["role"], let role = Role(rawValue: roleName) else {
    throw UsageError("--role is one of \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
  }
  func identifier(_ text: String) throws -> Identifier {
    guard let id = Identifier(text) else { throw UsageError("\"\(text)\" is not a UUID.") }
    return id
  }
  let restaurants = try options.all("restaurant").map(identifier)
  let ramp = try options["ramp"].map(identifier)
  if role == .ramp && ramp == nil { throw UsageError("A ramp's token needs --ramp.") }
  if role != .ramp && role != .platformOwner && restaurants.isEmpty {
    throw UsageError("A token of this role needs --restaurant.")
  }
  let configuration = try configuration(options)
  print(
    try HubProcess(configuration).token(
      role: role, restaurants: restaurants, ramp: ramp, user: try options["user"].map(identifier),
      seconds: Int64(try options.seconds("ttl") ?? 3600)))
}

func demo(_ options: Options) throws {
  try options.allowOnly("url", "restaurants", "rate", "for", "data", "secret-file")
  var evening = Evening.Plan()
  evening.url = options["url"] ?? "http://127.0.0.1:8080"
  evening.restaurants = try options.integer("restaurants", in: 1...1000) ?? 1
  evening.ordersASecond = try options.integer("rate", in: 1...10_000) ?? 5
  evening.seconds = try options.seconds("for") ?? 60
  evening.secretFile = try configuration(options).secretFile
  guard try Evening(evening).play() else { exit(1) }
}

func doctor(_ options: Options) throws {
  try options.allowOnly(
    "data", "database", "secret-file", "tls-cert", "tls-key", "tls-client-ca", "tls-client-auth")
  var configuration = try configuration(options)
  configuration.tls = try tlsFiles(options)
  guard try Doctor(configuration).examine() else { exit(1) }
}
