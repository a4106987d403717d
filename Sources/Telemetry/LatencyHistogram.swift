import Clocks

/// Counts durations with a relative error below 1 % from a nanosecond to hours, in 30 KB however many there are.
///
/// Values below 128 ns are exact; above, each power of two is divided into 64 equal buckets (a log-linear histogram of
/// high dynamic range). A value type without locks: one per worker, then ``merge(_:)``.
package struct LatencyHistogram: Sendable {
    private static let exactLimit: UInt64 = 128
    private static let bucketsPerDoubling = 64
    /// Up to 2^63 ns: 128 exact values, then 56 doublings.
    private static let bucketCount = 128 + 56 * bucketsPerDoubling

    private var counts = [UInt64](repeating: 0, count: bucketCount)
    package private(set) var count: UInt64 = 0
    package private(set) var maximum: Duration = .zero
    private var sum: Double = 0

    package init() {}

    /// Counts the duration; a negative one counts as zero.
    package mutating func record(_ duration: Duration) {
        let nanoseconds = max(0, duration.wholeNanoseconds)
        counts[Self.index(UInt64(nanoseconds))] += 1
        count += 1
        sum += Double(nanoseconds)
        if duration > maximum { maximum = duration }
    }

    package mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        sum += other.sum
        maximum = max(maximum, other.maximum)
    }

    /// The least duration that at least this share (0 to 1) of the recorded ones do not exceed, up to the bucket's
    /// upper edge; zero when nothing was recorded.
    package func quantile(_ share: Double) -> Duration {
        guard count > 0 else { return .zero }
        let rank = max(1, UInt64((Double(count) * min(max(share, 0), 1)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return min(.nanoseconds(Int64(clamping: Self.upperEdge(index))), maximum) }
        }
        return maximum
    }

    package var mean: Duration {
        count == 0 ? .zero : .nanoseconds(Int64(sum / Double(count)))
    }

    static func index(_ nanoseconds: UInt64) -> Int {
        guard nanoseconds >= exactLimit else { return Int(nanoseconds) }
        let doubling = 63 - nanoseconds.leadingZeroBitCount - 7
        let withinDoubling = Int(nanoseconds >> UInt64(doubling + 1)) - bucketsPerDoubling
        return 128 + doubling * bucketsPerDoubling + withinDoubling
    }

    /// The greatest value that falls into the bucket.
    static func upperEdge(_ index: Int) -> UInt64 {
        guard index >= 128 else { return UInt64(index) }
        let (doubling, withinDoubling) = (index - 128).quotientAndRemainder(dividingBy: bucketsPerDoubling)
        return (UInt64(withinDoubling + bucketsPerDoubling + 1) << UInt64(doubling + 1)) - 1
    }
}
