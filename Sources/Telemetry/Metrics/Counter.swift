import Synchronization

/// A number that only grows, until the process ends.
package final class Counter: Metric {
    package static let type = MetricType.counter
    private let count = Atomic<UInt64>(0)

    package init(_: NoShape = NoShape()) {}

    /// One atomic addition: no lock, no allocation. A negative amount is a programming error.
    package func increment(by amount: Int = 1) {
        precondition(amount >= 0, "a counter never falls")
        count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    package var value: UInt64 { count.load(ordering: .relaxed) }

    package func write(to text: inout MetricsText, name: String, labels: String) {
        text.sample(name, labels, value)
    }
}
