import Clocks

/// What was observed between two decisions about a limit.
struct LimitWindow: Hashable, Sendable {
    let beganAt: MonotonicInstant
    private(set) var successes = 0
    private(set) var drops = 0
    private(set) var refusals = 0
    /// The most calls that were under way together.
    private(set) var peak: Int
    private var latencySum: Int64 = 0

    init(beganAt: MonotonicInstant, inFlight: Int) {
        self.beganAt = beganAt
        peak = inFlight
    }

    var samples: Int { successes + drops }

    /// The mean latency of the calls that succeeded, in nanoseconds; nil when none did.
    var latency: Double? { successes > 0 ? max(1, Double(latencySum) / Double(successes)) : nil }

    /// Successful calls a nanosecond.
    func throughput(until now: MonotonicInstant) -> Double {
        Double(successes) / Double(max(1, beganAt.duration(to: now).wholeNanoseconds))
    }

    func hasDropped(moreThan rate: Double) -> Bool { Double(drops) > rate * Double(samples) }

    /// Whether it was the limit that kept more calls from being made: the only reason for it to grow.
    func wasFilled(_ limit: Double) -> Bool { refusals > 0 || Double(peak) >= 0.75 * limit }

    /// Whether the limit was so far away that latency has nothing to do with it.
    func wasIdle(_ limit: Double) -> Bool { refusals == 0 && Double(peak) < 0.5 * limit }

    mutating func admit(inFlight: Int) { peak = max(peak, inFlight) }

    mutating func refuse() { refusals += 1 }

    mutating func drop() { drops += 1 }

    mutating func succeed(latency: Duration) {
        successes += 1
        latencySum = latencySum.addingReportingOverflow(max(0, latency.wholeNanoseconds)).partialValue
    }
}

/// The middle one of the last three values: one window that a pause has spoilt does not count.
struct MedianOfThree: Hashable, Sendable {
    private var last: Double?
    private var secondLast: Double?

    mutating func add(_ value: Double) -> Double {
        defer { (last, secondLast) = (value, last) }
        guard let last else { return value }
        guard let secondLast else { return min(value, last) }
        return max(min(value, last), min(max(value, last), secondLast))
    }
}
