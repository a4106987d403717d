/// A value read when the metrics are asked for.
package struct MetricSample: Sendable {
    package var labels: [String]
    package var value: Double

    /// The labels are the values of the family's labels, in their order.
    package init(_ labels: [String] = [], _ value: Double) {
        self.labels = labels
        self.value = value
    }

    package init(_ labels: [String] = [], _ value: Int) {
        self.init(labels, Double(value))
    }
}

/// A family whose samples are computed when the metrics are asked for.
struct ObservedFamily: RegisteredFamily {
    let description: MetricDescription
    let limit: Int
    let observe: @Sendable () -> [MetricSample]

    var foldedCount: UInt64 { 0 }

    func write(to text: inout MetricsText) {
        text.family(description.name, help: description.help, type: description.type)
        var seen: Set<[String]> = []
        for sample in observe().prefix(limit) where seen.insert(sample.labels).inserted {
            text.sample(description.name, description.text(sample.labels), sample.value)
        }
    }
}
