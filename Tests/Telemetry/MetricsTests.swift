// Instruments and their Prometheus text.
import Telemetry
import Testing

struct MetricsTests {
  @Test func `The text is what Prometheus reads`() {
    let metrics = Metrics()
    metrics.counter("hub_events_total", help: "Events delivered.", labels: ["kind": "kitchen"]).add(3)
    metrics.counter("hub_events_total", help: "Events delivered.", labels: ["kind": "pos"]).add()
    metrics.gauge("hub_connections", help: "Open connections.").set(2)
    let histogram = metrics.histogram("hub_publish_seconds", help: "Commit to socket.", bounds: [0.5, 1])
    for value in [0.25, 0.5, 0.75, 4] { histogram.observe(value) }
    #expect(
      metrics.prometheusText() == """
        # HELP hub_connections Open connections.
        # TYPE hub_connections gauge
        hub_connections 2
        # HELP hub_events_total Events delivered.
        # TYPE hub_events_total counter
        hub_events_total{kind="kitchen"} 3
        hub_events_total{kind="pos"} 1
        # HELP hub_publish_seconds Commit to socket.
        # TYPE hub_publish_seconds histogram
        hub_publish_seconds_bucket{le="0.5"} 2
        hub_publish_seconds_bucket{le="1"} 3
        hub_publish_seconds_bucket{le="+Inf"} 4
        hub_publish_seconds_sum 5.5
        hub_publish_seconds_count 4

        """)
  }

  @Test func `A histogram with labels puts its bucket's bound last`() {
    let metrics = Metrics()
    metrics.histogram("wait_seconds", help: "Wait.", bounds: [1], labels: ["route": "/orders"]).observe(2)
    let text = metrics.prometheusText()
    #expect(text.contains("wait_seconds_bucket{route=\"/orders\",le=\"1\"} 0\n"))
    #expect(text.contains("wait_seconds_bucket{route=\"/orders\",le=\"+Inf\"} 1\n"))
    #expect(text.contains("wait_seconds_sum{route=\"/orders\"} 2\n"))
    #expect(text.contains("wait_seconds_count{route=\"/orders\"} 1\n"))
  }

  @Test func `Labels and help are escaped`() {
    let metrics = Metrics()
    metrics.counter("odd_total", help: "A \\ and\na \"line\".", labels: ["path": "a\"b\\c\nd"]).add()
    #expect(
      metrics.prometheusText()
        == "# HELP odd_total A \\\\ and\\na \"line\".\n# TYPE odd_total counter\n"
        + "odd_total{path=\"a\\\"b\\\\c\\nd\"} 1\n")
  }

  @Test func `The same name and labels are the same instrument`() {
    let metrics = Metrics()
    let first = metrics.counter("same_total", help: "Same.", labels: ["a": "1"])
    #expect(first === metrics.counter("same_total", help: "Same.", labels: ["a": "1"]))
    #expect(first !== metrics.counter("same_total", help: "Same.", labels: ["a": "2"]))
  }

  @Test(arguments: [
    (1.5, "1.5"), (-3, "-3"), (0, "0"), (1e20, "1e+20"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
  ])
  func `A number is written as the format spells it`(value: Double, text: String) {
    let metrics = Metrics()
    metrics.gauge("number", help: "A number.").set(value)
    #expect(metrics.prometheusText().hasSuffix("\nnumber \(text)\n"))
  }

  @Test func `An empty registry is an empty text`() {
    #expect(Metrics().prometheusText().isEmpty)
  }

  @Test func `A bound belongs to its bucket and NaN to none`() {
    let histogram = Histogram(bounds: [2, 1, .infinity])
    for value in [1, 1.0000001, 2, 3, .nan] { histogram.observe(value) }
    #expect(histogram.bounds == [1, 2])
    #expect(histogram.snapshot.counts == [1, 2, 1])
    #expect(histogram.snapshot.count == 4)
    #expect(histogram.snapshot.sum.isFinite)
  }

  @Test func `Nothing is lost when many count at once`() async {
    let metrics = Metrics()
    let counter = metrics.counter("count_total", help: "Count.")
    let gauge = metrics.gauge("level", help: "Level.")
    let histogram = metrics.histogram("spread", help: "Spread.")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<1_000 {
            counter.add()
            gauge.add(2)
            gauge.subtract()
            histogram.observe(0.1)
          }
        }
      }
    }
    #expect(counter.value == 4_000)
    #expect(gauge.value == 4_000)
    #expect(histogram.snapshot.count == 4_000)
  }
}
