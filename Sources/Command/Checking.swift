// `hub check`: the options of a check, and where its tokens come from: made with the data folder's secret, from a
// sign-in, or one that was given.
import Check
import Domain
import Glibc
import Hub

func check(_ options: Options) throws {
  let isKept: Bool
  do { isKept = try promiseIsKept(options) } catch let error as UsageError { throw error } catch {
    // Nothing was found to be broken: it could not be tried.
    complain("hub: \(error)")
    exit(2)
  }
  if !isKept { exit(1) }
}

private func promiseIsKept(_ options: Options) throws -> Bool {
  try options.allowOnly(
    "url", "database", "data", "secret-file", "token", "for", "subscribers", "sse", "rate", "seed", "restaurants",
    "restaurant", "unrest", "patience", "token-ttl", "email", "password")
  let urls = options.all("url").isEmpty ? ["http://127.0.0.1:8080"] : options.all("url")
  if options["restaurant"] == nil, options["token"] != nil || options["email"] != nil {
    throw UsageError("Without the secret a check needs a --restaurant: it cannot open restaurants and staff them.")
  }
  var plan = Plan(token: try tokenSource(options, urls))
  plan.urls = urls
  plan.database = try configuration(options).databaseToRead()
  plan.seconds = try options.seconds("for") ?? plan.seconds
  plan.subscribers = try options.integer("subscribers", in: 1...20_000) ?? plan.subscribers
  plan.streams = try options.integer("sse", in: 0...20_000) ?? plan.streams
  plan.rate = try options.integer("rate", in: 1...10_000) ?? plan.rate
  plan.restaurants = try options.integer("restaurants", in: 1...1000) ?? plan.restaurants
  plan.restaurant = options["restaurant"]
  plan.unrest = try options.integer("unrest", in: 0...3600) ?? plan.unrest
  plan.patience = try options.seconds("patience") ?? plan.patience
  plan.seed = UInt64(try options.integer("seed", in: 0...Int.max) ?? Int(UInt32.random(in: 0 ... .max)))
  guard plan.streams <= plan.subscribers else { throw UsageError("--sse is at most --subscribers.") }
  let examination = try PromiseCheck(plan)
  return try examination.conduct()
}

/// A token as wanted for each role and restaurant, or always the one that was given.
private func tokenSource(
  _ options: Options, _ urls: [String]
) throws -> @Sendable (String, String) throws -> Token {
  if let given = options["token"] { return { _, _ in Token(given, ends: nil) } }
  if let email = options["email"] {
    guard let password = options["password"] else { throw UsageError("--email needs --password, or HUB_PASSWORD.") }
    let account = try SignedIn(urls: urls, email: email, password: password)
    return { _, _ in try account.token() }
  }
  let hub = try HubTokens(try configuration(options))
  let seconds = Int64(try options.seconds("token-ttl") ?? 900)
  return { roleName, restaurant in
    guard let role = Role(rawValue: roleName) else { throw UsageError("\(roleName) is no role.") }
    let made = hub.token(role: role, restaurants: Identifier(restaurant).map { [$0] } ?? [], seconds: seconds)
    return Token(made.text, ends: made.ends)
  }
}
