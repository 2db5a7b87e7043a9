// `hub doctor`: looks at the set-up as the hub would use it and says, for each thing that is wrong, how to mend it.
import Crypto
import Glibc
import Postgres

package final class Doctor {
  private enum Verdict: String {
    case good = "ok  "
    case warning = "warn"
    case bad = "BAD "
  }

  private var configuration: Configuration
  private var isHealthy = true

  package init(_ configuration: Configuration) { self.configuration = configuration }

  /// Prints its findings; answers whether the hub can run.
  package func examine() throws -> Bool {
    examineMachine()
    examineSecret()
    if let files = configuration.tls { examineCertificates(files) }
    if configuration.connectionString.isEmpty {
      examinePrivatePostgres()
    } else {
      examineDatabase()
    }
    print(isHealthy ? "The hub can run here." : "Mend what is marked BAD, then ask again.")
    return isHealthy
  }

  private func say(_ verdict: Verdict, _ finding: String, mend: String? = nil) {
    if verdict == .bad { isHealthy = false }
    print("\(verdict.rawValue) \(finding)")
    if let mend { print("     → \(mend)") }
  }

  // MARK: The machine

  private func examineMachine() {
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      let most = Int(clamping: limit.rlim_max)
      if most < 10_000 {
        say(
          .warning, "at most \(most) open files, so fewer connections than that",
          mend: "raise it: LimitNOFILE=100000 in the systemd unit, or ulimit -Hn 100000")
      } else {
        say(.good, "\(most) open files")
      }
    }
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    say(.good, "\(cores) cores: \(cores) reactors unless --reactors says otherwise")
  }

  private func examineSecret() {
    let path = configuration.secretFile
    var status = stat()
    guard stat(path, &status) == 0 else {
      say(.good, "no secret at \(path) yet; it is made at the first start")
      return
    }
    if status.st_mode & 0o077 != 0 {
      say(.bad, "others may read the secret at \(path)", mend: "chmod 600 \(path)")
    } else if status.st_size < 32 {
      say(.bad, "the secret at \(path) is shorter than 32 bytes", mend: "remove it; a new one signs everybody out")
    } else {
      say(.good, "the secret at \(path) is its owner's alone")
    }
  }

  // MARK: TLS

  private func examineCertificates(_ files: TLSFiles) {
    do throws(TLSFileFault) {
      for certificate in try TLSContext(files, ticketKeys: TLSTicketKeys()).certificates {
        let names = certificate.names.joined(separator: ", ")
        if let warning = certificate.warning {
          say(.warning, "the certificate in \(certificate.file) \(warning)", mend: "renew it, then send SIGHUP")
        } else {
          say(.good, "\(certificate.file) for \(names), good for \(certificate.secondsUntilExpired / 86400) days")
        }
      }
    } catch {
      say(.bad, "\(error)", mend: "see docs/how-to/serve-tls.md")
    }
    var text = [UInt8](repeating: 0, count: 256)
    let file = open("/proc/sys/net/ipv4/tcp_available_ulp", O_RDONLY | O_CLOEXEC)
    let count = max(0, Glibc.read(file, &text, text.count))
    close(file)
    let offered = String(decoding: text[..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }
    say(.good, offered.contains("tls") ? "the kernel offers TLS" : "no TLS in the kernel: OpenSSL encrypts")
  }

  // MARK: The database

  private func examinePrivatePostgres() {
    if let folder = PrivatePostgres.programsFolder {
      say(.good, "private Postgres from \(folder), data in \(configuration.data)")
    } else {
      say(.bad, "Postgres is not installed", mend: "apt-get install postgresql, or give --database")
    }
    guard let running = PrivatePostgres.connectionString(running: configuration.data) else { return }
    configuration.connectionString = running
    examineDatabase()
  }

  private func examineDatabase() {
    do {
      report(try ServerFacts.gather(configuration.connectionString))
    } catch {
      say(.bad, "the database does not answer: \(error)", mend: "check --database, the server and its pg_hba.conf")
    }
  }

  private func report(_ facts: ServerFacts) {
    if facts.versionNumber < 150_000 {
      say(.bad, "Postgres \(facts.version)", mend: "use version 15 or newer")
    } else {
      say(.good, "Postgres \(facts.version)")
    }
    switch facts.pooler {
    case .none: say(.good, "no pooler in the way")
    case .session: say(.good, "a pooler in session mode")
    case .transaction:
      say(
        .bad, "a pooler of transactions stands in between: LISTEN does not work through it",
        mend: "give the server's own address, or the pooler's session mode")
    }
    if facts.isStandby { say(.bad, "this server is a standby", mend: "give the primary's address") }
    if abs(facts.clockSkew) > 500 {
      say(
        .warning, "the database's clock differs by \(facts.clockSkew) ms",
        mend: "run a time service (chrony) on both machines")
    } else {
      say(.good, "clocks agree within \(abs(facts.clockSkew)) ms")
    }
    let needed = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) * configuration.poolSize + 4
    if facts.maximumConnections - facts.usedConnections < needed {
      say(
        .warning,
        "\(facts.usedConnections) of \(facts.maximumConnections) connections are in use; this node takes \(needed)",
        mend: "raise max_connections, or lower --reactors")
    } else {
      say(
        .good, "\(facts.usedConnections) of \(facts.maximumConnections) connections in use, this node takes \(needed)")
    }
  }
}
