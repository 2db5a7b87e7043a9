// The executable `hub`: subcommands, flags and signals, nothing else. What they do is in the library Hub.
import Glibc
import Hub

printLineByLine()
let arguments = Array(CommandLine.arguments.dropFirst())

do {
  switch arguments.first {
  case "serve": try serve(Options(Array(arguments.dropFirst())))
  case "echo": try echo(Options(Array(arguments.dropFirst())))
  case "migrate": try migrate(Options(Array(arguments.dropFirst())))
  case "token": try token(Options(Array(arguments.dropFirst())))
  case "demo": try demo(Options(Array(arguments.dropFirst())))
  case "check": try check(Options(Array(arguments.dropFirst())))
  case "doctor": try doctor(Options(Array(arguments.dropFirst())))
  case "help", "--help", "-h": print(usage)
  case "version", "--version": print("hub \(hubVersion)")
  case nil: throw UsageError("Say what to do.")
  case let other?: throw UsageError("\"\(other)\" is no subcommand.")
  }
} catch let error as UsageError {
  complain("hub: \(error.message)\n\n\(usage)")
  exit(2)
} catch {
  complain("hub: \(error)")
  exit(1)
}
