// The registry of metrics and its Prometheus text (exposition format 0.0.4). An instrument is asked for once, by name
// and labels, and kept by whoever counts: looking up takes a lock, counting does not. Asking again for the same name
// and labels gives the same instrument. Labels must come from small sets (a kind, a status), never from ids.
import Synchronization

/// The metrics of a process.
package final class Metrics: Sendable {
  package typealias Labels = KeyValuePairs<String, String>

  private let families = Mutex<[String: MetricFamily]>([:])

  package init() {}

  /// By convention a counter's name ends in `_total`.
  package func counter(_ name: String, help: String, labels: Labels = [:]) -> Counter {
    let found = instrument(name, help, labels, kind: "counter") { .counter(Counter()) }
    guard case .counter(let counter) = found else { preconditionFailure("\(name) is of another kind") }
    return counter
  }

  package func gauge(_ name: String, help: String, labels: Labels = [:]) -> Gauge {
    let found = instrument(name, help, labels, kind: "gauge") { .gauge(Gauge()) }
    guard case .gauge(let gauge) = found else { preconditionFailure("\(name) is of another kind") }
    return gauge
  }

  /// All histograms of one name should be given the same bounds.
  package func histogram(
    _ name: String, help: String, bounds: [Double] = Histogram.durations, labels: Labels = [:]
  ) -> Histogram {
    let found = instrument(name, help, labels, kind: "histogram") { .histogram(Histogram(bounds: bounds)) }
    guard case .histogram(let histogram) = found else { preconditionFailure("\(name) is of another kind") }
    return histogram
  }

  /// The whole registry as Prometheus reads it, families and series sorted.
  package func prometheusText() -> String {
    let families = families.withLock { $0 }
    return families.values.sorted { $0.name < $1.name }.map(\.prometheusText).joined()
  }

  private func instrument(
    _ name: String, _ help: String, _ labels: Labels, kind: String, make: () -> MetricSeries.Instrument
  ) -> MetricSeries.Instrument {
    // Names stand in the source, never in input: a wrong one is a mistake to find at once.
    precondition(isMetricName(name), "not a metric's name: \(name)")
    precondition(labels.allSatisfy { isLabelName($0.key) }, "not a label's name, in \(name)")
    let text = labels.map { "\($0.key)=\"\(escapedLabel($0.value))\"" }.joined(separator: ",")
    return families.withLock { families in
      if let existing = families[name]?.series[text] { return existing.instrument }
      precondition(families[name].map { $0.kind == kind } ?? true, "\(name) is of another kind")
      let made = make()
      families[name, default: MetricFamily(name: name, help: help, kind: kind)].series[text] =
        MetricSeries(labels: text, instrument: made)
      return made
    }
  }
}

private func isMetricName(_ name: String) -> Bool {
  name.utf8.first.map { !isDigit($0) } == true
    && name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":") }
}

private func isLabelName(_ name: String) -> Bool {
  name.utf8.first.map { !isDigit($0) } == true && !name.hasPrefix("__") && name != "le"
    && name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
}

private func isLetter(_ byte: UInt8) -> Bool {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
}

private func isDigit(_ byte: UInt8) -> Bool {
  UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
}
