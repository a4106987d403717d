import Clocks
import HTTPCodec
import Resilience
import ServiceChassis
import TestSupport
import Testing

@Suite("Calls to a service that stays away", .timeLimit(.minutes(1)))
struct CallBreakerTests {
    /// Opens after four failures, for four seconds, then eight.
    private static var configuration: ServiceCaller.Configuration {
        var configuration = ServiceCaller.Configuration.prompt
        configuration.retry.maximumAttempts = 1
        configuration.breaker.minimumCalls = 4
        configuration.breaker.openTime = .exponential(base: .seconds(4), factor: 2, cap: .seconds(60), jitter: 0)
        return configuration
    }

    @Test("it opens, refuses with the time that is left, lets probes pass, and closes when they succeed")
    func lifeCycle() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(500) }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            for _ in 0..<4 { #expect(await bench.send(.get).kind == "unavailable") }
            #expect(bench.breakerState == 1)

            let refused = await bench.send(.post)
            guard case .failed(.refused(_, _, .seconds(4))) = refused else {
                Issue.record("\(refused) does not name the open time")
                return
            }
            #expect(refused.error?.hadNoEffect == true)
            #expect(refused.error?.problem.type == .dependencyUnavailable)
            #expect(refused.retryAfter == "4")
            bench.time.advance(by: .milliseconds(1500))
            #expect(await bench.send(.post).retryAfter == "3")
            #expect(neighbour.requests.count == 4)
            #expect(bench.calls(.rejected) == 2)
            #expect(bench.breaker("open", "rejected") == 2)
            #expect(bench.caller.admission == .refusing(until: bench.time.now.advanced(by: .milliseconds(2500))))

            neighbour.answer { _, _ in .plain(200) }
            bench.time.advance(by: .milliseconds(2500))
            #expect(await bench.send(.get).kind == "200")
            #expect(bench.breakerState == 2)
            #expect(await bench.send(.get).kind == "200")
            #expect(bench.breakerState == 0)
            #expect(bench.breaker("half-open", "success") == 2)
            #expect(bench.isHealthy)
            #expect(await bench.send(.post).kind == "200")
        }
    }

    @Test("probes that fail open it again, for longer")
    func failingProbes() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .abort(reset: true) }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            for _ in 0..<4 { _ = await bench.send(.get) }
            bench.time.advance(by: .seconds(4))
            for _ in 0..<2 { #expect(await bench.send(.get).kind == "unavailable") }
            #expect(bench.breakerState == 1)
            #expect(await bench.send(.get).retryAfter == "8")
            #expect(neighbour.requests.count == 6)
        }
    }

    @Test("however many calls come at once, only the permitted probes are sent")
    func probes() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(500) }
        try await CallBench.with([neighbour], Self.configuration) { bench in
            for _ in 0..<4 { _ = await bench.send(.get) }
            let (allArrived, release) = (Gate(), Gate())
            neighbour.answer { _, number in
                if number == 7 { allArrived.open() }
                try? await release.wait()
                return .plain(200)
            }
            bench.time.advance(by: .seconds(4))
            let kinds = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { await bench.send(.get).kind } }
                try await allArrived.wait()
                var kinds: [String] = []
                for try await kind in group {
                    kinds.append(kind)
                    if kinds.count == 17 { release.open() }
                }
                return kinds
            }
            #expect(kinds.count { $0 == "refused" } == 17)
            #expect(kinds.count { $0 == "200" } == 3)
            #expect(neighbour.requests.count == 7)
            #expect(bench.breakerState == 0)
        }
    }

    @Test("a call with retries is one call to it, whatever its attempts came to")
    func wholeCalls() async throws {
        var configuration = Self.configuration
        configuration.retry.maximumAttempts = 3
        let neighbour = Neighbour(TestTime()) { _, number in .plain(number % 3 == 0 ? 200 : 500) }
        try await CallBench.with([neighbour], configuration) { bench in
            for _ in 0..<6 {
                // So that every attempt can be paid for.
                bench.time.advance(by: .seconds(1))
                #expect(await bench.send(.get).kind == "200")
            }
            #expect(neighbour.requests.count == 18)
            #expect(bench.breaker("closed", "success") == 6)
            #expect(bench.breakerState == 0)
        }
    }

    @Test("an operator who forces it open stops calls at once")
    func forced() async throws {
        let neighbour = Neighbour(TestTime())
        try await CallBench.with([neighbour], Self.configuration) { bench in
            bench.caller.breaker.obey(.forceOpen)
            let refused = await bench.send(.get)
            #expect(refused.kind == "refused")
            #expect(refused.retryAfter == "1")
            #expect(bench.breakerState == 1)
            bench.caller.breaker.obey(.reset)
            #expect(await bench.send(.get).kind == "200")
            #expect(neighbour.requests.count == 1)
        }
    }
}
