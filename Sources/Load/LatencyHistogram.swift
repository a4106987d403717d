/// Counts durations in buckets whose width grows with their value: within 1 % of the true value from a microsecond to hours, in a
/// few kilobytes, whatever was recorded. After Gil Tene's HdrHistogram.
package struct LatencyHistogram: Sendable, Equatable {
    /// Buckets in each doubling: an error of at most 1/128.
    private static let bits = 7
    private static let buckets = 1 << bits

    private var counts: [Int]
    package private(set) var count = 0
    /// Microseconds.
    package private(set) var maximum: Int64 = 0
    private var sum: Double = 0

    package init() {
        counts = []
    }

    /// Records a duration; what is negative counts as zero.
    package mutating func record(_ duration: Duration) {
        let value = max(0, duration.wholeMicroseconds)
        let index = Self.index(of: value)
        if index >= counts.count { counts += Array(repeating: 0, count: index + 1 - counts.count) }
        counts[index] += 1
        count += 1
        maximum = max(maximum, value)
        sum += Double(value)
    }

    /// Adds what another one has counted.
    package mutating func merge(_ other: LatencyHistogram) {
        if other.counts.count > counts.count {
            counts += Array(repeating: 0, count: other.counts.count - counts.count)
        }
        for (index, count) in other.counts.enumerated() { counts[index] += count }
        count += other.count
        maximum = max(maximum, other.maximum)
        sum += other.sum
    }

    /// The duration that this share (0 to 1) of what was recorded does not exceed; zero when nothing was.
    package func quantile(_ share: Double) -> Duration {
        guard count > 0 else { return .zero }
        let rank = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return .microseconds(min(Self.upperBound(of: index), maximum)) }
        }
        return .microseconds(maximum)
    }

    package var mean: Duration {
        count == 0 ? .zero : .nanoseconds(Int64(sum / Double(count) * 1000))
    }

    /// Below two times `buckets` each value has its own bucket; from there each doubling has `buckets` of them.
    private static func index(of value: Int64) -> Int {
        guard value >= 2 * buckets else { return Int(value) }
        let shift = Int64.bitWidth - 1 - value.leadingZeroBitCount - bits
        return shift * buckets + Int(value >> Int64(shift))
    }

    /// The greatest value that falls into a bucket.
    private static func upperBound(of index: Int) -> Int64 {
        guard index >= 2 * buckets else { return Int64(index) }
        let shift = index / buckets - 1
        let base = Int64(index % buckets + buckets)
        return ((base + 1) << Int64(shift)) - 1
    }
}

extension Duration {
    fileprivate var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
