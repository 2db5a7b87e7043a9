// How a family of metrics is written (Prometheus text exposition format 0.0.4): HELP and TYPE, then a line a series;
// a histogram has its cumulative buckets, its sum and its count.

/// All series of one name.
struct MetricFamily: Sendable {
  let name: String
  let help: String
  let kind: String
  var series: [String: MetricSeries] = [:]

  init(name: String, help: String, kind: String) {
    self.name = name
    self.help = help
    self.kind = kind
  }

  var prometheusText: String {
    var text = "# HELP \(name) \(escapedHelp(help))\n# TYPE \(name) \(kind)\n"
    for series in series.values.sorted(by: { $0.labels < $1.labels }) { text += series.prometheusText(of: name) }
    return text
  }
}

/// One instrument with its labels, already written as `a="b",c="d"`.
struct MetricSeries: Sendable {
  enum Instrument: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
  }

  let labels: String
  let instrument: Instrument

  func prometheusText(of name: String) -> String {
    switch instrument {
    case .counter(let counter): return line(name, labels, String(counter.value))
    case .gauge(let gauge): return line(name, labels, prometheusNumber(gauge.value))
    case .histogram(let histogram):
      let snapshot = histogram.snapshot
      var text = ""
      var cumulative: UInt64 = 0
      for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
        cumulative += count
        let bucket = (labels.isEmpty ? "" : labels + ",") + "le=\"\(prometheusNumber(bound))\""
        text += line("\(name)_bucket", bucket, String(cumulative))
      }
      text += line("\(name)_sum", labels, prometheusNumber(snapshot.sum))
      return text + line("\(name)_count", labels, String(cumulative))
    }
  }

  private func line(_ name: String, _ labels: String, _ value: String) -> String {
    labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
  }
}

func escapedLabel(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": result += "\\\\"
    case "\"": result += "\\\""
    case "\n": result += "\\n"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// As in a label, but a quote is an ordinary character in HELP.
private func escapedHelp(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// Whole numbers without a fraction, and the format's own spelling of the three that are no numbers.
private func prometheusNumber(_ value: Double) -> String {
  if value.isNaN { return "NaN" }
  if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
  return value.magnitude < 1e15 && value == value.rounded() ? String(Int64(value)) : String(value)
}
