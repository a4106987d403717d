import Clocks

/// Which latency a share of the recent calls stayed within, in bounded memory and without keeping them.
///
/// A log-linear histogram (as HdrHistogram has it, Gil Tene): exact to a microsecond up to 63, then 32 buckets for each
/// doubling. The quantile is never too low, and too high by at most 1/32 of the truth and one microsecond. What takes
/// longer than 134 seconds counts as that. Recording is a few instructions and allocates nothing; memory is 6 kB.
///
/// It covers the current window and the one before, so between one window's time and two.
public struct LatencyQuantile: Sendable {
    private static let subBits = 5
    private static let subCount = 1 << subBits
    private static let longest: Int64 = 1 << 27 - 1
    private static let bucketCount = 23 * subCount

    private let windowLength: Int64
    private var windowNumber: Int64 = .min
    private var current = [UInt32](repeating: 0, count: bucketCount)
    private var previous = [UInt32](repeating: 0, count: bucketCount)
    private var currentCount = 0
    private var previousCount = 0

    /// Begins without samples.
    ///
    /// - Precondition: The window is from a millisecond to an hour.
    public init(window: Duration) {
        precondition(window >= .milliseconds(1) && window <= .seconds(3600), "a window from a millisecond to an hour")
        windowLength = window.wholeNanoseconds
    }

    /// Takes in the latency of a call that ended now; a negative one counts as zero.
    public mutating func record(_ latency: Duration, now: MonotonicInstant) {
        advance(to: now)
        current[Self.bucket(of: latency)] += 1
        currentCount += 1
    }

    /// The samples that are still regarded.
    public mutating func count(now: MonotonicInstant) -> Int {
        advance(to: now)
        return currentCount + previousCount
    }

    /// The least latency that at least the share `quantile` (0 to 1) of the samples stayed within; nil without samples.
    /// It looks at every bucket, once.
    public mutating func value(_ quantile: Double, now: MonotonicInstant) -> Duration? {
        let total = count(now: now)
        guard total > 0 else { return nil }
        let rank = min(total, max(1, Int((quantile * Double(total)).rounded(.up))))
        var seen = 0
        for index in 0..<Self.bucketCount {
            seen += Int(current[index]) + Int(previous[index])
            if seen >= rank { return Self.upperBound(of: index) }
        }
        return Self.upperBound(of: Self.bucketCount - 1)
    }

    private mutating func advance(to now: MonotonicInstant) {
        let number = now.nanoseconds / windowLength
        guard number > windowNumber else { return }
        if number - 1 == windowNumber {
            swap(&current, &previous)
            previousCount = currentCount
        } else if previousCount > 0 {
            clear(&previous)
            previousCount = 0
        }
        clear(&current)
        currentCount = 0
        windowNumber = number
    }

    private func clear(_ buckets: inout [UInt32]) {
        for index in buckets.indices { buckets[index] = 0 }
    }

    private static func bucket(of latency: Duration) -> Int {
        let nanoseconds = max(0, latency.wholeNanoseconds)
        let microseconds = min(nanoseconds / 1000 + (nanoseconds % 1000 == 0 ? 0 : 1), longest)
        guard microseconds >= Int64(subCount) else { return Int(microseconds) }
        let exponent = Int64.bitWidth - 1 - microseconds.leadingZeroBitCount
        let octave = exponent - subBits
        return octave * subCount + Int(microseconds >> octave)
    }

    private static func upperBound(of bucket: Int) -> Duration {
        guard bucket >= 2 * subCount else { return .microseconds(bucket) }
        let octave = bucket / subCount - 1
        let mantissa = Int64(bucket % subCount + subCount)
        return .microseconds((mantissa + 1) << octave - 1)
    }
}
