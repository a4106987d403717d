import Clocks

/// The two algorithms behind one face.
enum LimitAlgorithm: Hashable, Sendable {
    case gradient(GradientLimit)
    case additiveIncrease(AdditiveIncreaseLimit)

    init(_ configuration: ConcurrencyLimitConfiguration) {
        let bounds = LimitBounds(configuration)
        switch configuration.algorithm {
        case .gradient(let settings): self = .gradient(GradientLimit(settings, bounds: bounds))
        case .additiveIncrease(let settings):
            self = .additiveIncrease(AdditiveIncreaseLimit(settings, bounds: bounds))
        }
    }

    var limit: Int {
        switch self {
        case .gradient(let gradient): Int(gradient.limit)
        case .additiveIncrease(let additive): Int(additive.limit)
        }
    }

    var isProbing: Bool {
        switch self {
        case .gradient(let gradient): gradient.isProbing
        case .additiveIncrease: false
        }
    }

    /// Whether all calls count, and no probe has to be looked after.
    var isRunning: Bool {
        switch self {
        case .gradient(let gradient): gradient.phase == .running
        case .additiveIncrease: true
        }
    }

    func samplesNeeded(_ usual: Int) -> Int {
        switch self {
        case .gradient(let gradient): gradient.samplesNeeded(usual)
        case .additiveIncrease: usual
        }
    }

    var baseline: Double? {
        switch self {
        case .gradient(let gradient): gradient.baseline
        case .additiveIncrease: nil
        }
    }

    mutating func update(_ window: LimitWindow, now: MonotonicInstant) {
        switch self {
        case .gradient(var gradient):
            gradient.update(window, now: now)
            self = .gradient(gradient)
        case .additiveIncrease(var additive):
            additive.update(window)
            self = .additiveIncrease(additive)
        }
    }

    /// Whether calls that end now are to be left out of the window.
    mutating func discards(inFlight: Int, now: MonotonicInstant) -> Bool {
        guard case .gradient(var gradient) = self else { return false }
        gradient.giveUpProbe(now: now)
        let isDiscarded = gradient.discards(inFlight: inFlight, now: now)
        self = .gradient(gradient)
        return isDiscarded
    }

    mutating func giveUpProbe(now: MonotonicInstant) {
        guard case .gradient(var gradient) = self else { return }
        gradient.giveUpProbe(now: now)
        self = .gradient(gradient)
    }
}

/// Who is admitted, and how the limit moves, without clock or lock of its own.
struct ConcurrencyLimitMachine: Sendable {
    /// The limit before and after.
    struct Change: Hashable {
        let from: Int
        let to: Int
    }

    let configuration: ConcurrencyLimitConfiguration
    private(set) var algorithm: LimitAlgorithm
    /// What the algorithm says, worked out once for each of its moves: admitting compares integers.
    private(set) var limit: Int
    private var normalLimit = 1
    private var backgroundLimit = 1
    private var isRunning = true
    private(set) var inFlight = 0
    private(set) var admitted = CallPriorityCounts()
    private(set) var refused = CallPriorityCounts()
    private(set) var dropped: UInt64 = 0
    /// The mean latency of the last window.
    private(set) var latency: Double?
    private var window: LimitWindow
    private var reportedLimit: Int

    init(_ configuration: ConcurrencyLimitConfiguration, now: MonotonicInstant) {
        self.configuration = configuration
        algorithm = LimitAlgorithm(configuration)
        window = LimitWindow(beganAt: now, inFlight: 0)
        limit = configuration.initialLimit
        reportedLimit = configuration.initialLimit
        refresh()
    }

    /// Up to how many calls under way one more of this priority is admitted; at least 1, so that nothing is shut out
    /// for good.
    func limit(for priority: CallPriority) -> Int {
        switch priority {
        case .critical: limit
        case .normal: normalLimit
        case .background: backgroundLimit
        }
    }

    private mutating func refresh() {
        limit = algorithm.limit
        normalLimit = max(1, Int(Double(limit) * configuration.normalShare))
        backgroundLimit = max(1, Int(Double(limit) * configuration.backgroundShare))
        isRunning = algorithm.isRunning
    }

    /// False when the call is refused.
    mutating func admit(_ priority: CallPriority, now: MonotonicInstant) -> Bool {
        if inFlight >= limit(for: priority) {
            // Calls that hang must not hold a probe, and with it the low limit, for ever.
            if !isRunning {
                algorithm.giveUpProbe(now: now)
                refresh()
            }
            guard inFlight < limit(for: priority) else {
                refused.add(priority)
                window.refuse()
                return false
            }
        }
        inFlight += 1
        admitted.add(priority)
        window.admit(inFlight: inFlight)
        return true
    }

    /// The change of the limit that is worth telling, if there is one.
    mutating func finish(_ outcome: LimitedCallOutcome, startedAt: MonotonicInstant, now: MonotonicInstant) -> Change? {
        precondition(inFlight > 0, "a call ends once")
        inFlight -= 1
        if outcome == .dropped { dropped += 1 }
        if !isRunning {
            let isDiscarded = algorithm.discards(inFlight: inFlight, now: now)
            refresh()
            if isDiscarded {
                window = LimitWindow(beganAt: now, inFlight: inFlight)
                return nil
            }
        }
        switch outcome {
        case .neutral: return nil
        case .dropped: window.drop()
        case .success: window.succeed(latency: startedAt.duration(to: now))
        }
        guard isComplete(now: now) else { return nil }
        if let latency = window.latency { self.latency = latency }
        algorithm.update(window, now: now)
        refresh()
        window = LimitWindow(beganAt: now, inFlight: inFlight)
        return reportableChange()
    }

    private func isComplete(now: MonotonicInstant) -> Bool {
        let usual = configuration.minimumSamples
        guard window.samples >= (isRunning ? usual : algorithm.samplesNeeded(usual)) else { return false }
        let length = window.beganAt.duration(to: now)
        return length >= configuration.window && Double(length.wholeNanoseconds) >= window.latency ?? 0
    }

    /// A tenth is worth telling; the steps of a limit that is where it should be, and probes, are not.
    private mutating func reportableChange() -> Change? {
        let (before, after) = (reportedLimit, limit)
        guard !algorithm.isProbing, abs(after - before) >= max(1, before / 10) else { return nil }
        reportedLimit = after
        return Change(from: before, to: after)
    }
}
