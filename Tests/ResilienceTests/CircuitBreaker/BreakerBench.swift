import Clocks
import Resilience
import TestSupport

/// A breaker with a clock moved by hand, whose open time is exactly as configured.
struct BreakerBench {
    let time = TestTime()
    let log = EventLog()
    let breaker: CircuitBreaker

    init(_ change: (inout CircuitBreakerConfiguration) -> Void = { _ in }) {
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .count(10)
        configuration.minimumCalls = 4
        configuration.openTime = .exponential(
            base: .seconds(5), factor: 2, cap: .seconds(60), jitter: 0)
        configuration.permittedProbes = 2
        configuration.probeSuccessRatio = 1
        change(&configuration)
        breaker = CircuitBreaker(
            name: "payment", configuration: configuration, time: time, random: SeededRandom(seed: 1),
            observer: log.observer)
    }

    /// A breaker that has just opened.
    static func open(_ change: (inout CircuitBreakerConfiguration) -> Void = { _ in }) -> BreakerBench {
        let bench = BreakerBench(change)
        for _ in 0..<4 { bench.call(.failure) }
        return bench
    }

    /// A breaker that takes probes with the next call.
    static func ready(_ change: (inout CircuitBreakerConfiguration) -> Void = { _ in }) -> BreakerBench {
        let bench = open(change)
        bench.time.advance(by: .seconds(5))
        return bench
    }

    /// Makes a call with this outcome, lasting this long. False when it was refused.
    @discardableResult
    func call(_ outcome: CallOutcome, lasting duration: Duration = .zero) -> Bool {
        guard let permit = permit() else { return false }
        time.advance(by: duration)
        permit.finish(outcome)
        return true
    }

    func permit() -> CircuitBreakerPermit? {
        switch breaker.admit() {
        case .permitted(let permit): permit
        case .rejected: nil
        }
    }

    var rejection: Rejection? {
        switch breaker.admit() {
        case .permitted: nil
        case .rejected(let rejection): rejection
        }
    }

    var causes: [CircuitBreakerTransition.Cause] {
        log.events.compactMap {
            if case .circuitBreakerChanged(_, let transition) = $0 { transition.cause } else { nil }
        }
    }
}
