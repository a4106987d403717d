import Clocks
import Resilience

extension CircuitBreakerConfiguration {
    /// Any combination of knobs, with numbers small enough that much happens.
    static func drawn(_ random: SeededRandom) -> CircuitBreakerConfiguration {
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var configuration = CircuitBreakerConfiguration()
        configuration.window = pick(2) == 0 ? .count(4 + pick(8)) : .time(.seconds(1 + pick(10)), buckets: 1 + pick(5))
        configuration.minimumCalls = 1 + pick(4)
        configuration.failureRate = [nil, 0.25, 0.5, 1][pick(4)]
        configuration.slowCallRate = [nil, 0.5, 1][pick(3)]
        configuration.slowCallDuration = .seconds(1)
        configuration.consecutiveFailures = [nil, 1, 3][pick(3)]
        configuration.openTime = .exponential(base: .seconds(5), factor: 2, cap: .seconds(60), jitter: 0)
        configuration.permittedProbes = 1 + pick(4)
        configuration.probeSuccessRatio = [0.25, 0.5, 1][pick(3)]
        configuration.maximumHalfOpenWait = .seconds(10)
        configuration.maximumHalfOpenTime = [nil, .seconds(3), .seconds(30)][pick(3)]
        configuration.halfOpenEnd = [.open, .closed][pick(2)]
        return configuration
    }
}
