import Synchronization

package typealias CounterFamily = MetricFamily<Counter>
package typealias GaugeFamily = MetricFamily<Gauge>
package typealias HistogramFamily = MetricFamily<Histogram>

/// The instances of one metric, one per set of label values.
///
/// Resolve an instance once and keep it: touching it is an atomic addition, resolving it is a locked lookup. A family has
/// at most `limit` sets; what comes beyond is counted together in an instance whose label values are all `other`.
package final class MetricFamily<Instance: Metric>: Sendable {
    private struct State {
        var positions: [[String]: Int] = [:]
        var instances: [(labels: String, instance: Instance)] = []
        var other: Instance?
        var foldedCount: UInt64 = 0
    }

    package let description: MetricDescription
    let shape: Instance.Shape
    private let limit: Int
    private let state = Mutex(State())

    init(_ description: MetricDescription, shape: Instance.Shape, limit: Int) {
        self.description = description
        self.shape = shape
        self.limit = limit
        if description.labels.isEmpty { _ = labelled([]) }
    }

    /// The instance with these label values, in the order of the family's labels; made when it is new.
    package func labelled(_ values: String...) -> Instance {
        labelled(values)
    }

    /// The instance with these label values, in the order of the family's labels; made when it is new.
    package func labelled(_ values: [String]) -> Instance {
        state.withLock { state in
            if let position = state.positions[values] { return state.instances[position].instance }
            guard state.instances.count < limit else {
                state.foldedCount += 1
                if let other = state.other { return other }
                let other = Instance(shape)
                state.other = other
                state.instances.append((description.text(description.labels.map { _ in "other" }), other))
                return other
            }
            let instance = Instance(shape)
            state.positions[values] = state.instances.count
            state.instances.append((description.text(values), instance))
            return instance
        }
    }
}

/// A family as the registry sees it, whatever it is made of.
protocol RegisteredFamily: Sendable {
    var description: MetricDescription { get }
    /// How often an instance was asked for that did not fit the family's limit.
    var foldedCount: UInt64 { get }
    func write(to text: inout MetricsText)
}

extension MetricFamily: RegisteredFamily {
    var foldedCount: UInt64 { state.withLock { $0.foldedCount } }

    func write(to text: inout MetricsText) {
        text.family(description.name, help: description.help, type: description.type)
        let instances = state.withLock { $0.instances }
        for (labels, instance) in instances {
            instance.write(to: &text, name: description.name, labels: labels)
        }
    }
}
