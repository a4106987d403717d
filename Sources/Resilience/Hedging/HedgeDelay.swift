import Clocks

/// The delay before a further call, learnt from the latencies of first calls; without clock or lock of its own.
struct HedgeDelay: Sendable {
    /// The quantile is worked out anew after this many samples: it takes as long as some hundred recordings.
    private static let refreshCount = 64

    private let configuration: HedgeConfiguration
    private var latencies: LatencyQuantile
    private var learnt: Duration?
    private var samplesToRefresh = 0
    private var learntUntil = MonotonicInstant.distantFuture

    init(_ configuration: HedgeConfiguration) {
        self.configuration = configuration
        latencies = LatencyQuantile(window: configuration.window)
    }

    /// Takes in how long a first call took, or at least took: one that was beaten by a further call.
    ///
    /// Were the beaten ones left out, the quantile would sink below what it says, and hedging feed on itself.
    mutating func record(_ latency: Duration, now: MonotonicInstant) {
        latencies.record(latency, now: now)
        samplesToRefresh -= 1
        guard samplesToRefresh <= 0 else { return }
        refresh(now: now)
    }

    /// The delay for a call that begins now.
    mutating func delay(now: MonotonicInstant) -> Duration {
        if now >= learntUntil { refresh(now: now) }
        return learnt ?? configuration.fallbackDelay
    }

    private mutating func refresh(now: MonotonicInstant) {
        let count = latencies.count(now: now)
        let missing = configuration.minimumSamples - count
        learnt =
            missing > 0
            ? nil
            : latencies.value(configuration.quantile, now: now).map {
                min(max($0, configuration.minimumDelay), configuration.maximumDelay)
            }
        samplesToRefresh = missing > 0 ? min(missing, Self.refreshCount) : Self.refreshCount
        // Also without new samples, old ones go.
        learntUntil = count > 0 ? now.advanced(by: configuration.window) : .distantFuture
    }
}
