import Clocks
import Resilience
import TestSupport
import Testing

/// A dependency goes down under load and comes back, in virtual time.
struct RetryStormTests {
    private func pipeline(_ world: StormWorld, breaker: CircuitBreakerConfiguration?, log: EventLog) throws -> Pipeline
    {
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.totalTimeout = .seconds(2)
        configuration.attemptTimeout = .seconds(1)
        configuration.retry = RetryPolicy()
        configuration.breaker = breaker
        return try Pipeline(
            "provider", configuration, budget: RetryBudget(name: "provider", time: world.time), time: world.time,
            random: SeededRandom(seed: 7), observer: log.observer)
    }

    @Test(
        "in a retry storm less than 1.2 times the offered load arrives in any second",
        arguments: [true, false], [10, 30, 60, 200, 400])
    func storm(hasBreaker: Bool, rate: Int) async throws {
        let world = StormWorld(outage: .seconds(3) ..< .seconds(8), latency: .milliseconds(20))
        let log = EventLog()
        let pipeline = try pipeline(world, breaker: hasBreaker ? Self.breaker : nil, log: log)
        try await world.offer(rate, for: .seconds(16), to: pipeline)

        let peak = world.peak(within: .seconds(1))
        #expect(Double(peak) < 1.2 * Double(rate), "\(peak) calls arrived within a second, \(rate) were offered")
        // It was a storm: calls were retried, and the account was emptied.
        let wasRefused = log.events.contains { event in
            guard case .retryStopped(_, _, .budgetEmpty) = event else { return false }
            return true
        }
        #expect(wasRefused)

        // It comes back by itself, within the longest open time, and stays.
        #expect(world.failures(from: .seconds(13), to: .seconds(30)) == 0)
        #expect(pipeline.breaker?.state ?? .closed == .closed)
        #expect(openings(log) == (hasBreaker ? 1 : 0), "it tripped again")
    }

    @Test("when it comes back, the backlog drains without tripping again")
    func backlog() async throws {
        let rate = 200
        let outage = Duration.seconds(2) ..< .seconds(6)
        // Were the backlog repeated all at once, this would fail most of it.
        let world = StormWorld(outage: outage, latency: .milliseconds(20), capacity: 40)
        let log = EventLog()
        let pipeline = try pipeline(world, breaker: Self.breaker, log: log)
        try await world.offer(rate, for: .seconds(13), to: pipeline, workers: 16)

        // Most of what was offered during the outage had to wait.
        #expect(world.longestBacklog > 600)
        #expect(world.backlog == 0)
        // The longest open time after the outage it is closed; then eight hundred a second can be repeated.
        let emptyAt = try #require(world.lastBacklogged)
        #expect(emptyAt > .seconds(6) && emptyAt < .seconds(12), "there was a backlog until \(emptyAt)")
        #expect(pipeline.breaker?.state == .closed)
        #expect(openings(log) == 1, "it tripped again")
        #expect(world.failures(from: emptyAt, to: .seconds(60)) == 0)

        let peak = world.peak(within: .seconds(1), until: outage.upperBound)
        #expect(Double(peak) < 1.2 * Double(rate), "\(peak) calls arrived within a second, \(rate) were offered")
    }

    private static let breaker: CircuitBreakerConfiguration = {
        var breaker = CircuitBreakerConfiguration()
        breaker.openTime = .exponential(base: .seconds(1), factor: 2, cap: .seconds(4), jitter: 0.2)
        return breaker
    }()

    /// How often the breaker gave up a dependency that it had taken for working.
    private func openings(_ log: EventLog) -> Int {
        log.events.count { event in
            guard case .circuitBreakerChanged(_, let change) = event else { return false }
            return change.from == .closed && change.to == .open
        }
    }
}
