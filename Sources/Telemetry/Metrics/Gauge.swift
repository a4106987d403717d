import Synchronization

/// A number that goes up and down.
package final class Gauge: Metric {
    package static let type = MetricType.gauge
    private let bits = Atomic<UInt64>(0)

    package init(_: NoShape = NoShape()) {}

    package func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    package func set(_ value: Int) {
        set(Double(value))
    }

    /// Adds atomically: no lock, no allocation.
    package func add(_ amount: Double) {
        bits.addDouble(amount)
    }

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func write(to text: inout MetricsText, name: String, labels: String) {
        text.sample(name, labels, value)
    }
}

extension Atomic<UInt64> {
    /// Adds to the double whose bits are stored here.
    func addDouble(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
