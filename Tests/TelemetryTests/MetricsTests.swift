import Clocks
import Telemetry
import Testing

@Suite("Metrics")
struct MetricsTests {
    private let registry = MetricsRegistry()

    @Test("help and type are there before the first event, and a metric without labels is zero")
    func declared() {
        _ = registry.counter("orders_total", help: "Orders by status.", labels: ["status"])
        _ = registry.gauge("outbox_pending", help: "Rows that wait.")
        let text = registry.text().text
        #expect(text.contains("# HELP orders_total Orders by status.\n# TYPE orders_total counter\n# HELP outbox"))
        #expect(text.contains("# TYPE outbox_pending gauge\noutbox_pending 0\n"))
    }

    @Test("a counter counts per set of label values")
    func counter() {
        let family = registry.counter(
            "http_requests_total", help: "Requests.", labels: ["route", "status"], constants: ["service": "s"])
        family.labelled("/v1/orders", "202").increment()
        family.labelled("/v1/orders", "202").increment(by: 4)
        family.labelled("unmatched", "404").increment()
        let text = registry.text().text
        #expect(text.contains(#"http_requests_total{service="s",route="/v1/orders",status="202"} 5"# + "\n"))
        #expect(text.contains(#"http_requests_total{service="s",route="unmatched",status="404"} 1"# + "\n"))
    }

    @Test("label values are escaped, so that no value can forge a sample")
    func escaping() {
        registry.gauge("g", help: "back\\slash\nline", labels: ["l"]).labelled("a\"b\\c\nd").set(1)
        let text = registry.text().text
        #expect(text.contains("# HELP g back\\\\slash\\nline\n"))
        #expect(text.contains(#"g{l="a\"b\\c\nd"} 1"# + "\n"))
    }

    @Test("a gauge is set and added to, and writes all kinds of numbers")
    func gauge() {
        let family = registry.gauge("g", help: "h", labels: ["n"])
        let values: KeyValuePairs = ["nan": Double.nan, "inf": .infinity, "-inf": -.infinity, "half": 0.5, "e": 1e-7]
        for (name, value) in values {
            family.labelled(name).set(value)
        }
        family.labelled("sum").set(2)
        family.labelled("sum").add(-3.5)
        let text = registry.text().text
        for line in [
            "{n=\"nan\"} NaN", "{n=\"inf\"} +Inf", "{n=\"-inf\"} -Inf", "{n=\"half\"} 0.5", "{n=\"e\"} 1e-07",
            "{n=\"sum\"} -1.5",
        ] {
            #expect(text.contains("g" + line + "\n"))
        }
    }

    @Test("an observed gauge is read when the metrics are asked for")
    func observed() {
        let values = Collected<Int>()
        registry.observedGauge("db_pool_connections", help: "h", labels: ["state"], constants: ["service": "s"]) {
            [MetricSample(["idle"], values.all.count), MetricSample(["busy"], 2), MetricSample(["busy"], 3)]
        }
        registry.observedCounter("log_lines_dropped_total", help: "h") { [MetricSample([], 7)] }
        values.add(1)
        values.add(1)
        let text = registry.text().text
        #expect(text.contains(#"db_pool_connections{service="s",state="idle"} 2"#))
        #expect(text.contains(#"db_pool_connections{service="s",state="busy"} 2"#))
        #expect(!text.contains("} 3"))
        #expect(text.contains("# TYPE log_lines_dropped_total counter\nlog_lines_dropped_total 7\n"))
    }

    @Test("a value on a bucket's bound belongs to it, and the buckets are cumulative")
    func histogram() {
        let family = registry.histogram("h_seconds", help: "h", labels: ["r"], buckets: HistogramBuckets([0.1, 1, 10]))
        let histogram = family.labelled("a")
        for value in [-1, 0, 0.1, 0.100001, 1, 5, 11, .infinity, .nan] { histogram.observe(value) }
        let text = registry.text().text
        for line in [
            #"_bucket{r="a",le="0.1"} 3"#, #"_bucket{r="a",le="1"} 5"#, #"_bucket{r="a",le="10"} 6"#,
            #"_bucket{r="a",le="+Inf"} 8"#, #"_sum{r="a"} +Inf"#, #"_count{r="a"} 8"#,
        ] {
            #expect(text.contains("h_seconds" + line + "\n"))
        }
    }

    @Test("durations are observed in seconds")
    func durations() {
        let histogram = registry.histogram("d_seconds", help: "h").labelled()
        histogram.observe(.milliseconds(1500))
        #expect(histogram.total == 1.5)
        #expect(registry.text().text.contains("d_seconds_bucket{le=\"1\"} 0\nd_seconds_bucket{le=\"2.5\"} 1\n"))
    }

    @Test("beyond its limit a family folds new label sets into one and counts that")
    func limit() {
        let family = registry.counter("c_total", help: "h", labels: ["a", "b"], limit: 3)
        for index in 0..<10 { family.labelled("\(index)", "x").increment() }
        let text = registry.text().text
        #expect(text.contains(#"c_total{a="2",b="x"} 1"#))
        #expect(!text.contains(#"a="3""#))
        #expect(text.contains(#"c_total{a="other",b="other"} 7"#))
        #expect(text.contains(#"metric_label_sets_folded_total{family="c_total"} 7"#))
    }

    @Test("declaring a family again gives the same one")
    func again() {
        registry.counter("c_total", help: "h", labels: ["a"]).labelled("x").increment()
        registry.counter("c_total", help: "h", labels: ["a"]).labelled("x").increment()
        #expect(registry.text().text.contains(#"c_total{a="x"} 2"#))
    }

    @Test("declaring a name otherwise, a bad name, and a wrong number of values stop the process")
    func misuse() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("c_total", help: "h", labels: ["a"])
            _ = registry.counter("c_total", help: "h", labels: ["b"])
        }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("1st", help: "h") }
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("g", help: "h", labels: ["le"]) }
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry().gauge("g", help: "h", labels: ["a"]).labelled("1", "2")
        }
    }

    @Test("concurrent touches lose nothing")
    func concurrency() async {
        let counter = registry.counter("c_total", help: "h").labelled()
        let histogram = registry.histogram("h_seconds", help: "h").labelled()
        let gauge = registry.gauge("g", help: "h").labelled()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        histogram.observe(0.25)
                        gauge.add(1)
                    }
                }
            }
        }
        #expect(counter.value == 40_000)
        #expect(histogram.count == 40_000)
        #expect(histogram.total == 10_000)
        #expect(gauge.value == 40_000)
    }
}
