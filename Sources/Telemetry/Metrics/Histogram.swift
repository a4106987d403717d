import Clocks
import Synchronization

/// Counts observations by size, in buckets fixed beforehand.
package final class Histogram: Metric {
    package static let type = MetricType.histogram

    private let buckets: HistogramBuckets
    /// One cell per bound and a last one for what is greater than all of them; the rest is unused.
    private let cells: InlineArray<32, Atomic<UInt64>>
    private let sum = Atomic<UInt64>(0)

    package init(_ buckets: HistogramBuckets) {
        self.buckets = buckets
        cells = InlineArray { _ in Atomic(0) }
    }

    /// Counts the value: two atomic additions, no lock, no allocation. NaN is ignored.
    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        cells[buckets.index(of: value)].wrappingAdd(1, ordering: .relaxed)
        sum.addDouble(value)
    }

    /// Counts the duration in seconds.
    package func observe(_ duration: Duration) {
        observe(duration.inSeconds)
    }

    /// The number of observations so far.
    package var count: UInt64 {
        var total: UInt64 = 0
        for index in 0...buckets.bounds.count { total += cells[index].load(ordering: .relaxed) }
        return total
    }

    /// The sum of all observations so far.
    package var total: Double { Double(bitPattern: sum.load(ordering: .relaxed)) }

    package func write(to text: inout MetricsText, name: String, labels: String) {
        // The count is the sum of the cells as they were read, so it always equals the last bucket.
        var cumulated: UInt64 = 0
        for (index, bound) in buckets.boundTexts.enumerated() {
            cumulated += cells[index].load(ordering: .relaxed)
            text.sample(name, suffix: "_bucket", labels, bound: bound, cumulated)
        }
        cumulated += cells[buckets.bounds.count].load(ordering: .relaxed)
        text.sample(name, suffix: "_bucket", labels, bound: "+Inf", cumulated)
        text.sample(name, suffix: "_sum", labels, total)
        text.sample(name, suffix: "_count", labels, cumulated)
    }
}
