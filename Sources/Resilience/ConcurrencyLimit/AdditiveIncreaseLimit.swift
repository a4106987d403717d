import Clocks

/// Additive increase, multiplicative decrease (Chiu and Jain 1989, as in TCP's congestion avoidance): a window of calls
/// that were dropped or slow cuts the limit, one that needed all of it lets it grow by one for each round of calls.
struct AdditiveIncreaseLimit: Hashable, Sendable {
    let settings: ConcurrencyLimitConfiguration.AdditiveIncrease
    let bounds: LimitBounds
    private(set) var limit: Double

    init(_ settings: ConcurrencyLimitConfiguration.AdditiveIncrease, bounds: LimitBounds) {
        self.settings = settings
        self.bounds = bounds
        limit = bounds.initial
    }

    mutating func update(_ window: LimitWindow) {
        let isSlow = window.latency.map { $0 >= Double(settings.latencyLimit.wholeNanoseconds) } ?? false
        if isSlow || window.hasDropped(moreThan: bounds.toleratedDropRate) {
            limit = bounds.clamp(limit * settings.backoff)
        } else if window.wasFilled(limit) {
            // A round is as many calls as fit together. At most a tenth, so that a window of very short calls is no jump.
            let rounds = Double(window.successes) / limit
            limit = bounds.clamp(limit + min(max(1, rounds), max(1, limit / 10)))
        } else if window.wasIdle(limit) {
            limit = bounds.relaxed(limit, peak: window.peak)
        }
    }
}

/// Where a limit may be.
struct LimitBounds: Hashable, Sendable {
    let minimum: Double
    let maximum: Double
    let initial: Double
    let toleratedDropRate: Double

    init(_ configuration: ConcurrencyLimitConfiguration) {
        minimum = Double(configuration.minimumLimit)
        maximum = Double(configuration.maximumLimit)
        initial = Double(configuration.initialLimit)
        toleratedDropRate = configuration.toleratedDropRate
    }

    func clamp(_ limit: Double) -> Double { max(minimum, min(maximum, limit)) }

    /// A limit that nobody needs goes back slowly to where it began, for it tells what was possible once.
    func relaxed(_ limit: Double, peak: Int) -> Double {
        let floor = max(initial, 2 * Double(peak))
        return limit > floor ? clamp(max(floor, limit * 0.99)) : limit
    }
}
