import Clocks
import Resilience

/// The instances every thread shares. Names are long and made at run time, as those of authorities are: text that short
/// or known to the compiler costs nothing to hand on.
private struct Instances: Sendable {
    let closed: CircuitBreaker
    let timed: CircuitBreaker
    let open: CircuitBreaker
    let forced: CircuitBreaker
    let bulkhead: Bulkhead
    let retry: Retry
    let timeout: Timeout
    let deadline: Deadline
    let rate: RateLimiter
    /// Bulkhead, breaker, retry and rate limit.
    let four: Pipeline
    /// The same with retry budget, total and attempt timeout.
    let all: Pipeline

    init() {
        let time = SystemTime()
        let random = SystemRandom()
        let name = ["payment-provider", "example", "internal:8443"].joined(separator: ".")
        closed = CircuitBreaker(name: name, time: time, random: random)
        var byTime = CircuitBreakerConfiguration()
        byTime.window = .time(.seconds(10))
        byTime.slowCallRate = 0.5
        timed = CircuitBreaker(name: name, configuration: byTime, time: time, random: random)
        var long = CircuitBreakerConfiguration()
        long.openTime = .exponential(base: .seconds(3600), cap: .seconds(3600))
        open = CircuitBreaker(name: name, configuration: long, time: time, random: random)
        open.trip()
        forced = CircuitBreaker(name: name, time: time, random: random)
        forced.forceOpen()
        bulkhead = Bulkhead(name: name, time: time)
        retry = Retry(operation: name, time: time, random: random)
        timeout = Timeout(operation: name, limit: .seconds(10), time: time)
        deadline = Deadline(after: .seconds(3600), from: time.now)
        // More than can be used, so that all is granted.
        let limit = RateLimit(permits: 1_000_000_000, per: .seconds(1))
        rate = RateLimiter(name: name, limit: limit, time: time)
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.rateLimit = limit
        configuration.bulkhead = Bulkhead.Configuration()
        configuration.breaker = CircuitBreakerConfiguration()
        configuration.retry = RetryPolicy()
        four = Self.pipeline(name, configuration, budget: nil)
        configuration.totalTimeout = .seconds(10)
        configuration.attemptTimeout = .seconds(1)
        all = Self.pipeline(name, configuration, budget: RetryBudget(name: name, time: time))
    }

    private static func pipeline(
        _ name: String, _ configuration: PipelineConfiguration, budget: RetryBudget?
    ) -> Pipeline {
        do {
            return try Pipeline(name, configuration, budget: budget, time: SystemTime(), random: SystemRandom())
        } catch {
            fatalError("\(error)")
        }
    }
}

func scenarios() -> [Scenario] {
    let all = Instances()
    return breakerScenarios(all) + otherScenarios(all) + chainScenarios(all)
}

private func breakerScenarios(_ all: Instances) -> [Scenario] {
    let (closed, timed, open, forced) = (all.closed, all.timed, all.open, all.forced)
    return [
        Scenario("a bare async call, for scale") { count in
            var sum = 0
            for _ in 0..<count { sum &+= await bare { () async throws(Never) in 7 } }
            consume(sum)
        },
        Scenario(
            "breaker, allowed call", target: 75, ofTwo: 130,
            reference: "Resilience4j 79 (323), gobreaker 119 (132)"
        ) { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await closed.call { () async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario("breaker, allowed call, time window and slow calls") { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await timed.call { () async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario("breaker, permit", target: 75, ofTwo: 130, reference: "Failsafe 17 (98)") { count in
            var sum = 0
            for _ in 0..<count { sum &+= pass(closed) }
            consume(sum)
        },
        Scenario(
            "breaker, open, refused call", target: 30, reference: "Resilience4j 108 and 120 B, Failsafe 30"
        ) { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await open.call { () async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario("breaker, open, refused permit", target: 30) { count in
            var sum = 0
            for _ in 0..<count { sum &+= pass(open) }
            consume(sum)
        },
        Scenario("breaker, forced open, refused permit", target: 30) { count in
            var sum = 0
            for _ in 0..<count { sum &+= pass(forced) }
            consume(sum)
        },
    ]
}

private func otherScenarios(_ all: Instances) -> [Scenario] {
    let (bulkhead, retry, timeout, deadline) = (all.bulkhead, all.retry, all.timeout, all.deadline)
    let rate = all.rate
    return [
        Scenario("bulkhead") { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await bulkhead.call { () async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario("rate limiter, granted") { count in
            var sum = 0
            for _ in 0..<count { sum &+= rate.tryAcquire().isAllowed ? 7 : 1 }
            consume(sum)
        },
        Scenario("retry, good call") { count in
            var sum = 0
            for _ in 0..<count { sum &+= await retry.call { (_) async throws(Never) in 7 } }
            consume(sum)
        },
        Scenario("deadline") { count in
            var sum = 0
            for _ in 0..<count { sum &+= await withDeadline(deadline) { 7 } }
            consume(sum)
        },
        Scenario("attempt timeout by deadline") { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await timeout.callByDeadline { () async throws(Never) in 7 }) }
            consume(sum)
        },
        // The runtime makes a task and its first slab of memory on the heap, however it is begun; see Timeout.call.
        Scenario("attempt timeout by cancelling", allocations: 5) { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await timeout.call { 7 }) }
            consume(sum)
        },
    ]
}

private func chainScenarios(_ all: Instances) -> [Scenario] {
    let (closed, bulkhead, retry) = (all.closed, all.bulkhead, all.retry)
    let (timeout, deadline) = (all.timeout, all.deadline)
    let (four, everything) = (all.four, all.all)
    return [
        Scenario(
            "pipeline of four: rate limit, bulkhead, breaker, retry", target: 140, ofTwo: 300,
            reference: "Resilience4j 142 (322) and 120 B"
        ) { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await four.call { (_) async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario(
            "the same with budget, total and attempt timeout",
            reference: "Polly, five strategies, 2089 and 40 B"
        ) { count in
            var sum = 0
            for _ in 0..<count { sum &+= value(await everything.call { (_) async throws(Never) in 7 }) }
            consume(sum)
        },
        Scenario("chain of three: bulkhead, retry, breaker") { count in
            var sum = 0
            for _ in 0..<count {
                let answer = await bulkhead.call { () async throws(Never) in
                    await retry.call { (_) async throws(Never) in
                        await closed.call { () async throws(Never) in 7 }
                    }
                }
                if case .success(let inner) = answer { sum &+= value(inner) }
            }
            consume(sum)
        },
        Scenario(
            "deadline and attempt timeout by deadline", target: 500,
            reference: "Failsafe, chain with a timeout, 2906 and 1646 B"
        ) { count in
            var sum = 0
            for _ in 0..<count {
                sum &+= await withDeadline(deadline) {
                    value(await timeout.callByDeadline { () async throws(Never) in 7 })
                }
            }
            consume(sum)
        },
        Scenario("deadline and attempt timeout by cancelling", target: 500, allocations: 6) { count in
            var sum = 0
            for _ in 0..<count {
                sum &+= await withDeadline(deadline) { value(await timeout.call { 7 }) }
            }
            consume(sum)
        },
    ]
}

@inline(never)
private func bare<Value, Failure: Error>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
    try await body()
}

private func pass(_ breaker: CircuitBreaker) -> Int {
    switch breaker.admit() {
    case .permitted(let permit):
        permit.finish(.success)
        return 7
    case .rejected(let rejection):
        if case .circuitOpen(_, .open, _) = rejection { return 1 }
        return 2
    }
}

private func value<Failure: Error>(_ answer: Guarded<Int, Failure>) -> Int {
    switch answer {
    case .success(let value): value
    case .failure: 1
    case .rejected(.circuitOpen(_, .open, _)): 2
    case .rejected: 3
    }
}
