// The certificates that new connections are served with, and reading them anew (SIGHUP) without dropping one: what is
// open keeps the context that it began with, and tickets stay good because their keys stay. Files that cannot be used
// change nothing.
package import Crypto
import Synchronization
package import Telemetry

package final class TLSCertificates: Sendable {
  private let files: TLSFiles
  private let ticketKeys = TLSTicketKeys()
  private let context: Mutex<TLSContext>
  private let log: Log
  let counters: TLSCounters

  /// Reads the files; throws when one cannot be used.
  package init(_ files: TLSFiles, metrics: Metrics, log: Log) throws(TLSFileFault) {
    self.files = files
    self.log = log
    counters = TLSCounters(metrics)
    let first = try TLSContext(files, ticketKeys: ticketKeys)
    context = Mutex(first)
    report(first)
  }

  /// For the next connection.
  var current: TLSContext { context.withLock { $0 } }

  /// Reads the files anew; on a fault the old ones stay in use.
  package func reload() {
    do throws(TLSFileFault) {
      let next = try TLSContext(files, ticketKeys: ticketKeys)
      context.withLock { $0 = next }
      report(next)
    } catch {
      counters.reloadFailures.add()
      log.error("tls.reload_failed", ["file": LogValue(error.file), "reason": LogValue(error.reason)])
    }
  }

  private func report(_ context: TLSContext) {
    for certificate in context.certificates {
      let names = certificate.names.joined(separator: " ")
      log.info("tls.certificate", ["file": LogValue(certificate.file), "names": LogValue(names)])
      if let warning = certificate.warning {
        log.warning("tls.certificate_date", ["file": LogValue(certificate.file), "warning": LogValue(warning)])
      }
    }
    let earliest = context.certificates.map(\.secondsUntilExpired).min() ?? 0
    counters.expires.set(Double(Timestamp.now().microseconds / 1_000_000 + earliest))
  }
}

struct TLSCounters: Sendable {
  /// By version, then whether it was resumed.
  private let handshakes: [String: (full: Counter, resumed: Counter)]
  let failures: Counter
  let clientCertificates: Counter
  let kernelSends: Counter
  let kernelReceives: Counter
  let reloadFailures: Counter
  let expires: Gauge

  init(_ metrics: Metrics) {
    func handshake(_ version: String, resumed: Bool) -> Counter {
      metrics.counter(
        "hub_tls_handshakes_total", help: "TLS handshakes completed.",
        labels: ["version": version, "resumed": resumed ? "true" : "false"])
    }
    func kernel(_ direction: String) -> Counter {
      metrics.counter(
        "hub_tls_kernel_total", help: "TLS connections whose records the kernel makes or opens.",
        labels: ["direction": direction])
    }
    handshakes = Dictionary(
      uniqueKeysWithValues: ["TLSv1.2", "TLSv1.3"].map {
        ($0, (handshake($0, resumed: false), handshake($0, resumed: true)))
      })
    failures = metrics.counter("hub_tls_failures_total", help: "TLS handshakes that failed.")
    clientCertificates = metrics.counter(
      "hub_tls_client_certificates_total", help: "TLS handshakes with a client's certificate.")
    kernelSends = kernel("send")
    kernelReceives = kernel("receive")
    reloadFailures = metrics.counter(
      "hub_tls_reload_failures_total", help: "Times that certificate files could not be read anew.")
    expires = metrics.gauge(
      "hub_tls_certificate_expires_seconds", help: "When the first certificate expires, in Unix time.")
  }

  func count(_ session: TLSSession) {
    let counters = handshakes[session.version]
    (session.isResumed ? counters?.resumed : counters?.full)?.add()
    if session.hasClientCertificate { clientCertificates.add() }
    if session.kernelSends { kernelSends.add() }
    if session.kernelReceives { kernelReceives.add() }
  }
}
