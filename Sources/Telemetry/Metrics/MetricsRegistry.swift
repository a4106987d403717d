import Synchronization

/// All metrics of a process, and their text form.
///
/// Families are declared at start, so that `# HELP` and `# TYPE` are there before the first event. Declaring a family
/// again gives the same one; declaring its name with other labels or another type stops the process: two parts would
/// write into each other's numbers.
package final class MetricsRegistry: Sendable {
    /// The `Content-Type` of the text form.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// How many sets of label values a family has unless it says otherwise.
    package static let defaultLimit = 1000

    private let families = Mutex<[String: any RegisteredFamily]>([:])

    package init() {}

    package func counter(
        _ name: String, help: String, labels: [String] = [], constants: KeyValuePairs<String, String> = [:],
        limit: Int = defaultLimit
    ) -> CounterFamily {
        family(name, help: help, labels: labels, constants: constants, shape: NoShape(), limit: limit)
    }

    package func gauge(
        _ name: String, help: String, labels: [String] = [], constants: KeyValuePairs<String, String> = [:],
        limit: Int = defaultLimit
    ) -> GaugeFamily {
        family(name, help: help, labels: labels, constants: constants, shape: NoShape(), limit: limit)
    }

    package func histogram(
        _ name: String, help: String, labels: [String] = [], constants: KeyValuePairs<String, String> = [:],
        buckets: HistogramBuckets = .seconds, limit: Int = defaultLimit
    ) -> HistogramFamily {
        family(name, help: help, labels: labels, constants: constants, shape: buckets, limit: limit)
    }

    /// A gauge whose samples are read when the metrics are asked for; `observe` runs on the scraping task and must
    /// return at once. At most `limit` samples are written.
    package func observedGauge(
        _ name: String, help: String, labels: [String] = [], constants: KeyValuePairs<String, String> = [:],
        limit: Int = defaultLimit, _ observe: @escaping @Sendable () -> [MetricSample]
    ) {
        register(name, help: help, type: .gauge, labels: labels, constants: constants, limit: limit, observe)
    }

    /// A counter that is counted elsewhere and read when the metrics are asked for; see ``observedGauge``.
    package func observedCounter(
        _ name: String, help: String, labels: [String] = [], constants: KeyValuePairs<String, String> = [:],
        limit: Int = defaultLimit, _ observe: @escaping @Sendable () -> [MetricSample]
    ) {
        register(name, help: help, type: .counter, labels: labels, constants: constants, limit: limit, observe)
    }

    private func register(
        _ name: String, help: String, type: MetricType, labels: [String], constants: KeyValuePairs<String, String>,
        limit: Int, _ observe: @escaping @Sendable () -> [MetricSample]
    ) {
        let description = MetricDescription(name: name, help: help, type: type, labels: labels, constants: constants)
        families.withLock { families in
            precondition(families[name] == nil, "\(name) is declared already")
            families[name] = ObservedFamily(description: description, limit: limit, observe: observe)
        }
    }

    private func family<Instance: Metric>(
        _ name: String, help: String, labels: [String], constants: KeyValuePairs<String, String>,
        shape: Instance.Shape, limit: Int
    ) -> MetricFamily<Instance> {
        let description = MetricDescription(
            name: name, help: help, type: Instance.type, labels: labels, constants: constants)
        return families.withLock { families in
            guard let known = families[name] else {
                let family = MetricFamily<Instance>(description, shape: shape, limit: limit)
                families[name] = family
                return family
            }
            guard let family = known as? MetricFamily<Instance>, family.description == description,
                family.shape == shape
            else { preconditionFailure("\(name) is declared already, and otherwise") }
            return family
        }
    }

    /// The Prometheus text form, families in the order of their names.
    package func text() -> [UInt8] {
        let sorted = families.withLock { $0.values.sorted { $0.description.name < $1.description.name } }
        var text = MetricsText()
        for family in sorted { family.write(to: &text) }
        text.family(
            "metric_label_sets_folded_total", help: "Lookups of a label set beyond the limit of its family.",
            type: .counter)
        for family in sorted where family.foldedCount > 0 {
            text.sample(
                "metric_label_sets_folded_total", MetricsText.labels(["family"], [family.description.name]),
                family.foldedCount)
        }
        return text.bytes
    }
}
