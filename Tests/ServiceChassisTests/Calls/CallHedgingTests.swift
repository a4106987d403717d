import Clocks
import HTTPCodec
import Resilience
import Synchronization
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Slow calls are made a second time", .timeLimit(.minutes(1)))
struct CallHedgingTests {
    private static let delay = Duration.milliseconds(250)

    private static var configuration: ServiceCaller.Configuration {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.hedging = HedgeConfiguration()
        configuration.hedging?.fallbackDelay = delay
        return configuration
    }

    /// Stalls with the first requests until they are given up, and answers those that follow.
    private final class Stall: Sendable {
        let begun: [Gate]
        let abandoned: [Gate]
        private let seen = Mutex(0)

        init(_ count: Int = 1) {
            begun = (0..<count).map { _ in Gate() }
            abandoned = (0..<count).map { _ in Gate() }
        }

        func answer() async -> HTTPResponse {
            let index = seen.withLock { seen in
                seen += 1
                return seen - 1
            }
            guard index < begun.count else { return .plain(200) }
            begun[index].open()
            do { try await Gate().wait() } catch { abandoned[index].open() }
            return .plain(200)
        }
    }

    @Test("the answer is the copy's, the first is given up, and nothing counts as a failure")
    func copyWins() async throws {
        let stall = Stall()
        let neighbour = Neighbour(TestTime()) { _, _ in await stall.answer() }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            async let outcome = bench.send(.get)
            try await stall.begun[0].wait()
            bench.time.advance(by: Self.delay)
            #expect(await outcome.kind == "200")
            try await stall.abandoned[0].wait()

            #expect(neighbour.requests.count == 2)
            #expect(bench.hedges("started") == 1 && bench.hedges("won") == 1 && bench.hedges("suppressed") == 0)
            #expect(bench.attempts(2) == 0)
            #expect(bench.calls(.success) == 1)
            #expect(bench.breaker("closed", "success") == 1)
            #expect(bench.budget.snapshot.withdrawn == 1)
            #expect(bench.isHealthy)
        }
    }

    @Test("the copy goes to another endpoint")
    func elsewhere() async throws {
        let stall = Stall()
        let time = TestTime()
        let neighbours = (0..<2).map { _ in Neighbour(time) { _, _ in await stall.answer() } }
        try await CallBench.with(neighbours, Self.configuration) { bench in
            async let outcome = bench.send(.get)
            try await stall.begun[0].wait()
            time.advance(by: Self.delay)
            #expect(await outcome.kind == "200")
            #expect(neighbours.map(\.requests.count) == [1, 1])
            try await stall.abandoned[0].wait()
        }
    }

    @Test("a call that is answered in time is made once, and one that fails is the retry's business")
    func noCopy() async throws {
        let neighbour = Neighbour(TestTime()) { _, number in .plain(number == 2 ? 503 : 200) }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            #expect(await bench.send(.get).kind == "200")
            #expect(await bench.send(.get).kind == "200")
            #expect(neighbour.requests.count == 3)
            #expect(bench.hedges("started") == 0)
            #expect(bench.attempts(2) == 1)
        }
    }

    @Test("what has an effect is never copied, with a key neither", arguments: [ServiceRequest.post, .keyedPost])
    func onlyQuestions(request: ServiceRequest) async throws {
        let (begun, release) = (Gate(), Gate())
        let neighbour = Neighbour(TestTime()) { _, _ in
            begun.open()
            try? await release.wait()
            return .plain(201)
        }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            async let outcome = bench.send(request)
            try await begun.wait()
            // Nobody sleeps, so there is nobody to begin a copy.
            #expect(bench.time.sleeperCount == 0)
            bench.time.advance(by: Self.delay)
            release.open()
            #expect(await outcome.kind == "201")
            #expect(neighbour.requests.count == 1)
            #expect(bench.hedges("started") == 0)
        }
    }

    @Test("with an empty budget there is no copy, and that is counted")
    func suppressed() async throws {
        let (begun, release) = (Gate(), Gate())
        let neighbour = Neighbour(TestTime()) { _, _ in
            begun.open()
            try? await release.wait()
            return .plain(200)
        }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            bench.emptyBudget()
            async let outcome = bench.send(.get)
            try await begun.wait()
            bench.time.advance(by: Self.delay)
            await bench.eventually { bench.hedges("suppressed") == 1 }
            release.open()
            #expect(await outcome.kind == "200")
            #expect(neighbour.requests.count == 1)
        }
    }

    @Test("an attempt whose time is over, copy and all, failed: it is not taken for one that its caller gave up")
    func timeouts() async throws {
        let stall = Stall(2)
        let neighbour = Neighbour(TestTime()) { _, _ in await stall.answer() }
        var configuration = Self.configuration
        configuration.attemptTimeout = .seconds(1)
        try await CallBench.with([neighbour], configuration) { bench in
            async let outcome = bench.send(.get)
            try await stall.begun[0].wait()
            bench.time.advance(by: Self.delay)
            try await stall.begun[1].wait()
            bench.time.advance(by: configuration.attemptTimeout)
            #expect(await outcome.kind == "200")
            for abandoned in stall.abandoned { try await abandoned.wait() }
            #expect(neighbour.requests.count == 3)
            #expect(bench.attempts(2) == 1)
            #expect(bench.hedges("started") == 1 && bench.hedges("won") == 0)
            let counts = try #require(bench.caller.balancer.snapshot.endpoints.first).counts
            #expect(counts.failed == 2 && counts.neutral == 0 && counts.succeeded == 1)
        }
    }

    @Test("a service that never answers is unavailable, and its breaker learns it")
    func silence() async throws {
        let stall = Stall(2)
        let neighbour = Neighbour(TestTime()) { _, _ in await stall.answer() }
        var configuration = Self.configuration
        configuration.retry.maximumAttempts = 1
        try await CallBench.with([neighbour], configuration) { bench in
            async let outcome = bench.send(.get)
            try await stall.begun[0].wait()
            bench.time.advance(by: Self.delay)
            try await stall.begun[1].wait()
            bench.time.advance(by: configuration.attemptTimeout)
            #expect(await outcome.kind == "unavailable")
            #expect(neighbour.requests.count == 2)
            #expect(bench.calls(.failure) == 1)
            #expect(bench.breaker("closed", "failure") == 1)
            #expect(!bench.isHealthy)
        }
    }
}
