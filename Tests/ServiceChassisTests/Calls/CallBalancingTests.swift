import Clocks
import HTTPCodec
import Resilience
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Calls to a service with several endpoints", .timeLimit(.minutes(1)))
struct CallBalancingTests {
    /// How one of three endpoints fails.
    enum Fault: CaseIterable {
        case says503, resets, refuses

        func begin(at neighbour: Neighbour) async throws {
            switch self {
            case .says503: neighbour.answer { _, _ in .plain(503) }
            case .resets: neighbour.answer { _, _ in .abort(reset: true) }
            case .refuses: try await neighbour.goAway()
            }
        }

        func end(at neighbour: Neighbour) throws {
            switch self {
            case .says503, .resets: neighbour.answer { _, _ in .plain(200) }
            case .refuses: try neighbour.comeBack()
            }
        }
    }

    private static func endpoint(
        _ neighbour: Neighbour, of bench: CallBench
    ) throws -> LoadBalancerSnapshot<ServiceURL>.Entry {
        let url = try #require(ServiceURL(neighbour.url))
        return try #require(bench.caller.balancer.snapshot.endpoints.first { $0.endpoint == url })
    }

    /// Calls that all have to succeed.
    private static func ask(_ bench: CallBench, _ count: Int, each pause: Duration = .zero) async {
        for _ in 0..<count {
            bench.time.advance(by: pause)
            #expect(await bench.send(.get).kind == "200")
        }
    }

    @Test(
        "one that fails gets no more calls after a few, calls succeed elsewhere meanwhile, and healed it gets calls again",
        arguments: Fault.allCases)
    func outlier(fault: Fault) async throws {
        let time = TestTime()
        let neighbours = (0..<3).map { _ in Neighbour(time) }
        let bad = neighbours[2]
        try await CallBench.with(neighbours) { bench in
            await Self.ask(bench, 60)
            for neighbour in neighbours { #expect(neighbour.requests.count > 5) }

            try await fault.begin(at: bad)
            let before = try Self.endpoint(bad, of: bench).counts
            await Self.ask(bench, 60)
            let during = try Self.endpoint(bad, of: bench)
            guard case .ejected = during.state else {
                Issue.record("it is \(during.state)")
                return
            }
            #expect(during.counts.failed - before.failed == 5)
            #expect(during.counts.picked - before.picked == 5)
            #expect(bench.attempts(2) == 5 && bench.attempts(3) == 0)
            #expect(bench.breaker("closed", "failure") == 0)

            await Self.ask(bench, 30)
            #expect(try Self.endpoint(bad, of: bench).counts.picked == during.counts.picked)

            try fault.end(at: bad)
            let requests = bad.requests.count
            time.advance(by: .seconds(2))
            // A growing share of the calls, over ten seconds.
            await Self.ask(bench, 100, each: .milliseconds(200))
            #expect(try Self.endpoint(bad, of: bench).state == .serving)
            #expect(bad.requests.count - requests > 5)
            #expect(bench.attempts(2) == 5)
            #expect(bench.calls(.success) == 250)
        }
    }

    @Test("what was not sent to one that refuses is sent to another, also without a key, and done once")
    func unsafe() async throws {
        let time = TestTime()
        let (there, away) = ([Neighbour(time), Neighbour(time)], Neighbour(time))
        try await CallBench.with(there, away: [away]) { bench in
            for _ in 0..<100 {
                time.advance(by: .milliseconds(100))
                // Ten calls a second alone would not pay for a third of them to be repeated.
                for _ in 0..<10 { bench.caller.budget.deposit() }
                #expect(await bench.send(.post).kind == "200")
            }
            #expect(there.reduce(0) { $0 + $1.requests.count } == 100)
            let picked = try Self.endpoint(away, of: bench).counts.picked
            #expect((1..<20).contains(picked), "without being left out it would have had some 33 calls")
            #expect(bench.attempts(2) == Double(picked))
        }
    }

    @Test("an attempt goes to an endpoint that this call has not tried")
    func others() async throws {
        let time = TestTime()
        let neighbours = (0..<3).map { _ in Neighbour(time) { _, _ in .plain(503) } }
        try await CallBench.with(neighbours) { bench in
            #expect(await bench.send(.get).kind == "unavailable")
            #expect(neighbours.map(\.requests.count) == [1, 1, 1])
        }
    }

    @Test("with all of them failing at most half are left out, and calls go on to the rest")
    func allFail() async throws {
        let time = TestTime()
        let neighbours = (0..<2).map { _ in Neighbour(time) { _, _ in .abort(reset: false) } }
        var configuration = ServiceCaller.Configuration.prompt
        configuration.breaker.failureRate = nil
        try await CallBench.with(neighbours, configuration) { bench in
            bench.emptyBudget()
            for _ in 0..<40 { #expect(await bench.send(.get).kind == "unavailable") }
            #expect(neighbours.reduce(0) { $0 + $1.requests.count } == 40)
            let states = bench.caller.balancer.snapshot.endpoints.map(\.state)
            #expect(states.count { $0 == .serving } == 1)
            neighbours.forEach { $0.answer { _, _ in .plain(200) } }
            await Self.ask(bench, 10)
        }
    }
}
