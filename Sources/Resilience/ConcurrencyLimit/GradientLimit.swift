import Clocks

/// A limit that follows the ratio of latency without queueing to latency now.
///
/// The step is that of Netflix's Gradient2 (concurrency-limits, 2018): `limit × gradient + √limit`, smoothed, with a
/// gradient from 0.5 to 1. What differs is the reference. A long-term average of latency, as there, takes in the queueing
/// of a long overload, so that the limit grows on and on; a minimum, as in TCP Vegas, never rises when the work itself
/// has become slower. Here the latency without queueing, the *baseline*, is only ever measured where there can be no
/// queue: in windows that used less than half of the limit, and, under load, by probes. A probe, as in BBR (Cardwell et
/// al. 2016) and Envoy's adaptive concurrency, lowers the limit for a moment; but only to 0.7 of what throughput and
/// baseline say is at work at once (Little's law), so that little is refused for it. Probes become rarer each time they
/// confirm the baseline, and frequent again when it proves wrong or when shrinking the limit does not help.
struct GradientLimit: Hashable, Sendable {
    /// What the limit is doing.
    enum Phase: Hashable, Sendable {
        /// Follows the gradient. Leaves to `settling` when a probe is due.
        case running

        /// Lowered. Waits for the calls under way to be few enough, and then until `quietAt` for those that had queued to
        /// be gone. Leaves to `measuring` then, or to `resuming` without a result at the probe's end.
        case settling(Probe, quietAt: MonotonicInstant?)

        /// Lowered; the window being filled is that of the probe. Leaves with its result to `resuming`, or to `settling`
        /// again, lower, when there was still a queue; without one to `resuming` at the probe's end.
        case measuring(Probe)

        /// At its old place, but the calls that end are for a while the short ones among many that have just begun, and
        /// say nothing. Leaves to `running` at `until`.
        case resuming(until: MonotonicInstant)
    }

    struct Probe: Hashable, Sendable {
        let beganAt: MonotonicInstant
        var endsBy: MonotonicInstant
        /// The limit before.
        let resume: Double
        /// What was done before, in calls a nanosecond.
        let throughput: Double
    }

    /// A baseline rests on this many calls: its error is then less than a fifth, if latencies vary as widely as at random.
    static let probeSamples = 30

    let settings: ConcurrencyLimitConfiguration.Gradient
    let bounds: LimitBounds
    private(set) var limit: Double
    private(set) var phase = Phase.running
    /// Latency without queueing, in nanoseconds; nil before the first window.
    private(set) var baseline: Double?
    private var median = MedianOfThree()
    /// When the baseline was last measured, and how much later to probe it.
    private var verifiedAt: MonotonicInstant?
    private var probeInterval: Duration
    /// The limit when the baseline was last measured.
    private var verifiedLimit: Double

    init(_ settings: ConcurrencyLimitConfiguration.Gradient, bounds: LimitBounds) {
        self.settings = settings
        self.bounds = bounds
        limit = bounds.initial
        verifiedLimit = bounds.initial
        probeInterval = settings.minimumProbeInterval
    }

    var isProbing: Bool {
        switch phase {
        case .settling, .measuring: true
        case .running, .resuming: false
        }
    }

    /// How many calls a window needs now, where `usual` are enough otherwise.
    func samplesNeeded(_ usual: Int) -> Int {
        if case .measuring = phase { max(usual, Self.probeSamples) } else { usual }
    }

    mutating func update(_ window: LimitWindow, now: MonotonicInstant) {
        if case .measuring(let probe) = phase { return conclude(probe, measured: window.latency, now: now) }
        if window.hasDropped(moreThan: bounds.toleratedDropRate) { limit = bounds.clamp(limit * 0.9) }
        guard let latency = window.latency.map({ median.add($0) }) else { return }
        guard let baseline else {
            self.baseline = latency
            verifiedAt = now
            return
        }
        if window.wasIdle(limit) {
            adopt(latency, samples: window.successes, now: now)
            limit = bounds.relaxed(limit, peak: window.peak)
            return
        }
        // Nothing is faster than without queueing: what is, has become faster, or the baseline was wrong.
        if latency < baseline / 2 { self.baseline = (baseline + latency) / 2 }
        let gradient = max(0.5, min(1, settings.tolerance * baseline / latency))
        let isFilled = window.wasFilled(limit)
        if gradient < 1 {
            let target = limit * gradient + limit.squareRoot()
            limit = bounds.clamp(min(limit, limit + (target - limit) * settings.smoothing))
            if limit < 0.7 * verifiedLimit, gradient < 0.9 { probeInterval = settings.minimumProbeInterval }
        } else if isFilled, !window.hasDropped(moreThan: bounds.toleratedDropRate) {
            let step = limit.squareRoot() * settings.smoothing
            limit = bounds.clamp(limit + (latency < 1.2 * baseline ? max(step, limit / 10) : step))
        }
        // Not when all is well: a probe costs refusals.
        if window.refusals > 0 || gradient < 1, let verifiedAt, verifiedAt.duration(to: now) >= probeInterval {
            beginProbe(window, latency: latency, now: now)
        }
    }

    /// A baseline measured in passing counts by the number of calls it rests on; a higher one less, because a limit that
    /// is too large may have let a queue arise far below it.
    private mutating func adopt(_ latency: Double, samples: Int, now: MonotonicInstant) {
        guard let baseline else { return }
        self.baseline = baseline + (latency - baseline) * min(0.5, Double(samples) / (latency > baseline ? 1000 : 200))
        verifiedAt = now
        verifiedLimit = limit
    }
}

// MARK: Probes

extension GradientLimit {
    /// Whether calls that end now say nothing, because the limit was just changed by much.
    mutating func discards(inFlight: Int, now: MonotonicInstant) -> Bool {
        switch phase {
        case .running, .measuring:
            return false
        case .resuming(let until):
            if until <= now { phase = .running }
        case .settling(let probe, let quietAt?):
            if quietAt <= now { phase = .measuring(probe) }
        case .settling(let probe, nil):
            guard Double(inFlight) <= limit, let baseline else { break }
            phase = .settling(probe, quietAt: now.advanced(by: .nanoseconds(Int64(2 * baseline))))
        }
        return true
    }

    /// Gives a probe up that has not come to an end in time, for want of calls or because they hang.
    mutating func giveUpProbe(now: MonotonicInstant) {
        switch phase {
        case .settling(let probe, _) where probe.endsBy <= now, .measuring(let probe) where probe.endsBy <= now:
            conclude(probe, measured: nil, now: now)
        case .running, .settling, .measuring, .resuming:
            break
        }
    }

    private mutating func beginProbe(_ window: LimitWindow, latency: Double, now: MonotonicInstant) {
        let probe = Probe(
            beganAt: now, endsBy: now, resume: limit, throughput: window.throughput(until: now))
        lower(probe, latency: latency, now: now)
    }

    /// Not below a third: a baseline that is far too low must not make the probe take for ever.
    private mutating func lower(_ probe: Probe, latency: Double, now: MonotonicInstant) {
        let atWork = probe.throughput * (baseline ?? latency)
        limit = min(limit, bounds.clamp(max(0.7 * atWork, limit * 0.3).rounded(.down)))
        // Three times what settling and measuring should take.
        let patience = 1e9 + latency * (6 + 3 * Double(Self.probeSamples) / limit)
        var probe = probe
        probe.endsBy = now.advanced(by: .nanoseconds(Int64(min(patience, 60e9))))
        phase = .settling(probe, quietAt: nil)
    }

    private mutating func conclude(_ probe: Probe, measured: Double?, now: MonotonicInstant) {
        var resume = probe.resume
        if let measured, let baseline, abs(measured / baseline - 1) > 0.2 {
            self.baseline = measured
            probeInterval = settings.minimumProbeInterval
            if measured < baseline, limit > bounds.minimum {
                // There still was a queue, or the limit would not have mattered: look below.
                return lower(probe, latency: measured, now: now)
            }
        } else {
            if let measured, let baseline { self.baseline = (baseline + measured) / 2 }
            probeInterval = min(probeInterval * 2, settings.maximumProbeInterval)
        }
        if let measured, let baseline {
            // What the probe has found out about the queue need not be found out again in small steps.
            let enough = settings.tolerance * baseline * probe.throughput
            resume = min(resume, max(enough + enough.squareRoot(), limit))
            phase = .resuming(until: now.advanced(by: .nanoseconds(Int64(2 * measured))))
        } else {
            phase = .running
        }
        limit = bounds.clamp(resume)
        verifiedAt = now
        verifiedLimit = limit
        // Probing takes no more than a tenth of the time.
        let duration = probe.beganAt.duration(to: now)
        probeInterval = min(max(probeInterval, duration * 10), max(settings.maximumProbeInterval, duration * 10))
    }
}
